"""The client with a server: the official one if it is installed, otherwise our test server."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import requests

import kerasnets as kn
from kerasnets.exporting import ServerError, predict, write_server_files
from tests.exporting.helpers import CLASSES, TrainedNet, dense_model
from tests.exporting.serving.servers import OFFICIAL, Server, free_port, serving


@pytest.fixture(scope="module")
def folder(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three models and the configuration of the server."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(exported.parent, folder / "seizure-mlp")
    net = kn.build("mortality-gru", features=3, units=(3,), dense_units=(2,))
    kn.export(net, folder / "mortality-gru", ["saved_model"], verify=False)
    dose = dense_model(1, 1, kernel_initializer="ones")
    kn.export(dose, folder / "dose", ["saved_model"], task="regression", verify=False)
    write_server_files(folder, mount=str(folder))
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    with serving(folder) as server:
        yield server


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_the_server_returns_the_outputs_of_keras(
    server: Server, protocol: str, trained: TrainedNet
) -> None:
    rows = trained.example_inputs[:7]
    outputs = predict(getattr(server, protocol), "seizure-mlp", {"signal": rows})
    assert set(outputs) == {"probabilities", "logits"}
    expected = np.asarray(trained.model(rows))
    np.testing.assert_allclose(outputs["logits"], expected, atol=1e-6)
    assert outputs["probabilities"].shape == (7, 5)
    again = predict(getattr(server, protocol), "seizure-mlp", {"signal": rows.tolist()}, version=1)
    np.testing.assert_allclose(again["logits"], expected, atol=1e-6)


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_classify_returns_class_names(server: Server, protocol: str, trained: TrainedNet) -> None:
    rows = trained.example_inputs[:9]
    outputs = predict(
        getattr(server, protocol), "seizure-mlp", {"signal": rows}, signature="classify"
    )
    best = np.asarray(trained.model(rows)).argmax(axis=1)
    assert outputs["class_name"].tolist() == [CLASSES[index] for index in best]
    assert outputs["probability"].shape == (9,)


@pytest.mark.parametrize(("protocol", "name"), [("rest", "outputs"), ("grpc", "prediction")])
def test_regression_has_one_output(server: Server, protocol: str, name: str) -> None:
    outputs = predict(getattr(server, protocol), "dose", {"x": [[2.5], [-1]]})
    assert {key: array.tolist() for key, array in outputs.items()} == {name: [[2.5], [-1]]}


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_padding_does_not_change_the_outputs(server: Server, protocol: str) -> None:
    rng = np.random.default_rng(0)
    visits = rng.normal(size=(3, 5, 3)).astype("float32")
    length = np.array([5, 2, 0], "int32")
    outputs = predict(
        getattr(server, protocol), "mortality-gru", {"visits": visits, "length": length}
    )
    visits[1, 2:], visits[2] = 99, -99
    other = predict(
        getattr(server, protocol), "mortality-gru", {"visits": visits, "length": length}
    )
    np.testing.assert_array_equal(other["logits"], outputs["logits"])


def test_a_request_with_nan_is_an_error_that_names_the_row(server: Server) -> None:
    rows = np.zeros((4, 178), "float32")
    rows[2, 5] = np.nan
    with pytest.raises(ServerError, match=r"INVALID_ARGUMENT.*signal holds NaN(.|\n)*\[2\]"):
        predict(server.grpc, "seizure-mlp", {"signal": rows})
    with pytest.raises(ValueError, match=r"cannot be sent as JSON.*Remove such rows"):
        predict(server.rest, "seizure-mlp", {"signal": rows})
    # A handwritten body, in which a number too large for a float32 becomes infinity.
    rows[2, 5] = 1e39 if OFFICIAL else 0
    body = json.dumps({"inputs": {"signal": rows.tolist()}}).replace("[0.0", "[1e39", 1)
    url = f"{server.rest}/v1/models/seizure-mlp:predict"
    response = requests.post(url, data=body, timeout=10)
    assert response.status_code == 400
    assert response.json()["error"]


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_the_error_of_the_server_is_shown(server: Server, protocol: str) -> None:
    address, rows = getattr(server, protocol), np.zeros((2, 178), "float32")
    with pytest.raises(ServerError, match=r"answered (404|NOT_FOUND): Servable not found"):
        predict(address, "no-such-net", {"signal": rows})
    with pytest.raises(ServerError, match=r"answered (404|NOT_FOUND): Servable not found"):
        predict(address, "seizure-mlp", {"signal": rows}, version=7)
    with pytest.raises(ServerError, match=r"answered (400|INVALID_ARGUMENT)"):
        predict(address, "seizure-mlp", {"signal": rows[:, :7]})
    with pytest.raises(ServerError, match=r"answered (400|INVALID_ARGUMENT)"):
        predict(address, "seizure-mlp", {"sginal": rows})


@pytest.mark.skipif(OFFICIAL is not None, reason="the official server has no slow model")
@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_a_slow_server_is_a_timeout(server: Server, protocol: str) -> None:
    with pytest.raises(ServerError, match=r"within 0\.3 s|DEADLINE_EXCEEDED"):
        predict(getattr(server, protocol), "slow", {"signal": np.zeros((1, 178))}, timeout=0.3)


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_a_missing_server_is_an_error(scheme: str) -> None:
    address = f"{scheme}://127.0.0.1:{free_port()}"
    with pytest.raises(ServerError, match=r"cannot be reached|UNAVAILABLE"):
        predict(address, "seizure-mlp", {"signal": np.zeros((1, 178))}, timeout=5)


@pytest.mark.parametrize(
    ("address", "options", "message"),
    [
        ("localhost:8501", {}, r"address must be http://HOST:PORT.*'localhost:8501'"),
        ("ftp://there", {}, "address must be http://HOST:PORT"),
        ("http://there:1", {"timeout": 0}, "timeout must be a positive number of seconds; got 0"),
        ("grpc://there:1", {"timeout": float("inf")}, "timeout must be a positive number"),
    ],
)
def test_invalid_arguments_are_rejected(address: str, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        predict(address, "net", {"signal": [[1.0]]}, **options)


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_the_server_accepts_the_example_requests(
    server: Server, folder: Path, protocol: str
) -> None:
    for name in ("seizure-mlp", "mortality-gru"):
        version = folder / name / "1"
        if protocol == "rest":
            body = (version / "request.json").read_bytes()
            url = f"{server.rest}/v1/models/{name}:predict"
            response = requests.post(url, data=body, timeout=10)
            assert response.ok, response.text
            outputs = response.json()["outputs"]
        else:
            outputs = predict_with_the_official_stub(server.grpc, version / "request.pbtxt")
        assert np.shape(outputs["probabilities"]) == (1, 5 if name == "seizure-mlp" else 2)


def predict_with_the_official_stub(address: str, path: Path) -> dict[str, np.ndarray]:
    import grpc
    import tensorflow as tf
    from google.protobuf import text_format
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    request = text_format.Parse(path.read_text("utf-8"), predict_pb2.PredictRequest())
    with grpc.insecure_channel(address.removeprefix("grpc://")) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        outputs = stub.Predict(request, timeout=10).outputs
    return {name: tf.make_ndarray(tensor) for name, tensor in outputs.items()}
