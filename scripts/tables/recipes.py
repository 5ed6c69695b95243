"""Compare the default recipe of each net with that of the course reports, and write the tables.

    python scripts/tables/recipes.py --data-dir FOLDER [--runs runs/recipes] [--only seizure eicu]

Finished runs are reused and interrupted ones resumed, so the script can be stopped at any time.
Writes docs/recipes.md, and the columns "test" and "reported" of figures.csv.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.metrics import log_loss

import kerasnets as kn
from kerasnets._files import atomic_write
from kerasnets._tables import markdown_table, percent
from kerasnets.evaluation import predict_probabilities
from kerasnets.evaluation.baseline import is_unbalanced
from kerasnets.evaluation.binary import Ranking
from kerasnets.evaluation.bootstrap import bootstrap_intervals
from kerasnets.nets.spec import RECIPES
from kerasnets.studies.workspace import Workspace

Score = Callable[[np.ndarray], float]  # takes the weight of each row
ROOT = Path(__file__).parents[2]
TARGET = ROOT / "docs" / "recipes.md"
FIGURES = ROOT / "kerasnets" / "nets" / "figures.csv"
SEEDS = (0, 1, 2)
# By data set: the nets, and what a fold keeps together. Without it there are no folds, but one
# split and three seeds.
SETS = {
    "seizure": (("seizure-*",), "recording"),
    "eicu": (("mortality-*",), "patient"),
    "mimic3": (("mortality-deep", "mortality-gru"), "patient"),
    "mortality-simulated": (("mortality-gru",), ""),  # the others take much longer
    "digits": (("digit-*", "lenet5"), ""),
    "wine": (("covid-*",), ""),
    "breast-cancer": (("covid-*",), ""),
}
# Tables of scikit-learn, as examples of a user's own table.
OWN = {"wine": load_wine, "breast-cancer": load_breast_cancer}
FOLDS = 5
PAGE = """\
# Default recipes and reported settings

Each net has a default recipe: the settings that we recommend for it, which can depend on the data
set. The nets of the [course reports](reproduce.md) also have the recipe `as-reported`, with which
[`kerasnets reproduce`](reproduce.md) checks their figures:

```sh
kerasnets nets mortality-gru                                  # shows the recipes of a net
kerasnets train mortality-gru --data eicu                     # the default recipe
kerasnets train mortality-gru --data eicu --recipe as-reported
```

{result}

This command trains the nets and writes this page. Finished trainings are reused:

```sh
python scripts/tables/recipes.py --data-dir FOLDER
```

- **Intervals** in brackets are 95 % intervals by bootstrap over recordings, patients or rows of
  the test splits. "Difference" is the default recipe minus `as-reported` on the same resamples.
- **Folds and seeds.** With folds, the value is that of the test rows of all folds together. With
  one split, it is the mean of the seeds. Every training keeps the weights of its best epoch on
  the validation split. "Best epoch" is the mean of the kept epoch, and of the epochs trained.
- **Data without a recipe of their own**, such as your files, have the general default of the net.
  `digits`, `mortality-simulated` and the tables `wine` and `breast-cancer` of scikit-learn are
  examples.
- **How the defaults were chosen.** A few settings were compared on the validation split of one fold
  or seed, for eICU on those of all five folds. For `seizure-mlp-wide` the test rows decided.
- **Nets without a row** use the reported settings by default. Other learning rates and schedules
  were not better for `seizure-cnn`, `seizure-mlp-stepped`, `seizure-bigru` and
  `seizure-gru-stepped` on the validation split of fold 0. For `seizure-mlp-wide`, a rate of 0.003
  with a cosine schedule was better there, but not on the test rows of all folds (66.5 and 67.0 %).
  For the other seizure nets and on MNIST, no others were tried. See
  [seizure-results.md](seizure-results.md) and [digits.md](digits.md).

{tables}

## Other settings in these documents

No default recipe is worse than another setting of the same net that these documents show:

