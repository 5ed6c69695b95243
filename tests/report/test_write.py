"""kerasnets.report.write: what a page is made from, where it is, and what it never holds."""

from __future__ import annotations

import base64
import io
import json
import re
import shlex
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kerasnets as kn
from kerasnets._lazy import keras
from kerasnets.cli import main
from kerasnets.report import write as module
from kerasnets.report.content import published_metrics
from kerasnets.training.run import Run
from tests.exporting.patients import ROWS, forms, patients
from tests.report.helpers import OUTPUTS, content_of, dataset

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.usefixtures("verify_in_this_process", "no_figures")


@pytest.mark.parametrize("task", OUTPUTS)
def test_a_run_of_each_task(
    task: str, runs: dict[str, Run], report_of: Callable[[str], module.Report]
) -> None:
    report = report_of(task)
    assert report == module.Report(report.path.parent / "report.html")
    content = content_of(report.path)
    assert content["metrics"] == published_metrics(runs[task])
    assert {split: m["n"] for split, m in content["metrics"].items()} == content["data"]["rows"]
    assert content["history"]["best_epoch"] == runs[task].best_epoch
    assert {row["name"]: row["value"] for row in content["recipe"]}["epochs"] == 3
    assert content["cost"]["params"] == runs[task].model.count_params()
    assert [field["name"] for field in content["net"]["editor"]["fields"]] == [
        "age", "dose", "pressure"
    ]  # fmt: skip
    kind = "targets" if task == "regression" else "columns"
    names = runs[task].target_names or runs[task].class_names
    expected = names[1:] if task == "binary" else names
    assert [column["name"] for column in content["curves"][kind]] == list(expected)
    if task == "binary":  # one interval of one metric, not two
        curve = content["curves"]["columns"][0]
        assert curve["intervals"]["auroc"] == runs[task].metrics["test"]["intervals"]["auroc"]
    assert report.path.stat().st_mode & 0o777 == 0o600  # like the run folder


def test_without_data_or_net_the_page_says_why(runs: dict[str, Run], tmp_path: Path) -> None:
    report = kn.write_report(runs["binary"].folder, tmp_path / "small.html", with_net=False)
    assert set(report.left_out) == {"curves"}
    assert "Pass the data set as data=" in report.left_out["curves"]
    assert report.path.stat().st_size < 900_000
    assert content_of(report.path)["left_out"] == report.left_out
    page = report.path.read_text("utf-8")
    assert 'id="model.onnx"' not in page
    assert "WebAssembly" not in page


def test_a_net_that_onnx_cannot_compute_is_left_out(tmp_path: Path) -> None:
    texts = keras.Input((), dtype="string", name="text")
    numbers = keras.layers.StringLookup(vocabulary=["a", "b"])(texts)
    counted = keras.layers.Rescaling(1.0)(keras.ops.cast(numbers, "float32"))
    model = keras.Model(texts, keras.layers.Dense(2)(counted[:, None]), name="texts")
    report = kn.write_report(model, tmp_path)
    assert "text" in report.left_out["net"]
    assert content_of(report.path)["cost"]["params"] == model.count_params()


def test_an_export_and_its_run(runs: dict[str, Run], tmp_path: Path) -> None:
    run = runs["multilabel"]
    version = kn.export(run, tmp_path / "net", formats=("onnx",))
    before = {file: file.read_bytes() for file in version.iterdir()}
    alone = kn.write_report(tmp_path / "net", with_net=False)
    assert alone.path == tmp_path / "net" / "report-1.html"
    content = content_of(alone.path)
    assert content["card"]["provenance"]["net"] == run.name
    assert "metrics" not in content
    both = kn.write_report(
        run, tmp_path / "page.html", exported=version, data=dataset("multilabel"), with_net=False
    )
    assert (both.path, both.copies) == (tmp_path / "page.html", (alone.path,))
    assert both.path.read_bytes() == alone.path.read_bytes()
    # A version never changes, so a page cannot be inside.
    assert {file: file.read_bytes() for file in version.iterdir()} == before
    assert kn.verify(version).ok


