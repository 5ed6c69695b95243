"""Verification finds every change of an exported version."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kerasnets as kn
from kerasnets.exporting.verification import runtimes
from kerasnets.exporting.verification.runtimes.check import read_expected
from tests.exporting.helpers import small_net

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "reliability" / "tampering.py"


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    """The functions of the script."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [*sys.path])  # the script adds a folder
        return runpy.run_path(str(SCRIPT))


@pytest.fixture(scope="module", params=["onnx", "litert"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export with smaller weights."""
    net = kn.build("seizure-mlp", units=(300,), samples=6)
    return kn.export(
        net,
        tmp_path_factory.mktemp("exported") / "net",
        formats=request.param,
        weights=("float16", "int8"),
        c_array=request.param == "litert",
        class_names=["a", "b", "c", "d", "e"],
        keras_file=False,
        verify=False,
    )


def test_the_folder_itself_has_no_failures(folder: Path) -> None:
    report = runtimes.check(folder, 1e-5)
    assert report.failures == []
    float16, int8 = report.small_weights.values()
    assert 1e-5 < float16 < int8


def test_every_change_is_found(script: dict[str, Any], folder: Path, tmp_path: Path) -> None:
    for name, change in script["cases"](folder).items():
        failures = script["failures_after"](folder, change)
        assert failures, name
        if "new checksums" not in name:
            continue
        # Only the contents show these changes.
        assert not any("checksum" in failure for failure in failures), (name, failures)


def test_every_bit_of_the_checksums_counts(folder: Path) -> None:
    path = folder / "SHA256SUMS"
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    try:
        for index in rng.choice(len(content), 100, replace=False):
            changed = bytearray(content)
            changed[index] ^= 1 << rng.integers(8)
            path.write_bytes(changed)
            report = runtimes.Report()
            read_expected(folder, 1e-5, report)
            assert report.failures, (index, changed[index])
    finally:
        path.write_bytes(content)


def test_swapped_class_names_in_the_card_differ_from_the_saved_model(
    script: dict[str, Any], tmp_path: Path
) -> None:
    net = small_net()
    net.get_layer("logits").bias.assign([1e3, 0, 0, 0, 0])  # the name in the middle stays there
    folder = kn.export(
        net,
        tmp_path / "net",
        formats="saved_model",
        class_names=["a", "b", "c", "d", "e"],
        keras_file=False,
        verify=False,
    )
    script["edit_card"](lambda card: card["class_names"].reverse())(folder)
    (failure,) = runtimes.check(folder, 1e-5).failures
    assert failure.startswith("saved_model: the signature classify returns ['")
