"""The principles of S4 on points in the plane: activation, initial weights, order, XOR."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from kerasnets._errors import unknown_name
from kerasnets.data import Dataset, load_data
from kerasnets.nets import build
from kerasnets.studies.plane_figures import boundaries_figure, xor_figure
from kerasnets.studies.planes import PlaneStudy, train_plane_net
from kerasnets.studies.workspace import Workspace
from kerasnets.studies.xor import POINTS, XOR, TrainedXorNets, train_xor_nets

HIGH_RATE = 1.0
_EPOCHS = {"relu": 1000, "sigmoid": 3000}
_DATA = ("circle", "xor", "spiral", "gaussians")
_WIDTHS = [1, 2, 3, 4, 8]
_SEEDS = 200
_SETTINGS = {"epochs": _EPOCHS, "widths": _WIDTHS, "seeds": _SEEDS, "high rate": HIGH_RATE}


def run_principles(work: Workspace, names: Sequence[str] = ()) -> dict[str, dict[str, Any]]:
    """Run some of :data:`PRINCIPLES`, by default all of them, and draw a figure for each.

    Returns:
        The measured values by name of the principle. All values are plain numbers.

    Raises:
        ValueError: if a name is unknown.
    """
    for name in names:
        if name not in PRINCIPLES:
            raise unknown_name("principle", name, PRINCIPLES)
    return {
        name: work.cached(name, _SETTINGS, lambda study=study: study(work))  # type: ignore[misc]
        for name, study in PRINCIPLES.items()
        if not names or name in names
    }


def _activations(work: Workspace) -> dict[str, Any]:
    studies = [
        _train(work, data, label=f"{data}, {_title(activation)}", activation=activation)
        for activation in _EPOCHS
        for data in _DATA
    ]
    return _measure_and_draw(work, "activations", studies, "ReLU against sigmoid")


def _initialisation(work: Workspace) -> dict[str, Any]:
    studies = [
        _train(
            work,
            data,
            label=f"{data}, {_title(activation)}, {start}",
            activation=activation,
            start=start,
        )
        for activation in _EPOCHS
        for data in ("circle", "gaussians")
        for start in ("random", "zeros")
    ]
    return _measure_and_draw(work, "initialisation", studies, "Random and zero initial weights")


def _order(work: Workspace) -> dict[str, Any]:
    negative_epochs = 5 if work.quick else 50
    studies = [
        _train(
            work,
            "circle",
            label=f"{label},\nlearning rate {rate:g}",
            negatives_first=epochs,
            learning_rate=rate,
        )
        for rate in (0.1, HIGH_RATE)
        for label, epochs in (("shuffled", 0), ("negatives first", negative_epochs))
    ]
    note = f"The first {negative_epochs} epochs have only negative points, later epochs have all. "
    return _measure_and_draw(work, "order", studies, "All negatives first", note)


def _xor(work: Workspace) -> dict[str, Any]:
    seeds, steps = (20, 300) if work.quick else (_SEEDS, 3000)
    trained = {units: train_xor_nets(units, seeds, steps) for units in _WIDTHS}
    shares = {units: float(nets.exact.mean()) for units, nets in trained.items()}
    by_hand = build("xor", by_hand=True, classes=1)
    nets = {"2 units, by hand": by_hand}
    for label, exact in (("a seed that learned it", True), ("a seed that did not", False)):
        if exact in trained[2].exact:
            nets[f"2 units, {label}"] = trained[2].net(_first_seed(trained[2], exact))
    classifiers = {
        label: lambda x, net=net: np.asarray(net(x))[:, 0] > 0.5 for label, net in nets.items()
    }
    work.save_figure("xor", xor_figure(classifiers, shares, seeds))
    error = float(np.abs(np.asarray(by_hand(POINTS))[:, 0] - XOR).max())
    return {
        "by hand": {"parameters": by_hand.count_params(), "largest error": error},
        "seeds": seeds,
        "exact": {str(units): share for units, share in shares.items()},
    }


PRINCIPLES: MappingProxyType[str, Callable[[Workspace], dict[str, Any]]] = MappingProxyType(
    {"activations": _activations, "initialisation": _initialisation, "order": _order, "xor": _xor}
)


def _train(work: Workspace, data: str, **arguments: Any) -> PlaneStudy:
    epochs = _EPOCHS[arguments.get("activation", "relu")]
    points: Dataset = load_data(f"{data}-simulated")
    return train_plane_net(points, epochs=epochs // 50 if work.quick else epochs, **arguments)


def _title(activation: str) -> str:
    return {"relu": "ReLU"}.get(activation, activation)


def _measure_and_draw(
    work: Workspace, name: str, studies: Sequence[PlaneStudy], title: str, note: str = ""
) -> dict[str, Any]:
    quick = "; QUICK: 2 % of the epochs" if work.quick else ""
    subtitle = f"{note}Two hidden layers of 16 units, plain gradient descent, seed 0{quick}"
    work.save_figure(name, boundaries_figure(studies, title, subtitle))
    return {study.label.replace("\n", " "): _measurements(study) for study in studies}


def _measurements(study: PlaneStudy) -> dict[str, Any]:
    return {
        "accuracy": study.accuracy,
        "units": study.units,
        "dead": study.dead,
        "dead at the start": study.dead_at_start,
        "dead after the negatives": study.dead_before,
        "positives recognised after the negatives": study.recall_before,
        "different units": study.different_units,
        "flat from epoch": study.flat_from,
        "first loss": study.losses[0],
        "last loss": study.losses[-1],
    }


def _first_seed(nets: TrainedXorNets, exact: bool) -> int:
    return int(np.argmax(nets.exact == exact))
