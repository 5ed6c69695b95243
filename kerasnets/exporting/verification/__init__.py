"""Comparing exported files with Keras, in every runtime."""
