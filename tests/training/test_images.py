"""From images to a verified export; all of them take pixel values from 0 to 255."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

import kerasnets as kn
from kerasnets.cli import main


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("images") / "run"
    return kn.train("lenet5", data="digits", epochs=1, out=out, progress=False)


def test_a_net_trains_on_digits_with_its_own_recipe(run):
    assert (run.recipe.data, run.recipe.rescaling, run.recipe.epochs) == ("digits", "none", 1)
    assert run.metrics["test"]["accuracy"] > 0.7
    assert run.units == "pixel values from 0 to 255"
    assert run.model.layers[1].name == "from_0_to_1"


@pytest.mark.usefixtures("verify_in_this_process")
def test_the_exported_file_takes_the_pixels_of_the_data_set(run, tmp_path):
    path = kn.export(run, tmp_path / "lenet5", formats=("onnx",), verify=False)
    verification = kn.verify(path.parent)
    assert verification.ok
    assert verification.path == path
    assert max(verification.max_abs_diff.values()) <= 1e-5
    x = kn.load_data("digits").test.x
    session = onnxruntime.InferenceSession(path / "model.onnx")
    (probabilities,) = session.run(["probabilities"], {"image": x})
    accuracy = (probabilities.argmax(axis=1) == kn.load_data("digits").test.y).mean()
    assert accuracy == pytest.approx(run.metrics["test"]["accuracy"], abs=1 / len(x))


def test_the_command_line_trains_the_same_net(run, tmp_path, capsys):
    arguments = ["--data", "digits", "--epochs", "1", "--quiet", "--out", str(tmp_path / "run")]
    assert main(["train", "lenet5", *arguments]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'run'}\n"
    assert main(["evaluate", str(tmp_path / "run")]) == 0
    assert "lenet5 on digits, split by row" in capsys.readouterr().out
    again = kn.load_run(tmp_path / "run")
    for weight, same in zip(run.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, same)


def test_constant_pixels_can_be_standardized(tmp_path):
    net = kn.build("digit-mlp-1", units=[8])
    run = kn.train(net, data="digits", epochs=1, out=tmp_path / "run", progress=False)
    assert run.recipe.rescaling == "standard"
    assert np.isfinite(run.history["loss"]).all()
