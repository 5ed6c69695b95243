"""Compare the mortality nets with classifiers on code counts, and write the tables.

    python scripts/tables/mortality.py --data-dir FOLDER [--runs runs/mortality-table]

Finished runs are reused and interrupted ones resumed, so the script can be stopped at any time.
Writes docs/mortality-results.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mortality_methods import Method, Predictions, code_classifiers, describe, nets
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

import kerasnets as kn
from kerasnets._tables import markdown_table, percent
from kerasnets.data import Dataset
from kerasnets.data.dataset import sequences
from kerasnets.engine.buckets import make_buckets
from kerasnets.evaluation.binary import binary_metrics, calibration_error
from kerasnets.studies.runs import resume_or_train

FOLDS = 5
TARGET = Path(__file__).parents[2] / "docs" / "mortality-results.md"
HEADERS = (
    "", "AUROC", "mean of folds", "average precision", "mean of folds", "Brier", "ECE"
)  # fmt: skip
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
# The mortality nets and classifiers on code counts

On the eICU demo, no net has a clearly higher AUROC than logistic regression on which codes
occurred. On the simulated patients, whose risk depends on the order of the visits, every net has a
higher AUROC than every other classifier. [mortality.md](mortality.md) discusses these results.

This command trains all of them and writes this page. Finished trainings are reused:

```sh
python scripts/tables/mortality.py --data-dir FOLDER
```

- The ranges in brackets are 95 % intervals by bootstrap over patients (1,000 resamples), for the
  test predictions of all folds. They overlap for most rows of the eICU demo, which has few deaths.
- Everything, including the vocabulary, is fitted on the training split. No patient is in two
  splits.
- The validation split selects the epoch whose weights are kept. It also selects the settings in
  brackets, which change the recipe `as-reported`: those with the lowest log loss on the validation
  splits of all folds. This is done in the same way for nets and other classifiers.
- Average precision is the step-wise area under the precision-recall curve.
- "Wide" nets also see which codes occurred, besides their last state.
"""


def main() -> None:
    """Train the missing nets, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data-dir", type=Path, help="folder with the eICU tables")
    parser.add_argument("--runs", type=Path, default=Path("runs/mortality-table"))
    arguments = parser.parse_args()
    parts = [INTRODUCTION]
    for name, folds in (("eicu", FOLDS), ("mortality-simulated", 0)):
        sets = [
            kn.load_data(name, data_dir=arguments.data_dir, folds=folds, fold=fold)
            for fold in range(folds or 1)
        ]
        rows = []
        for title, methods in {**code_classifiers(), **nets(name, arguments.runs)}.items():
            rows.append(best_row(title, methods, sets))
            print(*rows[-1], sep=" | ", flush=True)
        parts += [heading(sets), markdown_table(HEADERS, rows, "llrlrll"), ""]
    parts.append(imbalance(arguments.runs))
    TARGET.write_text("\n".join([*parts, ""]), encoding="utf-8")
    print(TARGET)


def heading(sets: Sequence[Dataset]) -> str:
    """Heading of a table: number of examples, folds and padding."""
    data = sets[0]
    examples = sum(len(part) for part in data.splits.values())
    died = sum(int(part.y.sum()) for part in data.splits.values())
    buckets = make_buckets(sequences(data.train).lengths)
    folds = f"test splits of {len(sets)} folds by patient" if len(sets) > 1 else "one split"
    return (
        f"## {data.name}: {examples:,} examples, {died:,} died, {folds}\n\n"
        f"Padding: {percent(buckets.padding)} of the computed steps, "
        f"{len(buckets.bucket_lengths)} bucket lengths.\n"
    )


def best_row(title: str, methods: Mapping[str, Method], sets: Sequence[Dataset]) -> list[str]:
    """The row of the setting with the lowest log loss on the validation splits of all folds."""
    results = {
        setting: [fit(data, fold) for fold, data in enumerate(sets)]
        for setting, fit in methods.items()
    }

    def loss(setting: str) -> float:
        y, probabilities, _ = concatenate([validation for validation, _ in results[setting]])
        return float(log_loss(y, probabilities))

    best = min(results, key=loss)
    return [f"{title} ({best})", *cells([test for _, test in results[best]])]


def concatenate(folds: Sequence[Predictions]) -> Predictions:
    """Concatenate the predictions of all folds."""
    y, probabilities, patients = (np.concatenate(column) for column in zip(*folds, strict=True))
    return y, probabilities, patients


def cells(folds: Sequence[Predictions]) -> list[str]:
    """Metrics of all test predictions with intervals, and the means over the folds."""
    y, probabilities, patients = concatenate(folds)
    metrics = binary_metrics(y, probabilities, patients)

    def with_interval(name: str, value: float) -> str:
        low, high = metrics["intervals"][name]
        return f"{value:.3f} ({low:.3f}–{high:.3f})"

    def mean(metric: Callable[[np.ndarray, np.ndarray], float]) -> str:
        return f"{np.mean([metric(labels, scores) for labels, scores, _ in folds]):.3f}"

    ece = calibration_error(y, probabilities, np.ones(len(y)))
    return [
        with_interval("auroc", roc_auc_score(y, probabilities)),
        mean(roc_auc_score),
        with_interval("average_precision", metrics["average_precision"]),
        mean(average_precision_score),
        with_interval("brier", metrics["brier"]),
        with_interval("ece", ece),
    ]


def imbalance(runs: Path) -> str:
    """The effect of class weights, of a chosen threshold and of calibration on one net."""
    data = kn.load_data("mortality-simulated")
    rows = []
    for settings in IMBALANCE:
        folder = runs / f"imbalance-{describe(settings) or 'none'}"
        options = {"recipe": "as-reported", "epochs": 6, **settings}
        run = resume_or_train("mortality-gru", folder, data=data, **options)
        title = ", ".join(f"`{name} = {value}`" for name, value in settings.items())
        values = [f"{run.metrics['test'][name]:.3f}" for name in COLUMNS]
        rows.append([title or "none", *values])
    table = markdown_table(["", *COLUMNS.values()], rows, "l" + "r" * len(COLUMNS))
    return (
        "## Class imbalance and calibration\n\n"
        "`mortality-gru` after 6 epochs, on the test split of the simulated patients, of whom "
        f"{percent(data.test.y.mean(), 0)} died.\n\n{table}"
    )


if __name__ == "__main__":
    main()
