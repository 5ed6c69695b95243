"""How a network leaves: SavedModel, ONNX, verification."""
