"""Compare the mortality nets with bags of codes, by 5 folds of patients, and write the table.

    python scripts/tables/mortality.py --data-dir FOLDER [--runs runs/mortality-table]

Finished runs are kept and interrupted ones resumed, so the script can be stopped at any time.
Writes docs/mortality-results.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

import kerasnets as kn
from kerasnets.data import Dataset, Split
from kerasnets.data.dataset import sequences
from kerasnets.engine.buckets import make_buckets
from kerasnets.evaluation import predict_probabilities
from kerasnets.evaluation.binary import (
    auroc,
    average_precision,
    binary_metrics,
    calibration_error,
    log_loss,
)
from kerasnets.training import resume

FOLDS = 5
TARGET = Path(__file__).parents[2] / "docs" / "mortality-results.md"
Scores = tuple[np.ndarray, np.ndarray, np.ndarray]  # labels, probabilities, patients
Fitted = tuple[Scores, Scores]  # of the validation split and of the test split
# Fits on the training split of a fold, given its number.
Method = Callable[[Dataset, int], Fitted]
Bag = Callable[[Split], np.ndarray]

ADAM: dict[str, Any] = {"epochs": 16}
SGD: dict[str, Any] = {
    "epochs": 20, "optimizer": "sgd", "learning_rate": 0.1, "schedule": "cosine"
}  # fmt: skip
# Settings to choose from, on validation: few patients and many codes want a penalty, but one that
# deep nets survive, whose layers it all pulls towards 0.
PLAIN: dict[str, list[dict[str, Any]]] = {
    "mortality-gru": [
        {**ADAM, "net_arguments": {"l2": 0.01}},
        {**SGD, "net_arguments": {"l2": 0.01}},
    ],
    "mortality-lstm": [
        {**ADAM, "net_arguments": {"l2": 0.001}},
        {**SGD, "net_arguments": {"l2": 0.003}},
    ],
    "mortality-deep": [
        {**ADAM, "net_arguments": {"l2": 0.0003}},
        {**ADAM, "net_arguments": {"code_dropout": 0.5}},
    ],
}
WIDE = [
    {**SGD, "net_arguments": {"l2": 0.01, "wide": True}},
    {**SGD, "net_arguments": {"l2": 0.005, "wide": True}},
]
IMBALANCE: list[dict[str, Any]] = [
    {},
    {"class_weights": "balanced"},
    {"class_weights": "balanced", "calibration": "temperature"},
    {"threshold": "youden"},
    {"threshold": "f1"},
    {"calibration": "temperature"},
]
COLUMNS = {
    "threshold": "threshold",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "brier": "Brier",
    "ece": "ECE",
    "log_loss": "log loss",
    "auroc": "AUROC",
    "auroc_hard_labels": "AUROC of hard labels",
}
INTRODUCTION = """\
# The mortality nets beside bags of codes

Made by `python scripts/tables/mortality.py --data-dir FOLDER`. Everything is fitted on the training
split, vocabulary included; the epoch whose weights are kept is chosen on the validation split; no
patient is on two sides. Where a line had several settings to choose from, one for all folds was
chosen by the log loss of their validation splits together, for bags as for nets. In brackets 95 %
intervals by bootstrap over patients (1,000 resamples) of all test predictions together; average
precision is the step-wise area. "Wide" nets see beside their last state which codes were ever
there.
"""


def main() -> None:
    """Train what is not trained yet, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data-dir", type=Path, help="where the eICU demo is")
    parser.add_argument("--runs", type=Path, default=Path("runs/mortality-table"))
    arguments = parser.parse_args()
    lines = []
    for name, folds in (("eicu", FOLDS), ("mortality-simulated", 0)):
        sets = [
            kn.load_data(name, data_dir=arguments.data_dir, folds=folds, fold=fold)
            for fold in range(folds or 1)
        ]
        lines += heading(sets)
        for title, methods in {**baselines(), **nets(name, arguments.runs)}.items():
            lines.append(line(title, methods, sets))
            print(lines[-1], flush=True)
    lines += imbalance(arguments.runs)
    TARGET.write_text(INTRODUCTION + "\n".join(lines) + "\n", encoding="utf-8")
    print(TARGET)


def baselines() -> dict[str, dict[str, Method]]:
    """Classifiers of scikit-learn by title, each with its settings."""

    def logistic(bag: Bag) -> dict[str, Method]:
        return {
            f"C = {c}": baseline(LogisticRegression(C=c, max_iter=3000), bag)
            for c in (0.01, 0.03, 0.1, 0.3)
        }

    trees = {
        f"{leaves} leaves, {rounds} rounds": baseline(
            HistGradientBoostingClassifier(
                max_iter=rounds, learning_rate=0.05, max_leaf_nodes=leaves, random_state=0
            ),
            ever,
        )
        for leaves in (4, 8)
        for rounds in (50, 100)
    }
    return {
        "logistic regression, which codes were ever there": logistic(ever),
        "logistic regression, share of visits with each code": logistic(share),
        "gradient-boosted trees, which codes were ever there": trees,
    }


def nets(data: str, runs: Path) -> dict[str, dict[str, Method]]:
    """The nets of the catalogue by title, each with its settings."""
    kinds = {
        f"`{net}`{suffix}": (net, choices)
        for net in kn.list_nets("mortality-*")
        for suffix, choices in (
            {"": PLAIN[net], ", wide": WIDE} if data == "eicu" else {"": [{"epochs": 12}]}
        ).items()
    }
    return {
        title: {
            describe(settings): trained(net, settings, runs / f"{data}-{net}-{describe(settings)}")
            for settings in choices
        }
        for title, (net, choices) in kinds.items()
    }


