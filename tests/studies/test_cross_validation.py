"""A cross-validation: equal bits in any processes, resuming, failed runs, the command."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

import kerasnets as kn
from kerasnets._errors import WorkFailedError
from kerasnets.cli import main
from kerasnets.commands._cross_validation import result_text
from kerasnets.evaluation.metrics import metric_title
from kerasnets.studies import cross_validation, fold_jobs
from kerasnets.studies.cross_validation_figure import cross_validation_figure
from kerasnets.studies.executors import run_jobs
from tests.studies.in_this_process import InThisProcess

FILES = ("model.keras", "history.csv", "metrics.json", "recipe.toml")
SETTINGS = {"data_options": {"points": 60}, "epochs": 2}


@pytest.fixture
def in_this_process(monkeypatch, no_figures):
    """Run the jobs here: a new process takes seconds to import TensorFlow."""
    monkeypatch.setattr(cross_validation, "open_executor", lambda *args: InThisProcess())


def run(out, **changes):
    options = {"folds": 2, "seeds": 2, "out": out, "progress": False, **SETTINGS, **changes}
    return kn.cross_validate("xor", **options)


def bits(folder):
    return {
        f"{path.parent.name}/{path.name}": path.read_bytes()
        for path in folder.rglob("*")
        if path.name in FILES
    }


@pytest.fixture(scope="module")
def in_processes(tmp_path_factory, no_figures):
    """Two processes, in which everything of the user's command runs."""
    folder = tmp_path_factory.mktemp("processes") / "cv"
    command = ["train", "xor", "--folds", "2", "--jobs", "2", "--epochs", "2"]
    options = ["--data-option", "points=60", "--out", str(folder), "--quiet"]
    assert main([*command, *options]) == 0
    return folder


@pytest.fixture
def finished(in_processes, tmp_path):
    shutil.copytree(in_processes, tmp_path / "cv")
    return tmp_path / "cv"


def test_each_run_has_the_bits_of_an_ordinary_training(in_processes, tmp_path, no_figures):
    found = bits(in_processes)
    assert len(found) == 2 * len(FILES)
    options = {"points": 60, "folds": 2, "fold": 1}
    alone = kn.train(
        "xor", data_options=options, epochs=2, threads=1, out=tmp_path / "fold-2-seed-0",
        progress=False,
    )  # fmt: skip
    assert {name: found[name] for name in bits(alone.folder)} == bits(alone.folder)


def test_results_are_written(in_processes):
    results = json.loads((in_processes / "results.json").read_text())
    assert (results["folds"], results["seeds"]) == (2, [0])
    runs = [kn.load_run(entry["folder"]) for entry in results["runs"]]
    accuracy = np.array([run.metrics["test"]["accuracy"] for run in runs])
    row = next(row for row in results["metrics"] if row["metric"] == "accuracy")
    assert row["mean"] == pytest.approx(accuracy.mean())
    assert row["sd_folds"] == pytest.approx(accuracy.std(ddof=1))
    rows = runs[0].environment["data"]["rows"]
    assert results["test_rows_per_training_row"] == pytest.approx(rows["test"] / rows["train"])
    assert (in_processes / "metrics.png").is_file()
    assert len((in_processes / "runs.csv").read_text().splitlines()) == 1 + 2
    # Over the folds, each row is tested once.
    assert sum(run.environment["data"]["rows"]["test"] for run in runs) == 60


def test_only_missing_runs_are_trained(finished, in_this_process, monkeypatch):
    before = bits(finished)
    shutil.rmtree(finished / "fold-2-seed-0")
    (finished / "fold-1-seed-0" / "metrics.json").unlink()  # as if it was killed at the end
    trained = []
    train = fold_jobs.resume_or_train

    def record(net, folder, **options):
        trained.append((folder.name, (folder / "metrics.json").is_file()))
        return train(net, folder, **options)

    monkeypatch.setattr(fold_jobs, "resume_or_train", record)
    result = run(finished, seeds=2)
    assert [name for name, done in trained if not done] == [
        "fold-1-seed-0", "fold-1-seed-1", "fold-2-seed-0", "fold-2-seed-1",
    ]  # fmt: skip
    assert result.seeds == (0, 1)
    after = bits(finished)
    assert {name: after[name] for name in before} == before


