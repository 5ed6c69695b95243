"""Training a net from a recipe into a run folder, and resuming an interrupted run."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Unpack

from kerasnets._lazy import keras
from kerasnets._temporary import locked
from kerasnets.data import Dataset
from kerasnets.engine.collectives import Group
from kerasnets.engine.workers import Workers
from kerasnets.nets import load_model
from kerasnets.training.checks import (
    check_data,
    check_tensorboard,
)
from kerasnets.training.follower import Follower
from kerasnets.training.model_file import last_checkpoint
from kerasnets.training.prepare import prepare_model
from kerasnets.training.recipe import Recipe
from kerasnets.training.run import Run, load_run
from kerasnets.training.run_data import load_run_data
from kerasnets.training.session import Session
from kerasnets.training.settings import recipe_and_data
from kerasnets.training.start import begin, check_folder, clean_up_failed_start
from kerasnets.training.stored import check_is_run, read_run_recipe
from kerasnets.training.threads import set_threads
from kerasnets.training.typed_settings import Settings, shows_settings
from kerasnets.training.workers import (
    check_equal,
    check_worker_settings,
    check_workers,
    connect_workers,
    is_run_of,
    send_results,
    send_start,
)


@shows_settings
def train(
    net: str | Recipe | keras.Model,
    *,
    data: Dataset | str | Path | None = None,
    recipe: str | Path = "default",
    out: str | Path | None = None,
    data_dir: str | Path | None = None,
    callbacks: Sequence[Any] = (),
    progress: bool = True,
    tensorboard: bool = False,
    figures: bool = True,
    workers: Sequence[str] | None = None,
    index: int | None = None,
    **settings: Unpack[Settings],
) -> Run:
    """Train a net, evaluate it, and write everything to a run folder.

    The same recipe, data and seed give the same bits on the same machine, also if the training was
    interrupted and resumed. Therefore, only one training at a time runs per process, because
    trainings in several threads would share random generators. Use several processes instead,
    started with ``multiprocessing.get_context("spawn")``: TensorFlow cannot run in a process that
    was forked after TensorFlow had run.

    Several machines train one net together if each of them runs the same program with ``workers``
    and its own ``index``, or with ``TF_CONFIG``. ``batch_size`` is the size of the whole batch,
    which they share. Worker 0 writes the run folder; every worker returns the same run. If ``out``
    is an unfinished run with the same recipe, it is resumed. A model of your own must be built
    after :func:`kerasnets.training.join_workers`.

    Args:
        net: a name of the catalogue, a complete :class:`Recipe`, or your own ``keras.Model`` with
            one output: logits, or values for a regression. Your model is copied and not changed;
            the trained one is ``run.model``. If it is compiled, its optimizer, loss and metrics
            are used.
        data: a data set, its name in the catalogue, or the path of a file. The default is the
            data set of the net; your own model has none.
        recipe: ``"default"``: the settings that we recommend for the net on this data set;
            ``"as-reported"``: those of the course reports, for a net of theirs; or a TOML file,
            such as the ``recipe.toml`` of a run. ``describe(net)`` shows them.
        out: the run folder to make; ``runs/<net>-<number>`` by default.
        data_dir: where to look for the files of the data set.
        callbacks: your own Keras callbacks.
        progress: show a bar and one line per epoch on standard error.
        tensorboard: write TensorBoard logs into the run folder; needs the extra of that name.
        figures: draw the figures of the run.
        workers: ``HOST:PORT`` of each worker, in the same order on every machine; ``None`` to use
            ``TF_CONFIG`` if it is set, an empty sequence to train in this process alone.
        index: index of this worker, counted from 0.
        settings: fields of :class:`Recipe`, which replace those of the recipe. Those of
            ``net_arguments`` and ``data_options`` are replaced one by one.

    Returns:
        The run. Its model has the weights of the best epoch.

    Raises:
        ValueError: if a setting is wrong, the net cannot take the data, or the inputs contain NaN.
            No run folder is created then.
        FileNotFoundError: if the files of the data set do not exist; the message says how to get
            them. Also if there is no such recipe file.
        FileExistsError: if ``out`` is not empty.
        ImportError: if ``tensorboard`` is set and TensorBoard is not installed.
        TrainingDivergedError: if the loss becomes NaN or infinite; the message names the step.
        WriteError: if the disk is full. The run can be resumed then.
        WorkerLostError: if another worker ends or does not answer. The run can be resumed then.
        RuntimeError: if another thread of this process trains, or if the process was forked after
            TensorFlow had run.
    """
    requested: dict[str, Any] = dict(settings)
    base: str | Path | Recipe = recipe
    if isinstance(net, Recipe):
        if recipe != "default":
            raise ValueError(
                f"recipe={str(recipe)!r} contradicts the Recipe that is passed as the net. Pass "
                "one of them."
            )
        base, requested = net, {**asdict(net), **requested}
        net = requested.pop("net")
    # In this order, because a name needs no Keras: the worker starts before TensorFlow is imported.
    if not isinstance(net, str) and not isinstance(net, keras.Model):
        raise ValueError(
            "net must be a name of the catalogue, a Recipe or a keras.Model, got "
            f"{type(net).__name__}."
        )
    check_tensorboard(tensorboard)
    found = check_workers(workers, index, out)
    with _only_training():
        return _train(
            *recipe_and_data(net, data, data_dir, requested, base),
            net,
            out,
            {
                "callbacks": callbacks,
                "progress": progress,
                "tensorboard": tensorboard,
                "figures": figures,
            },
            found,
        )


@contextlib.contextmanager
def _only_training() -> Iterator[None]:
    """Refuse a training while another thread of this process trains."""
    if not _TRAINING.acquire(blocking=False):
        raise RuntimeError(
            "Another thread of this process is training. Trainings in threads would share random "
            "generators, so the same seed would not give the same results. Wait for the other "
            "training, or train in several processes, started with "
            "multiprocessing.get_context('spawn')."
        )
    try:
        yield
    finally:
        _TRAINING.release()


_TRAINING = threading.RLock()


def _apply_threads(recipe: Recipe, *, progress: bool) -> None:
    """Set the number of threads of the recipe, or say that it is too late."""
    if (text := set_threads(recipe.threads)) and progress:
        print(text, file=sys.stderr)


def _train(
    recipe: Recipe,
    data: Dataset,
    net: str | keras.Model,
    out: str | Path | None,
    options: dict[str, Any],
    workers: Workers | None,
) -> Run:
    check_data(data)
    resumed = workers is not None and is_run_of(out, recipe)
    if not resumed and (workers is None or workers.index == 0):
        check_folder(out)
    check_worker_settings(recipe, workers)
    _apply_threads(recipe, progress=options["progress"])
    group = connect_workers(workers, progress=options["progress"]) if workers else None
    if group is not None and group.index:
        return Follower(group, recipe, data, callbacks=options["callbacks"]).run()
    if resumed:
        return _resume(Path(str(out)), data, None, options, group, recipe)
    if group is not None:
        check_equal(group, recipe, data)
    model, task = prepare_model(recipe, data, net)
    with clean_up_failed_start(out) as started:
        folder = begin(out, recipe, data, model, task)
        session = Session(folder, recipe, data, model, **options, group=group)
        started.append(session)
        with locked(folder):
            return session.run()


def resume(
    folder: str | Path,
    *,
    data: Dataset | None = None,
    data_dir: str | Path | None = None,
    callbacks: Sequence[Any] = (),
    progress: bool = True,
    tensorboard: bool = False,
    figures: bool = True,
    workers: Sequence[str] | None = None,
    index: int | None = None,
) -> Run:
    """Resume an interrupted run. It ends with the same weights as an uninterrupted run.

    Args:
        folder: the run folder. A finished run is returned as it is.
        data: the data set, if ``load_data`` cannot load it.
        data_dir: where to look for the files of the data set.
        callbacks: as for :func:`train`.
        progress: as for :func:`train`.
        tensorboard: as for :func:`train`.
        figures: as for :func:`train`.
        workers: as for :func:`train`. Only worker 0 needs the folder.
        index: as for :func:`train`.

    Raises:
        FileNotFoundError: if there is no run in the folder.
        ValueError: if recipe, data, history and checkpoints are not those of one run, or if a
            file is damaged. The message names the file.
        BlockingIOError: if another process trains this run.
        WriteError: as for :func:`train`.
        WorkerLostError: as for :func:`train`.
        RuntimeError: as for :func:`train`.
    """
    folder = Path(folder)
    check_tensorboard(tensorboard)
    options = {
        "callbacks": callbacks,
        "progress": progress,
        "tensorboard": tensorboard,
        "figures": figures,
    }
    found = check_workers(workers, index, folder)
    if found is not None and found.index:
        with _only_training():
            follower = connect_workers(found, progress=progress)
            return Follower(follower, None, data, data_dir, callbacks).run()
    check_is_run(folder)
    with _only_training():
        group = connect_workers(found, progress=progress) if found else None
        return _resume(folder, data, data_dir, options, group)


def _resume(
    folder: Path,
    data: Dataset | None,
    data_dir: str | Path | None,
    options: dict[str, Any],
    group: Group | None,
    recipe: Recipe | None = None,
) -> Run:
    """Resume a run as the only process or the first worker.

    Args:
        folder: the run folder.
        data: the data set, if it is loaded.
        data_dir: where to look for its files.
        options: of the session.
        group: the connected workers, if any.
        recipe: the settings of the command, which the workers compare; those of the run if it was
            not started with settings.
    """
    if group is not None:
        check_equal(group, recipe, data)
    if (folder / "metrics.json").is_file():
        run = load_run(folder)
        if group is not None:
            send_start(group, folder, run.recipe, run.history, over=True)
            send_results(group, run)
        return run
    with locked(folder):
        recipe = read_run_recipe(folder)
        data = load_run_data(folder, data, data_dir)
        if group is None:
            _apply_threads(recipe, progress=options["progress"])
        model = load_model(last_checkpoint(folder))
        return Session(folder, recipe, data, model, **options, group=group).run()
