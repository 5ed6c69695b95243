"""Our message definitions are compatible with the official ones in both directions."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from kerasnets._lazy import tf
from kerasnets.exporting.serving.messages import predict_request, predict_response, prediction_log

DTYPES = ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool")


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_official_definitions_read_requests(dtype: str) -> None:
    array = np.array([[0, 1, 2], [3, 4, 100]]).astype(dtype)
    request = predict_request("net", {"x": array, "n": array[:, 0]}, "classify", version=3)
    official = predict_pb2.PredictRequest.FromString(request.SerializeToString())
    assert official.model_spec.name == "net"
    assert official.model_spec.signature_name == "classify"
    assert official.model_spec.version.value == 3
    np.testing.assert_array_equal(tf.make_ndarray(official.inputs["x"]), array)
    np.testing.assert_array_equal(tf.make_ndarray(official.inputs["n"]), array[:, 0])
    log = prediction_log_pb2.PredictionLog.FromString(prediction_log(request))
    assert log.predict_log.request == official


def without_content(array: np.ndarray) -> object:
    """A tensor in a repeated field, as the server writes it."""
    proto = tf.make_tensor_proto(array)
    content = np.frombuffer(proto.tensor_content, array.dtype) if proto.tensor_content else ()
    proto.ClearField("tensor_content")
    fields = {"float16": "half", "float32": "float", "float64": "double", "int64": "int64"}
    name = fields.get(array.dtype.name, "bool" if array.dtype == bool else "int")
    values = np.array(content)
    if array.dtype == np.float16:
        values = values.view("uint16")
    getattr(proto, f"{name}_val").extend(values.tolist())
    return proto


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("one_by_one", [False, True])
def test_responses_are_read(dtype: str, one_by_one: bool) -> None:
    array = np.array([[0, 1, 2], [3, 4, 100]]).astype(dtype)
    response = predict_pb2.PredictResponse()
    proto = without_content(array) if one_by_one else tf.make_tensor_proto(array)
    response.outputs["y"].CopyFrom(proto)
    got = predict_response(response.SerializeToString(), 10_000)["y"]
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, array)


def test_strings_repeated_values_and_empty_tensors_are_read() -> None:
    response = predict_pb2.PredictResponse()
    response.outputs["name"].CopyFrom(tf.make_tensor_proto(["µV", "b"]))
    response.outputs["same"].CopyFrom(tf.make_tensor_proto(7.0, shape=(2, 3)))
    response.outputs["none"].CopyFrom(tf.make_tensor_proto(np.zeros((0, 5), "float32")))
    got = predict_response(response.SerializeToString(), 10_000)
    assert got["name"].tolist() == ["µV", "b"]
    np.testing.assert_array_equal(got["same"], np.full((2, 3), 7, "float32"))
    assert got["none"].shape == (0, 5)


def test_unsupported_types_are_rejected() -> None:
    with pytest.raises(
        ValueError, match=r"inputs\['x'\] has type complex128; convert it to one of bool, float16"
    ):
        predict_request("net", {"x": np.array([1j])}, "serving_default")
    with pytest.raises(ValueError, match=r"inputs\['x'\] has type object"):
        predict_request("net", {"x": np.array([[1], [1, 2]], object)}, "serving_default")
    response = predict_pb2.PredictResponse()
    response.outputs["y"].CopyFrom(tf.make_tensor_proto(np.zeros(2, ml_dtypes.bfloat16)))
    with pytest.raises(ValueError, match="output 'y' has the unsupported type 14"):
        predict_response(response.SerializeToString(), 10_000)


def test_a_few_bytes_that_describe_a_large_array_are_refused() -> None:
    response = predict_pb2.PredictResponse()
    response.outputs["y"].CopyFrom(tf.make_tensor_proto(1.0, shape=(10**8,)))
    content = response.SerializeToString()
    assert len(content) < 30
    message = r"output 'y' would be an array of 400,000,000 bytes; max_response_bytes is 1,000,000"
    with pytest.raises(ValueError, match=message):
        predict_response(content, 10**6)
    response.outputs["y"].CopyFrom(tf.make_tensor_proto(["a" * 1000] + ["b"] * 1000))
    with pytest.raises(ValueError, match="output 'y' would be an array of 4,004,000 bytes"):
        predict_response(response.SerializeToString(), 10**6)
    for name in ("x", "y"):  # together they are too large
        response.outputs[name].CopyFrom(tf.make_tensor_proto(1.0, shape=(150_000,)))
    with pytest.raises(ValueError, match="600,000 bytes; max_response_bytes is 400,000"):
        predict_response(response.SerializeToString(), 10**6)


@pytest.mark.parametrize("shape", [(-1,), (3,), (2, 2), (1 << 62, 4), (1,) * 65])
@pytest.mark.parametrize("content", [b"", b"12345678", b"123"])
def test_values_that_do_not_fit_their_shape_are_refused(shape: tuple, content: bytes) -> None:
    response = predict_pb2.PredictResponse()
    tensor = response.outputs["y"]
    tensor.dtype = 1
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    tensor.tensor_content = content
    if not content:
        tensor.float_val.extend(range(5))
    with pytest.raises(ValueError, match=r"output 'y' (has|would be)"):
        predict_response(response.SerializeToString(), 10_000)


def test_a_response_that_is_not_a_message_is_refused() -> None:
    with pytest.raises(ValueError, match="not a PredictResponse"):
        predict_response(b"<html>", 10_000)


def test_text_is_sent_as_bytes() -> None:
    request = predict_request("net", {"x": np.array([["a"], ["é"]])}, "serving_default")
    official = predict_pb2.PredictRequest.FromString(request.SerializeToString())
    assert tf.make_ndarray(official.inputs["x"]).tolist() == [[b"a"], ["é".encode()]]
