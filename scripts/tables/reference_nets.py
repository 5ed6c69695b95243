"""Train our reference nets on folds of recordings and on MNIST, and write the results.

    python scripts/tables/reference_nets.py --data-dir FOLDER [--runs runs/own-nets]

Finished runs are reused and interrupted ones resumed, so the script can be stopped at any time.
Writes docs/own-nets.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

import kerasnets as kn
from kerasnets._tables import markdown_table
from kerasnets.studies.workspace import Workspace

FOLDS = 5
SEEDS = (0, 1, 2)
LONG = {"samples": 2_047, "step": 178}
# Nets trained on the five classes, with the data options. Some change the epochs of the recipe.
NETS: tuple[tuple[str, dict[str, int]], ...] = (
    ("seizure-spectral-small", {}),
    ("seizure-cnn", {}),  # a net of the course reports, for comparison
    ("seizure-spectral", {}),
    ("seizure-spectral", {"samples": 712, "step": 178, "epochs": 12}),
    ("seizure-spectral-long", LONG),
)
TARGET = Path(__file__).parents[2] / "docs" / "own-nets.md"
PAGE = """\
# Our reference nets

We designed these nets in addition to those of the [course reports](reproduce.md). Their mean
accuracies on test splits that were not used to choose anything:

| data | net | test accuracy, % |
|---|---|---:|
| Bonn EEG, five classes, rows of one second | `seizure-spectral-small` | {row_accuracy:.2f} |
| the same, a net of the reports | `seizure-cnn` | {report_accuracy:.2f} |
| Bonn EEG, five classes, windows of 11.8 s | `seizure-spectral-long` | {window_accuracy:.2f} |
| Bonn EEG, seizure against the other classes | both | {low:.2f} to {high:.2f} |
| MNIST | `digit-cnn-compact` | {digit_accuracy:.2f} |

This command trains the nets and writes this page. Finished trainings are reused:

```sh
python scripts/tables/reference_nets.py --data-dir FOLDER
```

- It was never published which Bonn recordings are from the same patient. So these numbers do not
  say how well a net works for a new patient.
- The accuracies of the folds differ by several percentage points. Compare nets on the same folds.
- Each net uses its default recipe and the weights of the epoch with the best validation result.
  FLOPs follow the convention `exact`.
- "Seconds each" is the time of one training on one core, while other work ran on the machine, so it
  only gives the order of magnitude.

## Bonn EEG, five classes

{folds} folds by recording: a fifth of the recordings is the test split, an eighth of the others
the validation split. Each row of 178 samples (1.03 s), or each longer window, is classified on
its own. Test windows do not overlap. "Seizure AUROC" is the AUROC of the probability of that
class.

{five}

The length of the signal matters more than the net: take windows as long as your application
allows.

Recall of each class in percent, for the test splits of all folds:

{recalls}

## Seizure against the other classes

The folds are the same, with `--data-option classes=2`. The accuracy is that of two classes.

{two}

## MNIST

10,000 test digits after training on 55,000 digits, with seeds {seeds}.

{digits}

## How the nets were chosen

The settings were chosen by validation accuracy. These changes mattered most, in percent:

| change | before | after |
|---|---:|---:|
| spectra up to 86 Hz instead of 40 Hz (300 extremely randomised trees on 20 bands) | 73.9 | 79.6 |
| fixed spectral kernels instead of trained ones | 73.6 | 78.6 |
| mean spectrum and eight statistics of the row, besides the convolutions | 79.2 | 80.6 |
| augmentation with `scale` 0.1 instead of 0.3 | 79.0 | 80.6 |

- **Seizure nets.** 26 settings were compared. Most were trained once on 300 of the recordings that
  fold 1 uses for training and validation, and evaluated on the 100 others; the first six on the
  validation splits of folds 0 and 1. Two trainings that differ only in their seed differ by 0.7
  percentage points on these 100 recordings, so smaller effects could not be measured.
- **Length of the windows.** Of 356, 712, 1,424 and 2,047 samples, 2,047 had the best validation
  result on folds 0 and 2.
- **Without measurable effect:** frames of 128 samples, a branch on the samples and their
  differences, and a dense layer before the logits.
- **Not better on the test rows of one second** than single trainings of `seizure-spectral` (79.3 to
  79.8 % on fold 0): averaging three of them (79.5), and training windows that start every 22
  samples (79.6, 78.8).
