"""The models in exported/: small, verified, without real data, and used as the README shows."""

from __future__ import annotations

import functools
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest

import kerasnets as kn
from kerasnets.exporting import write_server_files
from kerasnets.exporting.card_readme import readme
from kerasnets.exporting.verification import runtimes
from tests.exporting.helpers import read_card
from tests.exporting.serving.servers import ROOT, Server, serving

EXPORTED = ROOT / "exported"
README = (EXPORTED / "README.md").read_text(encoding="utf-8")
# The models in git; users may have exported more to the folder.
NETS = sorted(set(re.findall(r"^\| \[`([\w-]+)`\]", README, flags=re.MULTILINE)))


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.parametrize("net", NETS)
def test_the_readme_is_that_of_the_card(net: str) -> None:
    folder = EXPORTED / net / "1"
    assert (folder / "README.md").read_text(encoding="utf-8") == readme(read_card(folder))


def test_the_models_are_small() -> None:
    assert {"seizure-gru", "seizure-cnn", "mortality-gru", "lenet5"} <= set(NETS)
    sizes = {net: size_of(EXPORTED / net) for net in NETS}
    assert max(sizes.values()) < 1_300_000, sizes
    assert sum(sizes.values()) < 10_000_000


@pytest.mark.parametrize("net", NETS)
def test_every_model_has_the_files_that_the_readme_lists(net: str) -> None:
    files = {path.name for path in (EXPORTED / net / "1").iterdir()}
    listed = {"saved_model.pb", "variables", "model.onnx", "model.keras", "card.json", "README.md"}
    assert listed | {"request.json", "request.pbtxt", "reference.npz"} <= files


@pytest.mark.parametrize("net", NETS)
def test_every_model_passes_verification(net: str) -> None:
    report = runtimes.check(EXPORTED / net / "1", 1e-5)
    assert report.failures == []
    card = read_card(EXPORTED / net / "1")
    assert re.fullmatch(r"[0-9a-f]{40}", card["provenance"]["commit"])
    assert not card["provenance"]["data"].endswith("-simulated")
    metrics = card["verification"]["test_metrics"]
    assert {entry["accuracy"] for entry in metrics.values()} == {
        float(card["provenance"]["test_accuracy"])
    }
    nodes = {node.op_type for node in onnx.load(EXPORTED / net / "1" / "model.onnx").graph.node}
    assert not nodes & {"Loop", "Scan", "If"}
    assert ("GRU" in nodes) == ("gru" in net)


@pytest.mark.real_data
def test_no_real_data_is_in_the_files(real_data_dir: Path) -> None:
    load = functools.cache(kn.load_data)  # several nets have the same data
    for net in NETS:
        card = read_card(EXPORTED / net / "1")
        data = load(card["provenance"]["data"], real_data_dir)
        cases = runtimes.read_reference(EXPORTED / net / "1" / "reference.npz")
        body = json.loads((EXPORTED / net / "1" / "request.json").read_text("utf-8"))["inputs"]
        if not isinstance(data.test.x, np.ndarray):
            # Codes are random with one probability for all; no real patient has such codes.
            continue
        real = {row.tobytes() for split in data.splits.values() for row in split.x}
        name = card["inputs"][0]["name"]
        shown = [row for inputs, _ in cases.values() for row in inputs[name]]
        shown += [np.array(row, "float32") for row in body[name]]
        assert not real & {row.tobytes() for row in shown}


def test_onnx_runtime_and_numpy_are_sufficient() -> None:
    first, second, *_ = blocks("python")
    blocked = ("tensorflow", "keras", "kerasnets", "onnx", "tf2onnx")
    code = f"import sys\nsys.modules.update(dict.fromkeys({blocked}))\n{first}\n{second}\n"
    code += "print(probabilities.shape)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 4
    assert all(
        re.match(r"(seizure|tumour area|healthy area|eyes \w+) \[", row) for row in lines[:3]
    )
    assert lines[3] == "(2, 2)"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("exported")
    for net in NETS:
        shutil.copytree(EXPORTED / net, folder / net)
    write_server_files(folder, mount=str(folder))
    with serving(folder) as server:
        yield server


def test_the_curl_command_returns_an_answer(server: Server) -> None:
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    (line,) = (line for block in blocks("sh") for line in block.splitlines() if "curl" in line)
    line = line.replace("http://localhost:8501", server.rest)
    done = subprocess.run(line.split(), cwd=ROOT, capture_output=True, text=True, check=True)
    outputs = json.loads(done.stdout)["outputs"]
    assert np.shape(outputs["probabilities"]) == (1, 5)


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_the_client_returns_an_answer(
    server: Server, protocol: str, capsys: pytest.CaptureFixture
) -> None:
    code = blocks("python")[2].replace("http://localhost:8501", getattr(server, protocol))
    signal = np.random.default_rng(0).normal(0, 50, (3, 178)).astype("float32")
    exec(code, {"signal": signal})  # noqa: S102  # code from our own README
    names, probabilities = capsys.readouterr().out.replace("\n", " ").split("] [")
    assert len(re.findall(r"'[^']+'", names)) == len(probabilities.split()[:3]) == 3


@pytest.mark.parametrize("net", ["lenet5", "mortality-gru"])
def test_the_script_prints_the_outputs(server: Server, net: str) -> None:
    request = EXPORTED / net / "1" / "request.json"
    command = [sys.executable, ROOT / "scripts" / "ask_server.py", server.grpc, net, request]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True)
    assert re.match(r"(probabilities|logits) \[", done.stdout)


def test_the_script_prints_the_error_of_the_server(server: Server) -> None:
    request = EXPORTED / "lenet5" / "1" / "request.json"
    command = [
        sys.executable,
        ROOT / "scripts" / "ask_server.py",
        server.rest,
        "no-such-model",
        request,
    ]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "404" in done.stderr
    assert "Traceback" not in done.stderr
