"""The principles of S4 on points in the plane: activation, first weights, order, XOR."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from kerasnets._errors import unknown_name
from kerasnets.data import Dataset, load_data
from kerasnets.nets import build
from kerasnets.studies.claims import read_claims
from kerasnets.studies.plane_figures import lessons_figure, xor_figure
from kerasnets.studies.planes import Lesson, learn
from kerasnets.studies.results import Result, result
from kerasnets.studies.workspace import Workspace
from kerasnets.studies.xor import POINTS, XOR, Learned, learn_xor

_EPOCHS = {"relu": 1000, "sigmoid": 3000}
_POINTS = ("circle", "xor", "spiral", "gaussians")
_WIDTHS = [1, 2, 3, 4, 8]
_SEEDS = 200
_HIGH_RATE = 1.0
_ALIKE = 0.02  # of the test error
_SETTINGS = {"epochs": _EPOCHS, "widths": _WIDTHS, "seeds": _SEEDS, "high rate": _HIGH_RATE}


def run_principles(work: Workspace, names: Sequence[str] = ()) -> dict[str, dict[str, Any]]:
    """Do some of :data:`PRINCIPLES`, all by default, and draw a figure of each.

    Returns:
        What was measured, by name of the principle; plain numbers.

    Raises:
        ValueError: if there is no such principle.
    """
    for name in names:
        if name not in PRINCIPLES:
            raise unknown_name("principle", name, PRINCIPLES)
    return {
        name: work.kept(name, _SETTINGS, lambda study=study: study(work))  # type: ignore[misc]
        for name, study in PRINCIPLES.items()
        if not names or name in names
    }


def reproduce_principles(work: Workspace) -> list[Result]:
    """Do them all and answer S4's claims about them."""
    answers = _answers(run_principles(work))
    circle = load_data("circle-simulated")
    found = []
    for row in read_claims("principles"):
        ours, holds, note = answers[row["system"], row["quantity"]]
        data = None if row["system"] == "XOR" else circle
        found.append(result(row, ours, data, holds=holds, note=note, seeds=[0], quick=work.quick))
    return found


def _activations(work: Workspace) -> dict[str, Any]:
    lessons = [
        _learn(work, name, label=f"{name}, {_called(activation)}", activation=activation)
        for activation in _EPOCHS
        for name in _POINTS
    ]
    work.draw("activations", lessons_figure(lessons, "ReLU against sigmoid", _note(work)))
    return {lesson.label: _measures(lesson) for lesson in lessons}


def _initialisation(work: Workspace) -> dict[str, Any]:
    lessons = [
        _learn(
            work, name, label=f"{name}, {_called(activation)}, {start}", activation=activation,
            start=start,
        )
        for activation in _EPOCHS
        for name in ("circle", "gaussians")
        for start in ("random", "zeros")
    ]  # fmt: skip
    work.draw("initialisation", lessons_figure(lessons, "Weights that begin at 0", _note(work)))
    return {lesson.label: _measures(lesson) for lesson in lessons}


def _order(work: Workspace) -> dict[str, Any]:
    first = 5 if work.quick else 50
    lessons = [
        _learn(work, "circle", label=f"{label},\nlearning rate {rate:g}", negatives_first=first_,
               learning_rate=rate)
        for rate in (0.1, _HIGH_RATE)
        for label, first_ in (("shuffled", 0), ("negatives first", first))
    ]  # fmt: skip
    note = f"The first {first} epochs show negatives only, all later ones everything. {_note(work)}"
    work.draw("order", lessons_figure(lessons, "All negatives first", note))
    return {lesson.label.replace("\n", " "): _measures(lesson) for lesson in lessons}


def _xor(work: Workspace) -> dict[str, Any]:
    seeds, steps = (20, 300) if work.quick else (_SEEDS, 3000)
    learned = {units: learn_xor(units, seeds, steps) for units in _WIDTHS}
    shares = {units: float(nets.exact.mean()) for units, nets in learned.items()}
    by_hand = build("xor", by_hand=True, classes=1)
    boundaries = {"2 units, by hand": by_hand}
    for label, wanted in (("a seed that learned it", True), ("a seed that did not", False)):
        if wanted in learned[2].exact:
            boundaries[f"2 units, {label}"] = learned[2].net(int(_first(learned[2], wanted)))
    work.draw("xor", xor_figure(
        {label: lambda x, net=net: np.asarray(net(x))[:, 0] > 0.5  # type: ignore[misc]
         for label, net in boundaries.items()},
        shares, seeds,
    ))  # fmt: skip
    error = float(np.abs(np.asarray(by_hand(POINTS))[:, 0] - XOR).max())
    return {
        "by hand": {"parameters": by_hand.count_params(), "largest error": error},
        "seeds": seeds,
        "exact": {str(units): share for units, share in shares.items()},
    }


