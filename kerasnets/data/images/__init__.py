"""Images: MNIST and any files in its format."""