def test_a_failed_run_is_reported_and_the_others_go_on(tmp_path, in_this_process, monkeypatch):
    train = fold_jobs.resume_or_train

    def fail(net, folder, **options):
        if folder.name == "fold-1-seed-1":
            raise WorkFailedError("the loss is not finite")
        return train(net, folder, **options)

    monkeypatch.setattr(fold_jobs, "resume_or_train", fail)
    result = run(tmp_path / "cv", epochs=1)
    assert result.failed == {"fold-1-seed-1": "the loss is not finite"}
    assert {spread.runs for spread in result.spreads if spread.metric == "accuracy"} == {3}
    assert "2 folds × 2 seeds" in result_text(result)
    panels = cross_validation_figure(result).axes
    shown = [panel.get_title(loc="left") for panel in panels if panel.axison]
    assert shown == [metric_title(spread.metric) for spread in result.spreads]
    assert len(panels) > len(shown)  # the others are empty, and hidden
    arguments = ["--out", str(tmp_path / "cv"), "--data-option", "points=60", "--epochs", "1"]
    assert main(["train", "xor", "--folds", "2", "--seeds", "2", "--quiet", *arguments]) == 1
    monkeypatch.undo()
    monkeypatch.setattr(cross_validation, "open_executor", lambda *args: InThisProcess())
    assert run(tmp_path / "cv", epochs=1).failed == {}


def test_if_all_runs_fail_the_error_says_so(tmp_path, in_this_process, monkeypatch):
    def fail(*args, **options):
        raise WorkFailedError("no")

    monkeypatch.setattr(fold_jobs, "resume_or_train", fail)
    with pytest.raises(WorkFailedError, match=r"All 2 runs in .* failed. The first one: no"):
        run(tmp_path / "cv", seeds=1)


def test_own_arrays_and_a_single_split(tmp_path, in_this_process):
    rng = np.random.default_rng(0)
    x, y, groups = rng.normal(size=(60, 2)), np.arange(60) % 2, np.arange(60) // 3
    sets = [kn.Dataset.from_arrays(x, y, groups, folds=2, fold=k) for k in range(2)]
    result = kn.cross_validate("xor", data=sets, epochs=1, out=tmp_path / "folds", progress=False)
    assert (result.folds, result.failed) == (2, {})
    result = kn.cross_validate(
        "xor", data=sets[0], folds=0, seeds=2, epochs=1, out=tmp_path / "seeds", progress=False
    )
    assert (result.folds, list(result.table["seed"])) == (0, [0, 1])
    assert {path.name for path in (tmp_path / "seeds").glob("seed-*")} == {"seed-0", "seed-1"}
    assert "SD of folds" not in result_text(result)
    cross_validation_figure(result)


def test_other_arguments_and_other_files_are_refused(finished, tmp_path, in_this_process):
    for changes, match in (
        ({"epochs": 3}, "with other epochs"),
        ({"folds": 3}, "with other data_options, folds"),
        ({"data_options": {"points": 40}}, "with other data_options, checksum"),
    ):
        with pytest.raises(ValueError, match=match):
            run(finished, **changes)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.txt").touch()
    with pytest.raises(FileExistsError, match="contains other files"):
        run(tmp_path / "other")
    (finished / "cross-validation.json").write_text("[]")
    with pytest.raises(ValueError, match="is damaged"):
        run(finished)


def test_settings_that_do_not_fit_leave_nothing(tmp_path, in_this_process):
    with pytest.raises(ValueError, match="monitor='val_mae' is not measured"):
        run(tmp_path / "cv", monitor="val_mae")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_command_says_how_to_resume(tmp_path, in_this_process, monkeypatch):
    def interrupt(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(cross_validation, "run_jobs", interrupt)
    with pytest.raises(KeyboardInterrupt, match=r"run the same command to resume .* in .*cv"):
        run(tmp_path / "cv")
    monkeypatch.setattr(cross_validation, "run_jobs", run_jobs)
    assert run(tmp_path / "cv", seeds=1).failed == {}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--jobs", "2"], "--jobs needs --folds or --seeds"),
        (["--on", "ray"], "--on needs --folds or --seeds"),
        (["--folds", "2", "--on", "here"], "'here' is not a place for jobs"),
        (["--folds", "2", "--tensorboard"], "--tensorboard cannot be used with --folds"),
        (["--folds", "2", "--jobs", "0"], "jobs must be 1 or more"),
        (["--folds", "1"], "folds must be 0 for a single split, or 2 or more"),
        (["--folds", "2", "--data", "mnist"], "fixed test split"),
    ],
)
def test_flags_that_do_not_fit_are_refused(arguments, text, capsys):
    assert main(["train", "xor", *arguments]) == 2
    assert text in capsys.readouterr().err
