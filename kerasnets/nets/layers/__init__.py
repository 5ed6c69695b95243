"""Custom layers that Keras can save and load."""
