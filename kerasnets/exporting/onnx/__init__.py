"""ONNX export: native recurrent nodes, operators that tf2onnx lacks, smaller weights."""
