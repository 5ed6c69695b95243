"""Recurrent models of every form, with what each must become in ONNX."""
