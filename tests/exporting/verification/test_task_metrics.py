"""Labelled examples: what fits a net, and which differences between runtimes are failures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from kerasnets.exporting.verification.labelled import (
    input_arrays,
    measure,
    metric_failures,
    most_probable,
    read_labelled,
)

import kerasnets as kn


def labelled(count: int = 3) -> kn.Split:
    return kn.Split(np.zeros((count, 4)), np.zeros(count, "int32"))


def test_examples_become_arrays_by_name() -> None:
    assert input_arrays(["signal"], labelled())["signal"].dtype == np.float32
    with pytest.raises(
        ValueError, match=r"3 examples of \['length'\]; the net takes \['length', 'v"
    ):
        input_arrays(["length", "visits"], labelled())
    with pytest.raises(ValueError, match="test holds 0 examples"):
        input_arrays(["signal"], labelled(0))


def test_a_net_without_probabilities_has_no_accuracy(tmp_path: Path) -> None:
    net = kn.build("seizure-mlp", units=(2,), samples=4)
    folder = kn.export(net, tmp_path / "net", "onnx", classifier=False, verify=False)
    with pytest.raises(ValueError, match="this net gives no probabilities"):
        read_labelled(folder, labelled())


def test_accuracy_and_area_by_runtime(tmp_path: Path) -> None:
    labels = np.array([0, 1, 1, 0])
    right = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.7, 0.3]])
    one_wrong = right.copy()
    one_wrong[2] = [0.75, 0.25]
    path = tmp_path / "outputs.npz"
    np.savez(path, **{"keras/probabilities": right, "onnx/probabilities": one_wrong})
    found = measure(path, labels)
    assert found["keras"] == {"accuracy": 1, "auroc": 1}
    # Of four pairs of a 1 and a 0, one stands the wrong way round: 0.25 before 0.3.
    assert found["onnx"] == {"accuracy": 0.75, "auroc": 0.75}
    failures = list(metric_failures(found))
    assert failures == [
        "onnx: accuracy on the test split is 0.75, of keras 1.0",
        "onnx: AUROC on the test split is 0.75, of keras 1.0",
    ]
    assert list(metric_failures({"onnx": found["onnx"], "saved_model": found["onnx"]})) == []
    assert list(metric_failures({})) == []


def test_one_column_is_the_second_class(tmp_path: Path) -> None:
    assert most_probable(np.array([[0.2], [0.6]])).tolist() == [0, 1]
    path = tmp_path / "outputs.npz"
    np.savez(path, **{"onnx/probabilities": np.array([[0.2], [0.6]])})
    assert measure(path, np.array([0, 1]))["onnx"] == {"accuracy": 1, "auroc": 1}
    assert measure(path, np.array([1, 1]))["onnx"]["auroc"] is None
