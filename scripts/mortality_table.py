"""Compare the mortality nets with bags of codes, by 5 folds of patients, and write the table.

    python scripts/mortality_table.py --data-dir FOLDER [--runs runs/mortality-table]

Finished runs are kept and interrupted ones resumed, so the script can be stopped at any time.
Writes docs/mortality-results.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import kerasnets as kn
from kerasnets.data import Dataset
from kerasnets.data.buckets import make_buckets
from kerasnets.data.dataset import sequences
from kerasnets.evaluation import predict_probabilities
from kerasnets.evaluation.binary import auroc, average_precision, binary_metrics, calibration_error
from kerasnets.training import resume

FOLDS = 5
TARGET = Path(__file__).parents[1] / "docs" / "mortality-results.md"
# Few patients and many codes: what keeps the nets from learning patients by heart.
SMALL: dict[str, Any] = {"epochs": 16}
REGULARISED: dict[str, dict[str, Any]] = {
    "mortality-gru": {"l2": 0.01},
    "mortality-lstm": {"l2": 0.001},
    "mortality-deep": {"code_dropout": 0.5},
}
BASELINES: Mapping[str, Any] = {
    "logistic regression on bags of codes": lambda: LogisticRegression(C=0.03, max_iter=3000),
    "gradient-boosted trees on bags of codes": lambda: HistGradientBoostingClassifier(
        max_iter=100, learning_rate=0.05, max_leaf_nodes=8, random_state=0
    ),
}
INTRODUCTION = """\
# The mortality nets beside bags of codes

Made by `python scripts/mortality_table.py --data-dir FOLDER`. Everything is fitted on the training
split, vocabulary included; epochs are chosen by the log loss on the validation split; no patient
is on two sides. In brackets 95 % intervals by bootstrap over patients (1,000 resamples) of all
test predictions together; average precision is the step-wise area.
"""
Scores = tuple[np.ndarray, np.ndarray, np.ndarray]  # labels, probabilities, patients


def main() -> None:
    """Train what is not trained yet, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data-dir", type=Path, help="where the eICU demo is")
    parser.add_argument("--runs", type=Path, default=Path("runs/mortality-table"))
    arguments = parser.parse_args()
    lines = []
    for name, fold_options, settings, net_arguments in (
        ("eicu", {"folds": FOLDS}, SMALL, REGULARISED),
        ("mortality-simulated", {}, {"epochs": 12}, {}),
    ):
        sets = [
            kn.load_data(name, data_dir=arguments.data_dir, **fold_options, **fold)
            for fold in ([{"fold": n} for n in range(FOLDS)] if fold_options else [{}])
        ]
        lines += heading(sets)
        for title, make in BASELINES.items():
            lines.append(row(title, [baseline(make(), data) for data in sets]))
            print(lines[-1], flush=True)
        for net in kn.list_nets("mortality-*"):
            scored = []
            for number, data in enumerate(sets):
                folder = arguments.runs / f"{name}-{net}-{number}"
                run = run_once(
                    net, data, folder, {"net_arguments": net_arguments.get(net, {}), **settings}
                )
                scored.append(of_test(data, predict_probabilities(run.model, data.test.x)[:, 1]))
            lines.append(row(f"`{net}`", scored))
            print(lines[-1], flush=True)
    TARGET.write_text(INTRODUCTION + "\n".join(lines) + "\n", encoding="utf-8")
    print(TARGET)


def run_once(net: str, data: Dataset, folder: Path, settings: dict[str, Any]) -> kn.Run:
    """The run in the folder: as it is, resumed, or new."""
    if (folder / "recipe.toml").exists():
        return resume(folder, data=data, progress=False)
    return kn.train(net, data=data, out=folder, progress=False, **settings)


def baseline(classifier: Any, data: Dataset) -> Scores:
    """A scikit-learn classifier on which codes were ever there, fitted on the training split."""
    model = make_pipeline(FunctionTransformer(lambda bag: bag > 0), classifier)
    model.fit(sequences(data.train).bag(), data.train.y)
    return of_test(data, model.predict_proba(sequences(data.test).bag())[:, 1])


def of_test(data: Dataset, probabilities: np.ndarray) -> Scores:
    """With the labels and patients of the test split."""
    return data.test.y, probabilities, np.asarray(data.test.groups)


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
    y, scores, patients = (np.concatenate(column) for column in zip(*folds, strict=True))
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
