"""Layers of our own, which Keras can save and load."""
