"""The trained reference nets: loaded by name, with the outputs of their verified exports."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

import kerasnets as kn
from kerasnets.cli import main
from kerasnets.evaluation import reference

ROOT = Path(__file__).resolve().parents[2]
NAMES = kn.list_reference_nets()


def case_of(name, case="batch-7"):
    """Inputs and probabilities of a case in ``reference.npz`` of the export."""
    with np.load(ROOT / "exported" / name / "1" / "reference.npz") as arrays:
        inputs = {
            key.rpartition("/")[2]: arrays[key]
            for key in arrays
            if key.startswith(f"{case}/inputs/")
        }
        return inputs, arrays[f"{case}/outputs/probabilities"]


@pytest.mark.parametrize("name", NAMES)
def test_predictions_are_those_of_the_verified_export(name):
    net = kn.load(name)
    inputs, probabilities = case_of(name)
    x = inputs if len(inputs) > 1 else next(iter(inputs.values()))
    np.testing.assert_allclose(net.predict(x), probabilities, atol=1e-6)
    assert probabilities.shape == (7, len(net.class_names))
    assert net.model.count_params() == net.card["parameters"]
    test = net.metrics["test"]
    assert repr(net) == (
        f"ReferenceNet({name!r} on {net.provenance['data']!r}, test accuracy "
        f"{test['accuracy']:.4f}, auroc {test['auroc']:.4f})"
    )
    assert net.class_names[0] in net._repr_html_()


def test_the_files_are_below_3_megabytes():
    sizes = {name: kn.load(name).path.stat().st_size for name in NAMES}
    assert 1_000_000 < sum(sizes.values()) < 3_000_000


def test_the_wheel_contains_every_net():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for name in NAMES:
        for file, ending in (("model.keras", "keras"), ("card.json", "json")):
            line = f'"exported/{name}/1/{file}" = "kerasnets/reference/{name}.{ending}"'
            assert line in text.splitlines()


def test_unknown_and_missing_nets_are_refused(monkeypatch, tmp_path):
    with pytest.raises(ValueError, match=r"trained net 'seizure-spectral-smal'\. Did you mean"):
        kn.load("seizure-spectral-smal")
    monkeypatch.setattr(reference, "__file__", str(tmp_path / "kerasnets/evaluation/reference.py"))
    with pytest.raises(FileNotFoundError, match="Install kerasnets again"):
        kn.load("seizure-gru")


def test_the_command_predicts_with_a_net_of_the_package(tmp_path, capsys):
    inputs, probabilities = case_of("seizure-gru")
    np.savez(tmp_path / "new.npz", x=inputs["signal"])
    args = ["predict", "seizure-gru", "--data", str(tmp_path / "new.npz")]
    assert main([*args, "--out", str(tmp_path / "out.csv")]) == 0
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text("utf-8").splitlines()))
    assert len(rows) == 7
    names = kn.load("seizure-gru").class_names
    assert [row["prediction"] for row in rows] == [names[k] for k in probabilities.argmax(axis=1)]
    found = [[float(row[f"p({name})"]) for name in names] for row in rows]
    np.testing.assert_allclose(found, probabilities, atol=1e-6)
    capsys.readouterr()
    assert main(["predict", "seizure-gro"]) == 2
    errors = capsys.readouterr().err
    assert "seizure-gro is not a run folder" in errors
    assert "Trained nets that need no folder: digit-cnn-compact, lenet5" in errors


def test_the_options_of_the_data_set_are_those_of_the_training():
    options = {"folds": 5, "fold": 0, "samples": 2_047, "step": 178}
    assert kn.load("seizure-spectral-long").data_options == options


@pytest.mark.real_data
def test_the_accuracy_is_that_of_the_card(real_data_dir):
    net = kn.load("seizure-spectral-small")
    data = net.load_data(real_data_dir)
    assert data.checksum == net.provenance["data_checksum"]
    metrics = kn.evaluate(net, data, splits=("test",))["test"]
    assert metrics["accuracy"] == pytest.approx(
        net.metrics["test"]["accuracy"], abs=2 / len(data.test)
    )