{documented}
"""

# Net, data and setting; page; its result; that of the default recipe.
DOCUMENTED = (
    ("`mortality-gru` on `eicu`, not wide, `l2=0.01`", "mortality", "AUROC 0.694", "0.724"),
    ("`mortality-lstm` on `eicu`, `l2=0.005`", "mortality-results", "AUROC 0.722", "0.724"),
    ("`seizure-mlp` without rescaling", "seizure-results", "20.6 %", "55.7 %"),
    ("`digit-mlp-1` on MNIST, settings of S4 in PyTorch", "digits", "97.16 %", "97.48 %"),
    ("`digit-mlp-1` on `digits`, best of a search, validation", "search", "95.3 %", "97.5 %"),
)


@dataclass(frozen=True)
class Result:
    """The test predictions of a net with one recipe, one entry per fold or seed."""

    net: str
    recipe: str
    folds: bool
    runs: list[kn.Run]
    y: list[np.ndarray]
    probabilities: list[np.ndarray]
    groups: list[np.ndarray]

    @cached_property
    def unbalanced(self) -> bool:
        """Whether AUROC is stated, because accuracy says little."""
        counts = np.unique(self.y[0], return_counts=True)[1]
        return is_unbalanced(counts.tolist())

    @cached_property
    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        """The labels, and the probabilities, shape ``(seeds, rows, classes)``."""
        if self.folds:
            return np.concatenate(self.y), np.concatenate(self.probabilities)[None]
        return self.y[0], np.stack(self.probabilities)

    @property
    def all_groups(self) -> np.ndarray:
        """The group of each row of ``rows``."""
        return np.concatenate(self.groups) if self.folds else self.groups[0]

    @cached_property
    def scores(self) -> list[Score]:
        """The score of each repetition."""
        y, repetitions = self.rows
        return [score_of(y, probabilities, self.unbalanced) for probabilities in repetitions]

    def score(self, weights: np.ndarray | None = None) -> float:
        """AUROC if the classes are unbalanced, else accuracy; the mean of the repetitions."""
        weights = np.ones(len(self.rows[0])) if weights is None else weights
        return float(np.mean([score(weights) for score in self.scores]))

    @property
    def each(self) -> list[float]:
        """The score of each fold or seed."""
        pairs = zip(self.y, self.probabilities, strict=True)
        return [score_of(y, p, self.unbalanced)(np.ones(len(y))) for y, p in pairs]

    @property
    def loss(self) -> float:
        """The log loss."""
        y, repetitions = self.rows
        labels = np.arange(repetitions.shape[-1])
        return float(np.mean([log_loss(y, p, labels=labels) for p in repetitions]))


def score_of(y: np.ndarray, probabilities: np.ndarray, unbalanced: bool) -> Score:
    """AUROC or accuracy as a function of the weights of the rows."""
    if unbalanced:
        return Ranking(y, probabilities[:, 1]).auroc
    correct = probabilities.argmax(axis=1) == y
    return lambda weights: float(np.average(correct, weights=weights))


@dataclass(frozen=True)
class Comparison:
    """Both recipes of a net on the same test rows."""

    default: Result
    reported: Result

    @property
    def difference(self) -> float:
        """The score of the default recipe minus that of the reported one."""
        return self.default.score() - self.reported.score()

    @cached_property
    def intervals(self) -> dict[str, list[float]]:
        """The interval of the score of each recipe, and of their difference."""

        def statistics(weights: np.ndarray) -> dict[str, float]:
            default, reported = self.default.score(weights), self.reported.score(weights)
            return {"default": default, "as-reported": reported, "difference": default - reported}

        y, _ = self.default.rows
        return bootstrap_intervals(statistics, len(y), self.default.all_groups)

    def table_rows(self) -> list[list[str]]:
        """One row per recipe."""
        rows = []
        for result in (self.default, self.reported):
            each = ", ".join(self.shown(value) for value in result.each)
            kept = np.mean([run.best_epoch for run in result.runs])
            trained = np.mean([len(run.history["loss"]) for run in result.runs])
            low, high = map(self.shown, self.intervals[result.recipe])
            value = f"{self.shown(result.score())} ({low}–{high})"
            epochs = f"{kept:.0f} of {trained:.0f}"
            net = f"`{result.net}`"
            rows.append([net, result.recipe, value, each, f"{result.loss:.3f}", epochs, ""])
        low, high = (self.shown(end, "+") for end in self.intervals["difference"])
        rows[0][-1] = f"{self.shown(self.difference, '+')} ({low} to {high})"
        return rows

    def shown(self, value: float, sign: str = "") -> str:
        """A score as text: AUROC with three decimals, accuracy in percent."""
        if self.default.unbalanced:
            return f"{value:{sign}.3f}"
        return f"{100 * value:{sign}.1f}"


def main() -> None:
    """Train the missing nets, then write the page and the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data-dir", type=Path, help="folder with the real data")
    parser.add_argument("--runs", type=Path, default=Path("runs/recipes"))
    parser.add_argument("--only", nargs="+", metavar="DATA", help="train for these, write nothing")
    arguments = parser.parse_args()
    results: dict[str, list[Comparison]] = {}
    for data in arguments.only or SETS:
        results[data] = []
        for net in nets_with_two_recipes(data):
            both = (
                train(net, recipe, data, arguments.runs, arguments.data_dir) for recipe in RECIPES
            )
            results[data].append(Comparison(*both))
            for cells in results[data][-1].table_rows():
                print(*cells, sep=" | ", flush=True)
    if not arguments.only:
        page = make_page(results)
        TARGET.write_text(page, encoding="utf-8")
        write_figures(results)
        print(page)