- **Digit net.** It is the first net that was tried.
"""


def main() -> None:
    """Train the missing nets, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data-dir", type=Path, help="folder with the real recordings and digits")
    parser.add_argument("--runs", type=Path, default=Path("runs/own-nets"))
    arguments = parser.parse_args()
    folder, data_dir = arguments.runs, arguments.data_dir
    five = [fold_runs(net, folder, data_dir, **options) for net, options in NETS]
    images = kn.load_data("mnist", data_dir=data_dir)
    digits = [[Workspace(folder).run("digit-cnn-compact", images, seed) for seed in SEEDS]]
    two = [
        fold_runs("seizure-spectral-small", folder, data_dir, classes=2),
        fold_runs("seizure-spectral-long", folder, data_dir, classes=2, **LONG),
    ]
    means = [float(np.mean(accuracies(runs))) for runs in two]
    page = PAGE.format(
        row_accuracy=np.mean(accuracies(five[0])),
        report_accuracy=np.mean(accuracies(five[1])),
        window_accuracy=np.mean(accuracies(five[-1])),
        low=min(means),
        high=max(means),
        digit_accuracy=np.mean(accuracies(digits[0])),
        folds=FOLDS,
        five=results_table(five, "per fold", seizure_auroc),
        recalls=recall_table(five),
        two=results_table(two, "per fold", seizure_auroc),
        seeds=", ".join(map(str, SEEDS)),
        digits=results_table(digits, "per seed"),
    )
    TARGET.write_text(page, encoding="utf-8")
    print(TARGET)


def fold_runs(
    net: str, folder: Path, data_dir: Path | None, epochs: int | None = None, **options: int
) -> list[kn.Run]:
    """Train a net on each fold, with these options of the data set."""
    settings = {} if epochs is None else {"epochs": epochs}
    name = "".join(f"-{option}-{value}" for option, value in options.items())
    runs = []
    for fold in range(FOLDS):
        data = kn.load_data("seizure", data_dir, folds=FOLDS, fold=fold, **options)
        runs.append(Workspace(folder / f"fold-{fold}{name}").run(net, data, **settings))
    return runs


def accuracies(runs: Sequence[kn.Run]) -> list[float]:
    """The test accuracy of each run, in percent."""
    return [100 * run.metrics["test"]["accuracy"] for run in runs]


def seizure_auroc(run: kn.Run) -> float:
    """AUROC of the probability of a seizure, on the test split."""
    return float(run.metrics["test"]["per_class"]["seizure"]["auroc"])


def results_table(
    nets: Sequence[Sequence[kn.Run]],
    each: str,
    auroc: Callable[[kn.Run], float] | None = None,
) -> str:
    """One row per net: cost, test accuracy, and AUROC if a function for it is passed."""
    headers = ["net", "samples", "parameters", "FLOPs", "epochs", "mean test accuracy, %", each]
    headers += ["mean seizure AUROC", each] if auroc else []
    rows = []
    for runs in nets:
        cost = kn.profile(runs[0].model)
        row = [f"`{runs[0].name}`", samples(runs[0]), f"{cost.params:,}", f"{cost.flops:,}"]
        row += [str(runs[0].recipe.epochs), *mean_and_values(accuracies(runs), 2)]
        row += mean_and_values([auroc(run) for run in runs], 5) if auroc else []
        rows.append([*row, f"{np.mean([run.seconds for run in runs]):.0f}"])
    return markdown_table([*headers, "seconds each"], rows, "l" + "r" * len(headers))


def recall_table(nets: Sequence[Sequence[kn.Run]]) -> str:
    """One row per net: the recall of each class over all runs."""
    classes = nets[0][0].class_names
    rows = []
    for runs in nets:
        counts = np.sum([run.metrics["test"]["confusion_matrix"] for run in runs], axis=0)
        recalls = 100 * counts.diagonal() / counts.sum(axis=1)
        cells = [f"{recall:.1f}" for recall in recalls]
        rows.append([f"`{runs[0].name}`", samples(runs[0]), *cells])
    return markdown_table(["net", "samples", *classes], rows, "lr" + "r" * len(classes))


def samples(run: kn.Run) -> str:
    """The number of input values of the net."""
    return f"{np.prod(run.model.input_shape[1:]):,}"


def mean_and_values(values: Sequence[float], digits: int) -> list[str]:
    """Two cells: the mean, and all values."""
    return [f"**{np.mean(values):.{digits}f}**", ", ".join(f"{x:.{digits}f}" for x in values)]


if __name__ == "__main__":
    main()
