"""Recurrent models of every form, with the ONNX nodes that each must have."""