def nets_with_two_recipes(data: str) -> list[str]:
    """The nets whose default recipe on a data set differs from the reported one."""
    specs = [kn.describe(net) for pattern in SETS[data][0] for net in kn.list_nets(pattern)]
    return [
        spec.name
        for spec in specs
        if spec.as_reported is not None and spec.settings(data) != spec.as_reported
    ]


def train(net: str, recipe: str, data: str, runs: Path, data_dir: Path | None) -> Result:
    """Train a net on each fold, or with each seed."""
    folds = bool(SETS[data][1])
    result = Result(net, recipe, folds, [], [], [], [])
    for number in range(FOLDS) if folds else SEEDS:
        loaded = load(data, data_dir, {"folds": FOLDS, "fold": number} if folds else {})
        folder = runs / recipe / (f"fold-{number}" if folds else "one-split")
        run = Workspace(folder, recipe=recipe).run(net, loaded, 0 if folds else number)
        test = loaded.test
        result.runs.append(run)
        result.y.append(test.y)
        result.probabilities.append(predict_probabilities(run.model, test.x))
        result.groups.append(np.asarray(range(len(test)) if test.groups is None else test.groups))
    return result


def load(data: str, data_dir: Path | None, options: dict[str, int]) -> kn.Dataset:
    """Load a data set of the catalogue or a table of scikit-learn."""
    if data not in OWN:
        return kn.load_data(data, data_dir, **options)
    table = OWN[data]()
    return kn.Dataset.from_arrays(table.data.astype("float32"), table.target, name=data)


def make_page(results: dict[str, list[Comparison]]) -> str:
    """The page with one table per data set."""
    tables = []
    for data, compared in results.items():
        if not compared:
            continue
        first = compared[0].default
        y, _ = first.rows
        share = percent(np.unique(y, return_counts=True)[1].max() / len(y))
        metric = "test AUROC" if first.unbalanced else "test accuracy, %"
        each = "per fold" if first.folds else "per seed"
        headers = ["net", "recipe", metric, each, "log loss", "best epoch", "difference"]
        rows = [cells for comparison in compared for cells in comparison.table_rows()]
        tables += [
            f"## {data}: {len(y):,} test rows, {protocol(first, data)}",
            f"Always predicting the most frequent class is right for {share} of the rows.",
            markdown_table(headers, rows, "llrrrrr"),
        ]
    headers = ["net, data and setting", "page", "result", "default recipe"]
    rows = [[what, f"[{page}.md]({page}.md)", *values] for what, page, *values in DOCUMENTED]
    return PAGE.format(
        result=summary(results),
        tables="\n\n".join(tables),
        documented=markdown_table(headers, rows, "llrr"),
    )


def protocol(result: Result, data: str) -> str:
    """How the data were split, and how often the net was trained."""
    if result.folds:
        return f"{len(result.runs)} folds by {SETS[data][1]}"
    return f"one split, seeds {', '.join(map(str, SEEDS))}"


def summary(results: dict[str, list[Comparison]]) -> str:
    """How often the default recipe is better, and whether it is ever worse."""
    all_of_them = [comparison for compared in results.values() for comparison in compared]
    ends = [comparison.intervals["difference"] for comparison in all_of_them]
    better = sum(low > 0 for low, _ in ends)
    worse = sum(high < 0 for _, high in ends)
    return (
        f"**On the test rows, the default recipe is better than `as-reported` in {better} of "
        f"{len(ends)} comparisons,\nand worse in {worse}.** A difference counts if its interval "
        "excludes zero."
    )


def write_figures(results: dict[str, list[Comparison]]) -> None:
    """Write the results on the data set of each net to figures.csv."""
    with FIGURES.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        lines, names = list(reader), reader.fieldnames or []
    found = {
        comparison.default.net: (data, comparison)
        for data in ("seizure", "eicu")
        for comparison in results[data]
    }
    for line in lines:
        if line["net"] not in found:
            continue
        data, comparison = found[line["net"]]
        texts = [
            " ".join(f"{value:.6f}" for value in (result.score(), *comparison.intervals[name]))
            for name, result in zip(RECIPES, (comparison.default, comparison.reported), strict=True)
        ]
        line |= {
            "data": data,
            "metric": "auroc" if comparison.default.unbalanced else "accuracy",
            "test": texts[0],
            "reported": texts[1],
            "protocol": protocol(comparison.default, data),
            "source": "docs/recipes.md",
        }
    with atomic_write(FIGURES) as path, path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


if __name__ == "__main__":
    main()
