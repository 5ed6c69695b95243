"""Training a net from a recipe into a run folder, and going on with one that was interrupted."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kerasnets._files import atomic_write, write_json
from kerasnets._lazy import keras
from kerasnets.data import Dataset, VisitSequences, load_data
from kerasnets.evaluation import evaluate, predict_logits
from kerasnets.evaluation.calibration import fit_temperature, scale_logits
from kerasnets.nets import build, describe, load_model
from kerasnets.training import run as run_folder
from kerasnets.training import steps
from kerasnets.training.prepare import check_data, check_fit, with_rescaling
from kerasnets.training.recipe import Recipe, check_recipe, make_recipe, recipe_toml
from kerasnets.training.report import draw_figures
from kerasnets.training.run import Run


def train(
    net: str | keras.Model,
    *,
    data: Dataset | str | None = None,
    out: str | Path | None = None,
    data_dir: str | Path | None = None,
    callbacks: Sequence[Any] = (),
    progress: bool = True,
    tensorboard: bool = False,
    **settings: Any,
) -> Run:
    """Train a net, measure it, and leave everything in a run folder.

    Args:
        net: a name of the catalogue, or a ``keras.Model`` of your own that gives logits.
        data: a data set, or the name of one; the net's own by default.
        out: the run folder to make; ``runs/<net>-<number>`` by default.
        data_dir: where to look for the data set's files.
        callbacks: Keras callbacks of your own, beside those of the trainer.
        progress: show a bar and a line an epoch on standard error.
        tensorboard: write TensorBoard logs into the run folder; needs the extra of that name.
        settings: fields of :class:`Recipe`.

    Returns:
        The run, whose model holds the weights of the best epoch.

    Raises:
        ValueError: on a wrong setting, data the net cannot take, or NaN among the inputs,
            before any work.
        FileExistsError: if ``out`` holds something already.
        TrainingDivergedError: if the loss becomes NaN or infinite; the message names the step.
    """
    recipe, data = _recipe_and_data(net, data, data_dir, settings)
    check_data(data)
    folder = _new_folder(out, recipe.net)
    keras.utils.set_random_seed(recipe.seed)
    own = build(recipe.net, **recipe.net_arguments) if isinstance(net, str) else net
    check_fit(own, data)
    model = with_rescaling(own, data, recipe)
    steps.compile_model(model, recipe, data.train)

    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "environment.json", run_folder.describe_environment(data))
    run_folder.save_examples(folder, data)
    run_folder.save_model(model, _last(folder))
    # The last to be written: with a recipe in it, a folder is a run that can be resumed.
    with atomic_write(folder / "recipe.toml") as path:
        path.write_text(recipe_toml(recipe), encoding="utf-8")
    return _finish(folder, recipe, data, model, callbacks, progress, tensorboard)


def resume(
    folder: str | Path,
    *,
    data: Dataset | None = None,
    data_dir: str | Path | None = None,
    callbacks: Sequence[Any] = (),
    progress: bool = True,
    tensorboard: bool = False,
) -> Run:
    """Go on with an interrupted run; it ends with the weights of an uninterrupted one.

    Args:
        folder: the run folder. A finished run is returned as it is.
        data: the data set, where it is not one that ``load_data`` knows.
        data_dir: where to look for the data set's files.
        callbacks: as for :func:`train`.
        progress: as for :func:`train`.
        tensorboard: as for :func:`train`.

    Raises:
        FileNotFoundError: if the folder holds no run.
        ValueError: if the data are not those the run began with.
    """
    folder = Path(folder)
    if not (folder / "recipe.toml").is_file():
        raise FileNotFoundError(f"{folder} is not a run folder: it has no recipe.toml.")
    if (folder / "metrics.json").is_file():
        return run_folder.load_run(folder)
    recipe = run_folder.read_run_recipe(folder)
    if data is None:
        data = load_recipe_data(recipe, data_dir)
    began_with = run_folder.read_json(folder / "environment.json")["data"]["checksum"]
    if data.checksum != began_with:
        raise ValueError(
            f"The run in {folder} began with data of checksum {began_with[:12]}…, and these have "
            f"{data.checksum[:12]}…. Give it the same files, or start a new run."
        )
    model = load_model(_last(folder))
    return _finish(folder, recipe, data, model, callbacks, progress, tensorboard)


def load_recipe_data(recipe: Recipe, data_dir: str | Path | None = None) -> Dataset:
    """The data set a recipe names, split as it says.

    Raises:
        FileNotFoundError: if its files are not there; the message says how to get them.
    """
    return load_data(
        recipe.data,
        data_dir=data_dir,
        split=recipe.split or None,
        seed=recipe.split_seed,
        **recipe.data_options,
    )


def _finish(
    folder: Path,
    recipe: Recipe,
    data: Dataset,
    model: keras.Model,
    callbacks: Sequence[Any],
    progress: bool,
    tensorboard: bool,
) -> Run:
    """Run the epochs that are left, then measure the best one."""
    # Here and not above: callbacks are Keras classes, and only training should import Keras.
    from kerasnets.training import callbacks as ours

    per_epoch = steps.steps_per_epoch(recipe, data.train)
    first = int(model.optimizer.iterations.numpy()) // per_epoch
    history = run_folder.read_history(folder, first)
    if not _is_over(history, recipe):
        bar = ours.Progress(recipe.net, recipe.epochs, first, per_epoch)
        record = ours.Record(history, lambda model: _save_epoch(folder, model, history, recipe))
        all_callbacks = [ours.EpochRandomness(recipe.seed), record]
        all_callbacks += [bar] if progress else []
        if tensorboard:
            logs = folder / "tensorboard"
            all_callbacks.append(keras.callbacks.TensorBoard(logs, write_graph=False))
        if progress and (note := steps.padding_note(data.train)):
            print(note, file=sys.stderr)
        with _session(folder, first, history):
            try:
                steps.run_epochs(
                    model,
                    data.train,
                    data.validation,
                    recipe,
                    first,
                    callbacks=[*all_callbacks, *callbacks],
                    progress=bar.move,
                )
            except KeyboardInterrupt:
                raise KeyboardInterrupt(
                    f"interrupted; go on with: kerasnets train --resume {folder}"
                ) from None
            finally:
                bar.close()
    return _measure(folder, recipe, data, history)


def _save_epoch(
    folder: Path, model: keras.Model, history: run_folder.History, recipe: Recipe
) -> bool:
    """Put the state after an epoch on disk; say whether training is over.

    ``last.keras`` comes last: a run that is killed before it is replaced repeats the epoch, bit
    by bit, and writes the other two files again.
    """
    epoch = len(history["loss"])
    if run_folder.best_epoch(history, recipe.monitor) == epoch:
        run_folder.save_model(model, folder / "checkpoints" / "best.keras")
    run_folder.write_history(folder, history)
    run_folder.save_model(model, _last(folder))
    return _is_over(history, recipe)


def _is_over(history: run_folder.History, recipe: Recipe) -> bool:
    """Whether the last epoch, or the end of patience, has been reached; told by history alone."""
    epochs = len(history.get("loss", ()))
    if epochs == 0 or epochs >= recipe.epochs:
        return epochs > 0
    waited = epochs - run_folder.best_epoch(history, recipe.monitor)
    return 0 < recipe.early_stopping <= waited


def _measure(folder: Path, recipe: Recipe, data: Dataset, history: run_folder.History) -> Run:
    """Keep the best epoch's weights, evaluate and draw; the metrics are written last."""
    model = load_model(folder / "checkpoints" / "best.keras")
    if recipe.calibration == "temperature":
        scale_logits(
            model, fit_temperature(predict_logits(model, data.validation.x), data.validation.y)
        )
    run_folder.save_model(model, folder / "model.keras")
    metrics = evaluate(model, data, threshold=recipe.threshold)
    environment = run_folder.read_json(folder / "environment.json")
    run = Run(folder, recipe, history, metrics, environment)
    run.__dict__["model"] = model
    draw_figures(run, data)
    write_json(folder / "metrics.json", metrics)
    return run