def describe(settings: Mapping[str, Any]) -> str:
    """Settings in a few words."""
    given = {**settings, **settings.get("net_arguments", {})}
    given.pop("net_arguments", None)
    return " ".join(f"{name}={value}" for name, value in given.items())


def trained(net: str, settings: dict[str, Any], folder: Path) -> Method:
    """A run as it is, resumed, or new, in a folder for each fold."""

    def fit(data: Dataset, fold: int) -> Fitted:
        run = run_of(net, data, folder / str(fold), settings)
        return fitted(data, lambda split: predict_probabilities(run.model, split.x)[:, 1])

    return fit


def ever(split: Split) -> np.ndarray:
    """Which codes were ever there."""
    codes: np.ndarray = sequences(split).code_counts() > 0
    return codes


def share(split: Split) -> np.ndarray:
    """In which share of the visits each code was."""
    visits: np.ndarray = sequences(split).code_counts() / sequences(split).lengths[:, None]
    return visits


def baseline(classifier: Any, bag: Bag) -> Method:
    """A classifier of scikit-learn on bags of codes."""

    def fit(data: Dataset, fold: int) -> Fitted:
        del fold
        model = clone(classifier).fit(bag(data.train), data.train.y)
        return fitted(data, lambda split: model.predict_proba(bag(split))[:, 1])

    return fit


def fitted(data: Dataset, predict: Callable[[Split], np.ndarray]) -> Fitted:
    """Labels, probabilities and patients of the validation split and of the test split."""
    validation, test = (
        (split.y, predict(split), np.asarray(split.groups))
        for split in (data.validation, data.test)
    )
    return validation, test


def line(title: str, methods: Mapping[str, Method], sets: list[Dataset]) -> str:
    """The row of the setting whose validation predictions of all folds have the least log loss."""
    results = {
        setting: [fit(data, fold) for fold, data in enumerate(sets)]
        for setting, fit in methods.items()
    }

    def loss(setting: str) -> float:
        y, scores, _ = together([validation for validation, _ in results[setting]])
        return log_loss(y, scores, np.ones(len(y)))

    best = min(results, key=loss)
    return row(f"{title} ({best})", [test for _, test in results[best]])


def together(folds: list[Scores]) -> Scores:
    """The predictions of all folds as one."""
    y, scores, patients = (np.concatenate(column) for column in zip(*folds, strict=True))
    return y, scores, patients


def imbalance(runs: Path) -> list[str]:
    """What class weights and a chosen threshold each do to one net."""
    data = kn.load_data("mortality-simulated")
    died = f"{data.test.y.mean():.0%}"
    lines = [
        "",
        "## Class imbalance and calibration",
        "",
        f"`mortality-gru`, 6 epochs; on the simulated cohort's test split, {died} of whom died.",
        "",
        f"| | {' | '.join(COLUMNS.values())} |",
        f"|---|{'---:|' * len(COLUMNS)}",
    ]
    for settings in IMBALANCE:
        out = runs / f"imbalance-{describe(settings) or 'none'}"
        test = run_of("mortality-gru", data, out, {"epochs": 6, **settings}).metrics["test"]
        given = ", ".join(f"`{name} = {value}`" for name, value in settings.items())
        cells = [f"{test[name]:.3f}" for name in COLUMNS]
        lines.append(f"| {given or 'nothing'} | {' | '.join(cells)} |")
    return lines


def run_of(net: str, data: Dataset, out: Path, settings: Mapping[str, Any]) -> kn.Run:
    """The run in a folder: as it is, resumed, or new."""
    if (out / "recipe.toml").exists():
        return resume(out, data=data, progress=False)
    return kn.train(net, data=data, out=out, progress=False, **settings)


def heading(sets: list[Dataset]) -> list[str]:
    """What the table below is of."""
    data = sets[0]
    examples = sum(len(part) for part in data.splits.values())
    died = sum(int(part.y.sum()) for part in data.splits.values())
    buckets = make_buckets(sequences(data.train).lengths)
    how = f"{len(sets)} folds by patient, tested out of fold" if len(sets) > 1 else "one split"
    return [
        "",
        f"## {data.name}: {examples:,} examples, {died:,} died, {how}",
        "",
        f"Padding: {buckets.padding:.1%} of the steps computed, {len(buckets.times)} padded times.",
        "",
        "| | AUROC | mean of folds | average precision | mean of folds | Brier | ECE |",
        "|---|---|---:|---|---:|---|---|",
    ]


def row(title: str, folds: list[Scores]) -> str:
    """A line of the table: all test predictions together, and the mean over the folds."""
    y, scores, patients = together(folds)
    table = binary_metrics(y, scores, patients)
    ranges = table["intervals"]

    def cell(name: str, value: float) -> str:
        low, high = ranges[name]
        return f"{value:.3f} ({low:.3f}–{high:.3f})"

    def mean(metric: Any) -> float:
        return float(np.mean([metric(labels, p, np.ones(len(p))) for labels, p, _ in folds]))

    ones = np.ones(len(y))
    return (
        f"| {title} | {cell('auroc', auroc(y, scores, ones))} | {mean(auroc):.3f} | "
        f"{cell('average_precision', table['average_precision'])} | "
        f"{mean(average_precision):.3f} | {cell('brier', table['brier'])} | "
        f"{cell('ece', calibration_error(y, scores, ones))} |"
    )


if __name__ == "__main__":
    main()