def test_an_export_of_another_run_or_a_damaged_one_is_refused(
    runs: dict[str, Run], tmp_path: Path
) -> None:
    version = kn.export(runs["binary"], tmp_path / "net", formats=("onnx",))
    with pytest.raises(ValueError, match="was not exported from the run"):
        kn.write_report(runs["multilabel"], tmp_path, exported=version)
    # The same card, but another net.
    copy = Path(shutil.copytree(runs["binary"].folder, tmp_path / "other"))
    model = kn.load_run(copy).model
    model.layers[-1].bias.assign([3.0])
    model.save(copy / "model.keras")
    environment = json.loads((copy / "environment.json").read_text("utf-8"))
    (copy / "environment.json").write_text(json.dumps({**environment, "model": ""}), "utf-8")
    with pytest.raises(ValueError, match="probabilities differs from Keras by"):
        kn.write_report(copy, tmp_path, exported=version)
    content = bytearray((version / "model.onnx").read_bytes())
    content[100] ^= 1
    (version / "model.onnx").write_bytes(content)
    with pytest.raises(ValueError, match=r"model\.onnx: it was changed after the export"):
        kn.write_report(version, tmp_path)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("nowhere",), FileNotFoundError, "There is no folder nowhere"),
        ((".",), FileNotFoundError, "neither a run folder"),
        ((3, "a.html"), ValueError, "got int"),
    ],
)
def test_what_has_no_page(
    arguments: Any, error: type[Exception], message: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        kn.write_report(*arguments)


def test_wrong_arguments_are_refused_before_any_work(runs: dict[str, Run], tmp_path: Path) -> None:
    model, run = runs["binary"].model, runs["binary"]
    for call, message in (
        (lambda: kn.write_report(model), "Pass out="),
        (lambda: kn.write_report(model, tmp_path, exported=tmp_path), "is for a run"),
        (lambda: kn.write_report(model, tmp_path, data=dataset("binary")), "are for a run"),
        (lambda: kn.write_report(run, tmp_path / "a.txt"), r"a file that ends in \.html"),
        (lambda: kn.write_report(run, tmp_path, data=dataset("regression")), "trained on data"),
        (lambda: kn.write_comparison([run], tmp_path), "two or more different runs"),
        (lambda: kn.write_comparison([run, run.folder], tmp_path), "two or more different runs"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    assert list(tmp_path.iterdir()) == []


def test_a_comparison_of_runs(runs: dict[str, Run], tmp_path: Path) -> None:
    report = kn.write_comparison([*runs.values()], tmp_path)
    content = content_of(report.path)
    assert [run["label"] for run in content["runs"]] == list(runs)
    assert [row["name"] for row in content["settings"]][:1] == ["net"]
    assert len(report.left_out) == 4  # of data that only exist in memory


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_examples_of_the_document_run_in_order(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (ROOT / "docs" / "report.md").read_text("utf-8")
    pages = {
        "kerasnets report runs/a": ["runs/a/report.html"],
        "kerasnets report --compare runs/a runs/b": ["comparison.html"],
        "kerasnets report runs/a --exported exported/a": [
            "runs/a/report.html", "exported/a/report-1.html"
        ],
        "kerasnets report exported/a": ["exported/a/report-1.html"],
    }  # fmt: skip
    lines = [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
             for line in block.splitlines()]  # fmt: skip
    assert set(pages) <= set(lines)
    for line in lines:
        assert main(shlex.split(line)[1:]) == 0, line
        printed = capsys.readouterr()
        if line in pages:
            assert printed.out.splitlines() == pages[line]
            assert printed.err == ""
    content = content_of(folder / "runs" / "a" / "report.html")
    assert content["net"]["editor"]["kind"] == "image"
    assert len(content["curves"]["columns"]) == 10
    (block,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(compile(block, "report.md", "exec"), {})  # noqa: S102  the document is ours
    assert (folder / "gru.html").is_file()
    arguments = ["report", "runs/a", "runs/b", "--without-net", "--json"]
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out.partition("\n")[2]) == {
        "pages": ["runs/a/report.html", "runs/b/report.html"], "left_out": [{}, {}],
    }  # fmt: skip
    for wrong in (
        ["runs/a", "runs/b", "--out", "x.html"],
        ["--compare", "runs/a"],
        ["--compare", "runs/a", "runs/b", "--without-net"],
    ):
        assert main(["report", *wrong]) == 2


def decoded(page: Path) -> bytes:
    """A page with all that it embeds, unpacked."""
    text = page.read_text("utf-8")
    parts = [text.encode(), json.dumps(content_of(page), ensure_ascii=False).encode()]
    for name in ("model.onnx", "reference.npz"):
        (embedded,) = re.findall(rf'id="{re.escape(name)}">([^<]*)<', text)
        parts.append(base64.b64decode(embedded))
    with zipfile.ZipFile(io.BytesIO(parts[-1])) as archive:
        parts += [archive.read(member) for member in archive.namelist()]
    return b"\n".join(parts)


def test_no_cell_of_a_table_of_patients_is_in_a_page(folder: Path) -> None:
    folder = folder / "private folder of Quirin"
    folder.mkdir()
    patients().to_csv(folder / "patients.csv", index=False)
    arguments = ["train", "covid-1", "--data", str(folder / "patients.csv"), "--quiet"]
    # A regression also shows the target of each row, in bins.
    arguments += ["--target", "marker", "--group", "record", "--set", "classes=1"]
    arguments += ["--drop", "patient_name", "--drop", "remark", "--epochs", "1"]
    assert main([*arguments, "--out", str(folder / "run")]) == 0
    content = decoded(kn.write_report(folder / "run").path)
    cells = list(forms(patients()))
    assert len(cells) > 9 * ROWS
    assert [what for what, cell in cells if cell in content] == []
    # What many rows share, and what the page says.
    for text in ("wardnorth", "Bigcity", "patients.csv", "marker"):
        assert text.encode() in content
    assert b"private folder of Quirin" not in content
    assert str(folder.parent).encode() not in content


def test_the_residual_of_a_single_row_is_left_out(runs: dict[str, Run]) -> None:
    run = runs["regression"]
    before = run.metrics["test"]["per_target"]["first"]["residuals"]
    published = published_metrics(run)["test"]["per_target"]["first"]["residuals"]
    assert set(before) - set(published) == {"min", "max"}
    assert "max" in run.metrics["test"]["per_target"]["first"]["residuals"]


def test_numbers_that_json_does_not_have_are_left_out(runs: dict[str, Run], tmp_path: Path) -> None:
    run = runs["binary"]
    history = {key: [float("nan"), *values[1:]] for key, values in run.history.items()}
    changed = Run(run.folder, run.recipe, history, run.metrics, run.environment)
    page = kn.write_report(changed, tmp_path, with_net=False).path
    assert content_of(page)["history"]["series"]["loss"][0] is None
    assert np.isfinite(content_of(page)["history"]["series"]["loss"][1])
