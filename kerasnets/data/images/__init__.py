"""Images: MNIST and other files in its format."""
