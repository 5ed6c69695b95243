"""Replacements for Keras layers and optimizers that need fewer or faster operations."""