PRINCIPLES: MappingProxyType[str, Callable[[Workspace], dict[str, Any]]] = MappingProxyType(
    {"activations": _activations, "initialisation": _initialisation, "order": _order, "xor": _xor}
)


def _learn(work: Workspace, name: str, **arguments: Any) -> Lesson:
    epochs = _EPOCHS[arguments.get("activation", "relu")]
    return learn(_points(name), epochs=epochs // 50 if work.quick else epochs, **arguments)


def _points(name: str) -> Dataset:
    return load_data(f"{name}-simulated")


def _called(activation: str) -> str:
    return {"relu": "ReLU"}.get(activation, activation)


def _note(work: Workspace) -> str:
    quick = "; QUICK, a fiftieth of the epochs" if work.quick else ""
    return f"Two hidden layers of 16, plain gradient descent, seed 0{quick}"


def _measures(lesson: Lesson) -> dict[str, Any]:
    return {
        "accuracy": lesson.accuracy,
        "units": lesson.units,
        "dead": lesson.dead,
        "dead at the start": lesson.dead_at_start,
        "dead after the negatives": lesson.dead_before,
        "positives recognised after the negatives": lesson.recall_before,
        "different units": lesson.different_units,
        "flat from epoch": lesson.flat_from,
        "first loss": lesson.losses[0],
        "last loss": lesson.losses[-1],
    }


def _first(learned: Learned, wanted: bool) -> int:
    return int(np.argmax(learned.exact == wanted))


def _answers(found: dict[str, dict[str, Any]]) -> dict[tuple[str, str], tuple[str, bool, str]]:
    """Ours, whether the claim holds, and what else there is to say, by system and quantity."""
    relu, sigmoid = (found["activations"][f"circle, {name}"] for name in ("ReLU", "sigmoid"))
    zeros = found["initialisation"]["circle, ReLU, zeros"]
    line = found["initialisation"]["gaussians, sigmoid, zeros"]
    first = found["order"]["negatives first, learning rate 0.1"]
    fast = found["order"][f"negatives first, learning rate {_HIGH_RATE:g}"]
    exact, seeds = found["xor"]["exact"], found["xor"]["seeds"]
    more = sigmoid["accuracy"] - relu["accuracy"]
    shares = ", ".join(f"{100 * share:.0f} % with {units}" for units, share in exact.items())
    parameters = found["xor"]["by hand"]["parameters"]
    alike = " and ".join(map(str, line["different units"]))
    dead, dead_at_start = first["dead after the negatives"], first["dead at the start"]
    recalled = first["positives recognised after the negatives"]
    slower = "on other points and with other steps: what holds is which of them is slower"
    like = (
        "units that begin alike stay alike, so the boundary is a line; on two Gaussians, the loss "
        f"flat from epoch {line['flat from epoch']}"
    )
    recovers = (
        "shown everything afterwards the net recovers, also at ten times the learning rate "
        f"({_percent(fast['accuracy'])} right, {fast['dead']} of {fast['units']} units dead)"
    )
    smallest = (
        f"2 hidden units, {parameters} parameters, by hand without error; of {seeds} seeds learn "
        f"it exactly: {shares} hidden units"
    )
    return {
        ("ReLU against sigmoid", "epochs until the loss is flat"): (
            f"{relu['flat from epoch']} and {sigmoid['flat from epoch']}",
            relu["flat from epoch"] < sigmoid["flat from epoch"], slower,
        ),
        ("ReLU against sigmoid", "test error of ReLU less that of sigmoid"): (
            f"{more:.3f}", abs(more) <= _ALIKE, "",
        ),
        ("zero initialisation", "dead ReLU units"): (
            f"{zeros['dead']} of {zeros['units']}", zeros["dead"] == zeros["units"], "",
        ),
        ("zero initialisation", "test accuracy of ReLU"): (
            _percent(zeros["accuracy"]), abs(zeros["accuracy"] - 0.5) < 0.05, "",
        ),
        ("zero initialisation", "different sigmoid units a layer"): (
            f"{alike}, {_percent(line['accuracy'])} right", line["different units"] == [1, 1], like,
        ),
        ("all negatives first", "dead ReLU units after the negatives"): (
            f"{dead} of {first['units']}, {dead_at_start} before", dead > dead_at_start, "",
        ),
        ("all negatives first", "positives recognised after the negatives"): (
            _percent(recalled), recalled == 0, "",
        ),
        ("all negatives first", "test accuracy in the end"): (
            _percent(first["accuracy"]), first["accuracy"] < 0.9, recovers,
        ),
        ("XOR", "layers of the smallest ReLU net"): (
            "2", found["xor"]["by hand"]["largest error"] == 0 and exact["1"] == 0, smallest,
        ),
    }  # fmt: skip


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