@contextmanager
def _session(folder: Path, first: int, history: run_folder.History) -> Iterator[None]:
    """Note in the environment which epochs this process ran, and in how many seconds."""
    started, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()
    try:
        yield
    finally:
        environment = run_folder.read_json(folder / "environment.json")
        epochs = [first + 1, len(history.get("loss", ()))]
        seconds = round(time.perf_counter() - clock, 3)
        environment["sessions"].append({"started": started, "epochs": epochs, "seconds": seconds})
        write_json(folder / "environment.json", environment)


def _recipe_and_data(
    net: str | keras.Model,
    data: Dataset | str | None,
    data_dir: str | Path | None,
    settings: dict[str, Any],
) -> tuple[Recipe, Dataset]:
    """The checked recipe and its data set; a data set given as such decides its own settings."""
    if isinstance(data, Dataset):
        given = {"data": data.name, "split": data.split, "split_seed": data.seed}
        for name, value in given.items():
            if settings.setdefault(name, value) != value:
                raise ValueError(
                    f"{name}={settings[name]!r} contradicts the data set given, which has "
                    f"{value!r}; leave the setting out, or give the data set's name."
                )
    elif data is not None:
        settings["data"] = data
    if isinstance(net, str):
        recipe = make_recipe(net, **settings)
    else:
        recipe = check_recipe({"net": net.name, **settings})
    if not isinstance(data, Dataset):
        data = load_recipe_data(recipe, data_dir)
    if isinstance(data.train.x, VisitSequences) and _takes_features(net):
        # A net is as wide as the vocabulary, which only the training split tells.
        features = {"features": data.train.x.features}
        recipe = replace(recipe, net_arguments={**features, **recipe.net_arguments})
    return replace(recipe, split=data.split), data


def _takes_features(net: str | keras.Model) -> bool:
    return isinstance(net, str) and "features" in describe(net).arguments


def _new_folder(out: str | Path | None, name: str) -> Path:
    if out is not None:
        folder = Path(out)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise FileExistsError(
                f"{folder} holds something already. Choose another folder, or go on with the run "
                f"in it: kerasnets train --resume {folder}"
            )
        return folder
    numbers = itertools.count(1)
    return next(path for n in numbers if not (path := Path("runs") / f"{name}-{n}").exists())


def _last(folder: Path) -> Path:
    return folder / "checkpoints" / "last.keras"
