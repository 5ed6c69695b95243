"""A search: validation scores, the same trials after resuming, several processes."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import kerasnets as kn
from kerasnets._errors import WriteError
from kerasnets.cli import main
from kerasnets.studies.pool import best_value
from kerasnets.studies.search import search
from kerasnets.studies.search_figures import search_figure
from kerasnets.studies.space import Hyperparameter
from kerasnets.studies.trials import SamplerTrials
from kerasnets.training.report import draw_learning_curves

pytestmark = pytest.mark.usefixtures("no_figures")
SPACE = [
    Hyperparameter("learning_rate", 1e-3, 0.3, log=True),
    Hyperparameter("units", choices=([2], [6])),
]
SETTINGS = {"epochs": 2, "data_options": {"points": 60}}


def run_search(out, **changes):
    options = {"trials": 2, "samplers": ("grid", "tpe"), "progress": False, **SETTINGS, **changes}
    return search("xor", SPACE, out=out, **options)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        # Of the figures, only these curves are drawn; a test looks for them.
        patch.setattr("kerasnets.training.report.draw_learning_curves", draw_learning_curves)
        return run_search(tmp_path_factory.mktemp("search") / "search")


def test_every_sampler_has_the_same_budget_and_the_grid_has_its_points(found):
    table = found.table
    assert table["sampler"].value_counts().to_dict() == {"grid": 2, "tpe": 2}
    grid_rows = table[table["sampler"] == "grid"]
    assert grid_rows["learning_rate"].tolist() == pytest.approx([(1e-3 * 0.3) ** 0.5] * 2)
    assert grid_rows["units"].tolist() == [[2], [6]]
    assert table.loc[table["sampler"] == "tpe", "learning_rate"].nunique() == 2
    assert sum(found.importance.values()) == pytest.approx(1)


def test_the_score_is_the_best_monitored_validation_value(found):
    for row in found.table.to_dict("records"):
        run = kn.load_run(row["folder"])
        assert run.recipe.monitor == found.monitor == "val_loss"
        assert row["score"] == best_value(run) == min(run.history["val_loss"])
        assert run.recipe.learning_rate == row["learning_rate"]
        assert run.recipe.net_arguments == {"units": row["units"]}
    assert found.best_trial["score"] == found.table["score"].min()


def test_only_the_best_run_has_figures_unless_all_are_requested(found, monkeypatch, tmp_path):
    best = found.best_trial["folder"]
    for folder in found.table["folder"]:
        assert (Path(folder) / "figures" / "learning_curves.png").exists() == (folder == best)
    drawn = []
    monkeypatch.setattr(
        "kerasnets.studies.pool.resume_or_train",
        lambda net, folder, *, figures, **options: drawn.append(figures) or kn.load_run(best),
    )
    monkeypatch.setattr("kerasnets.studies.search._draw_best", lambda found, data: None)
    run_search(tmp_path / "all", samplers=("grid",), figures=True)
    assert drawn == [True, True]


def test_a_search_on_a_shared_database_ends_with_the_same_trials(found, address, tmp_path, capsys):
    """Also if another process has died during a training, and a third one has ended early."""
    out, options = tmp_path / "shared", {"storage": address, "lease": 1.0, "samplers": ("grid",)}

    def die(net, options, folder, after_epoch):
        after_epoch()
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kerasnets.studies.pool.train_and_score", die)
        with pytest.raises(KeyboardInterrupt, match="run the same command to resume"):
            run_search(out, **options)
        patch.setattr(SamplerTrials, "release", lambda trials: None)  # as if it had been killed
        with pytest.raises(KeyboardInterrupt):
            run_search(out, **options)
    shared = run_search(out, **options)
    columns = ["sampler", "trial", "score", "learning_rate", "units"]
    assert shared.table[columns].equals(found.table[:2][columns])
    assert [Path(folder).name for folder in shared.table["folder"]] == [
        "grid-0-attempt-2", "grid-1"
    ]  # fmt: skip
    assert {path.name for path in (out / "runs").iterdir()} == {"grid-0-attempt-2", "grid-1"}
    again = run_search(out, **options, study="shared")  # the default name
    assert again.table.equals(shared.table)
    assert again.best_trial == shared.best_trial
    with pytest.raises(ValueError, match="'shared' with other seed"):
        run_search(out, **options, seed=1)
    written = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
    assert b"pass-word" not in written
    assert "pass-word" not in "".join(capsys.readouterr())


def test_a_storage_that_cannot_be_used_is_refused_before_any_work(tmp_path):
    for changes, error, message in (
        ({"storage": "postgresql://a@127.0.0.1:1/a"}, ConnectionError, "refused"),
        ({"storage": "mysql://a@127.0.0.1/a"}, ValueError, "must have the form postgresql://"),
        ({"study": "a"}, ValueError, "needs a storage"),
        ({"lease": 0.5}, ValueError, "lease must be 1 second or more, got 0.5"),
        ({"lease": float("nan")}, ValueError, "lease must be 1 second or more, got nan"),
    ):
        with pytest.raises(error, match=message):
            run_search(tmp_path / "out", **changes)
    assert not (tmp_path / "out").exists()


def test_the_best_recipe_can_be_trained(found):
    assert kn.read_recipe(found.folder / "best.toml") == found.best
    trained = kn.load_run(found.best_trial["folder"]).recipe
    assert replace(found.best, split=trained.split) == trained


def test_a_resumed_search_ends_with_the_same_trials(found, tmp_path, monkeypatch):
    class Terminated(KeyboardInterrupt):
        """As the command raises it after SIGTERM; its exit code depends on the class."""

    out = tmp_path / "stopped"
    record = SamplerTrials.record

    def stop_at_the_second_trial(self, number, score):
        if number == 1:
            raise Terminated
        record(self, number, score)

    monkeypatch.setattr(SamplerTrials, "record", stop_at_the_second_trial)
    with pytest.raises(Terminated, match="run the same command to resume the search in"):
        run_search(out, samplers=("tpe",))
    monkeypatch.undo()
    resumed = run_search(out, samplers=("tpe",))
    columns = ["trial", "score", "learning_rate", "units"]
    expected = found.table[found.table["sampler"] == "tpe"].reset_index()
    assert resumed.table[columns].equals(expected[columns])


def test_a_folder_with_another_search_or_other_files_is_refused(found, tmp_path):
    with pytest.raises(ValueError, match="a search with other seed"):
        run_search(found.folder, seed=1)
    with pytest.raises(ValueError, match="a search with other recipe"):
        run_search(found.folder, epochs=3)
    (tmp_path / "other-file").touch()
    with pytest.raises(FileExistsError, match="contains other files"):
        run_search(tmp_path)


@pytest.mark.parametrize("name", ["search.json", "trials.db"])
def test_a_folder_with_a_damaged_file_is_refused_with_its_name(name, found, tmp_path):
    for file in ("search.json", "trials.db"):
        shutil.copy(found.folder / file, tmp_path)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(b"{" + content[len(content) // 2 :])
    with pytest.raises(ValueError, match=rf"{name} .*damaged"):
        run_search(tmp_path)


def test_a_full_disk_is_an_error_that_names_the_folder(tmp_path, monkeypatch):
    def fail(self):
        error = RuntimeError("An exception is raised during the commit.")
        raise error from RuntimeError("(sqlite3.OperationalError) database or disk is full")

    monkeypatch.setattr(SamplerTrials, "next_task", fail)
    with pytest.raises(WriteError, match=rf"{tmp_path / 'full'} was not written: database or disk"):
        run_search(tmp_path / "full")


def test_wrong_samplers_and_numbers_are_refused(tmp_path):
    for changes, message in (
        ({"samplers": ("tep",)}, "Did you mean 'tpe'"),
        ({"samplers": ()}, "samplers must name at least one of grid, random, tpe"),
        ({"jobs": 0}, "must be 1 or more"),
        ({"trials": 1}, "at least 2 points"),  # two choices of units
    ):
        with pytest.raises(ValueError, match=message):
            run_search(tmp_path / "out", **changes)
    assert not (tmp_path / "out").exists()


def test_the_figure_shows_the_number_of_different_values(found):
    figure = search_figure(found)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    first = max(found.importance, key=lambda name: found.importance[name])
    different = found.table[first].map(str).groupby(found.table["sampler"]).nunique()
    assert titles[:2] == [
        f"{name}: {different[name]} values of {first}" for name in different.index
    ]
    best = figure.axes[2].lines[0].get_ydata()
    assert list(best) == list(found.table["score"][:2].cummin())


def test_the_command_trains_in_separate_processes(tmp_path, capsys):
    args = ["search", "xor", "--over", "learning_rate=0.001:0.3:log", "--trials", "2", "--jobs",
             "2", "--set", "epochs=1", "--out", str(tmp_path / "out")]  # fmt: skip
    assert main(args) == 0
    out = capsys.readouterr().out
    assert "next kerasnets train --recipe" in out
    assert out.endswith(f"{tmp_path / 'out'}\n")
    assert main([*args, "--quiet"]) == 0  # finished trials are reused
    assert capsys.readouterr().out == f"{tmp_path / 'out'}\n"
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"search.json", "trials.db", "trials.csv", "best.toml", "search.png",
                     "search.svg", "runs"}  # fmt: skip
    trained = tmp_path / "trained"
    recipe = str(tmp_path / "out" / "best.toml")
    assert main(["train", "--recipe", recipe, "--quiet", "--out", str(trained)]) == 0
    capsys.readouterr()
    assert main(["search", "xor", "--over", "learning_rat=1:2"]) == 2
    assert "Did you mean 'learning_rate'" in capsys.readouterr().err


def test_a_training_that_failed_for_a_full_disk_is_repeated(found, tmp_path, monkeypatch):
    """It says nothing about the settings of the trial."""

    def fail(*args, **options):
        raise WriteError("history.csv", "No space left on device")

    monkeypatch.setattr("kerasnets.studies.pool.resume_or_train", fail)
    with pytest.raises(WriteError):
        run_search(tmp_path / "full", samplers=("tpe",))
    monkeypatch.undo()
    resumed = run_search(tmp_path / "full", samplers=("tpe",))
    expected = found.table[found.table["sampler"] == "tpe"].reset_index()
    assert resumed.table["score"].tolist() == expected["score"].tolist()
