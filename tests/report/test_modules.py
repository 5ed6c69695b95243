"""Modules of the page in node: arrays of NumPy, and outputs compared with those of Keras."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kerasnets.exporting.verification.runtimes import compare
from kerasnets.report.vendor import PAGE

NODE = shutil.which("node") or ""
pytestmark = pytest.mark.skipif(not NODE, reason="node is not installed")


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copies of the modules, which node takes as modules because of a package.json."""
    folder = tmp_path_factory.mktemp("modules")
    for path in PAGE.glob("*.js"):
        shutil.copy(path, folder)
    (folder / "package.json").write_text('{"type": "module"}', "utf-8")
    return folder


def run(modules: Path, program: str) -> Any:
    (modules / "program.js").write_text(program, "utf-8")
    done = subprocess.run(
        [NODE, "program.js"], cwd=modules, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


ARRAYS = {
    "case/inputs/a": np.arange(24, dtype="float32").reshape(2, 3, 4) / 7,
    "fortran": np.asfortranarray(np.arange(24, dtype="int32").reshape(2, 3, 4)),
    "row": np.array([1.5, -2, np.nan, np.inf], "float64"),
    "large": np.array([2**53 - 1, -5], "int64"),
    "flags": np.array([[True], [False]]),
    "half": np.array([1, -2], "float16"),
    "bytes": np.array([0, 255], "uint8"),
    "none": np.zeros((0, 178), "float32"),
    "one": np.array(3.0, "float32"),
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_are_those_of_numpy(save: Any, modules: Path) -> None:
    save(modules / "arrays.npz", **ARRAYS)
    program = """
        import { readFileSync } from "node:fs";
        import { readNpz } from "./npz.js";
        const arrays = await readNpz(new Uint8Array(readFileSync("arrays.npz")));
        const plain = [...arrays].map(([name, { type, shape, data }]) =>
          [name, { type, shape, data: Array.from(data, String) }]);
        console.log(JSON.stringify(Object.fromEntries(plain)));
    """
    read = run(modules, program)
    assert list(read) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert read[name]["type"] == str(array.dtype)
        assert read[name]["shape"] == list(array.shape)
        values = np.array(read[name]["data"], "U").astype("float64")
        expected = array.view("uint16") if array.dtype == "float16" else array
        np.testing.assert_array_equal(values, expected.ravel().astype("float64"))


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06", b"x" * 5000])
def test_what_is_no_archive_is_refused(content: bytes, modules: Path) -> None:
    (modules / "wrong.npz").write_bytes(content)
    program = """
        import { readFileSync } from "node:fs";
        import { readNpz } from "./npz.js";
        const bytes = new Uint8Array(readFileSync("wrong.npz"));
        const reason = await readNpz(bytes).catch((error) => error.message);
        console.log(JSON.stringify(reason));
    """
    assert run(modules, program) == "the file is not a complete zip archive"


NAN = float("nan")
PAIRS = [
    ([[0.1, 0.9], [0.5, 0.5]], [[0.1, 0.9], [0.5, 0.25]]),
    ([[100.0, 3.0]], [[100.5, 3.0]]),
    ([[1.0, 2.0], [NAN, NAN]], [[1.0, 2.5], [NAN, NAN]]),
    ([[1.0, 2.0], [0.0, NAN]], [[1.0, 2.0], [NAN, NAN]]),
    ([[NAN, 2.0]], [[1.0, 2.0]]),
    ([[1.0]], [[1.0, 2.0]]),
    ([], []),
]


@pytest.mark.parametrize(("got", "expected"), PAIRS)
def test_outputs_are_compared_as_by_verify(got: Any, expected: Any, modules: Path) -> None:
    arrays = [np.array(values, "float32") for values in (got, expected)]
    difference, failures = compare("x", *arrays, tolerance=1e9)
    tensors = [
        f"{{type: 'float32', shape: {list(array.shape)}, data: "
        f"Float32Array.from({array.ravel().tolist()})}}"
        for array in arrays
    ]
    program = f"""
        import {{ compareArrays }} from "./runtime.js";
        const nan = NaN;
        console.log(JSON.stringify(compareArrays({", ".join(tensors)})));
    """
    found = run(modules, program)
    assert found["difference"] == pytest.approx(difference)
    assert bool(found.get("failure")) == bool(failures)


def test_outputs_are_described_for_each_task(modules: Path) -> None:
    program = """
        import { describeOutputs } from "./outputs.js";
        const say = (task, names, threshold, outputs) =>
          describeOutputs({ task, names, threshold, target_units: "mg" }, outputs);
        const p = (...data) => ({ probabilities: { data }, logits: { data } });
        console.log(JSON.stringify([
          say("classification", ["a", "b", "c"], 0.5, p(0.2, 0.5, 0.3)),
          say("classification", ["a", "b"], 0.1, p(0.8, 0.2)),
          say("binary", ["no", "yes"], 0.5, p(0.25)),
          say("multilabel", ["a", "b", "c"], 0.5, p(0.6, 0.1, 0.5)),
          say("regression", ["dose"], 0.5, { prediction: { data: [12.345] } }),
          say(null, [], 0.5, { y: { data: [1, -2] } }),
          say("classification", ["a", "b"], 0.5, p(NaN, NaN)),
        ]));
    """
    several, two, binary, labels, target, other, invalid = run(modules, program)
    assert (several["title"], several["detail"]) == ("b", "50.0\xa0%")
    assert two["title"] == "b"  # 0.2 is above the threshold
    assert two["detail"] == "20.0\xa0%, at threshold 0.10"
    assert [bar["share"] for bar in binary["bars"]] == [0.75, 0.25]
    assert binary["title"] == "no"
    assert labels["title"] == "a, c"
    assert [bar["highlighted"] for bar in labels["bars"]] == [True, False, True]
    assert (target["title"], target["detail"]) == ("12.3", "mg")
    assert [bar["text"] for bar in other["bars"]] == ["1", "−2"]
    assert [bar["name"] for bar in other["bars"]] == ["y 1", "y 2"]
    assert invalid["title"] == "Invalid input"
