"""Recurrent models of many kinds, with the ONNX nodes that each must have."""
