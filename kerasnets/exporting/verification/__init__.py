"""Verification of exported files: every runtime against Keras."""
