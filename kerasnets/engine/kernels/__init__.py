"""Layers and optimizers traced from fewer or faster operations than Keras's own."""
