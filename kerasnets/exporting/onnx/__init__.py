"""ONNX files: native recurrent nodes, operators, smaller weights."""
