"""The client of the KServe V2 protocol. It was also run with MLServer 1.7."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import onnxruntime
import pytest

from kerasnets.exporting import ServerError, predict
from tests.exporting.serving.hostile_servers import reply, rest_server
from tests.exporting.serving.kserve_server import kserve
from tests.exporting.serving.servers import ROOT

MODEL = ROOT / "exported" / "mortality-gru" / "1" / "model.onnx"
VISITS = (np.random.default_rng(0).random((3, 4, 1000)) < 0.01).astype("float32")
INPUTS = {"visits": VISITS, "length": np.array([4, 2, 0], "int32")}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with kserve("mortality-gru", MODEL) as address:
        yield address


@pytest.mark.parametrize("version", [None, 1])
def test_the_outputs_are_those_of_onnx_runtime(server: str, version: int | None) -> None:
    outputs = predict(server, "mortality-gru", INPUTS, version=version, protocol="kserve")
    session = onnxruntime.InferenceSession(MODEL)
    assert set(outputs) == {"probabilities", "logits"}
    for name, array in outputs.items():
        (expected,) = session.run([name], INPUTS)
        assert array.dtype == "float32"
        np.testing.assert_array_equal(array, expected)


def test_no_rows(server: str) -> None:
    empty = {name: array[:0] for name, array in INPUTS.items()}
    assert predict(server, "mortality-gru", empty, protocol="kserve")["logits"].shape == (0, 2)


def test_the_error_of_the_server_is_raised(server: str) -> None:
    with pytest.raises(ServerError, match=r"answered 404: Model .*no-such.* not found"):
        predict(server, "no-such", INPUTS, protocol="kserve")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"address": "grpc://localhost:1"}, "needs an http:// or https:// address"),
        ({"signature": "classify"}, "has no signatures"),
        ({"protocol": "kserv"}, "kserve"),
        ({"inputs": {"x": np.ones((1, 2), complex)}}, "convert it to one of BOOL|bool"),
        ({"inputs": {"x": np.array([[np.nan]])}}, "cannot be sent as JSON"),
    ],
)
def test_invalid_arguments_are_refused(arguments: dict, message: str) -> None:
    call = {"address": "http://localhost:1", "model": "m", "inputs": {}, "protocol": "kserve"}
    with pytest.raises(ValueError, match=message):
        predict(**(call | arguments))


TENSOR = {"name": "y", "shape": [1], "datatype": "FP32", "data": [1.0]}


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({"y": [1.0]}, "not a list of tensors"),
        ([1], "not a list of tensors"),
        ([TENSOR | {"datatype": "FP8"}], "unsupported type"),
        ([TENSOR | {"shape": [2]}], "values of its shape"),
        ([TENSOR | {"shape": [-1]}], "values of its shape"),
        ([TENSOR | {"shape": None}], "values of its shape"),
        ([TENSOR | {"data": ["1"]}], "values of another type"),
        ([TENSOR | {"data": [None]}], "values of another type"),
        ([TENSOR | {"datatype": "INT8", "data": [10**30]}], "values of another type"),
        ([TENSOR | {"shape": [1, 2], "data": [1.0, 2.0]}] * 0, "it has no outputs"),
    ],
)
def test_invalid_responses_are_refused(outputs: object, message: str) -> None:
    body = json.dumps({"outputs": outputs}).encode()
    with rest_server(reply(body)) as address, pytest.raises(ServerError, match=message):
        predict(address, "m", {"x": np.ones((1, 2))}, protocol="kserve")
