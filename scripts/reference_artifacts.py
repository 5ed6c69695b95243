"""Train the reference nets on the real data and export them to exported/.

    python scripts/reference_artifacts.py --data-dir FOLDER [--only seizure-gru] [--again]
    python scripts/reference_artifacts.py --cards

Finished runs are kept and interrupted runs are resumed. Nets that are already in exported/ are
skipped unless ``--again`` is passed. No data is exported: the inputs for verification and warm-up
are random. To add a net, add an entry to ``NETS``. Git ignores exported/, so add the files with
``git add -f exported``. When the format of exports changes, ``--same-weights`` exports the nets
again from their ``model.keras``, with the provenance in their cards.
"""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import kerasnets as kn
from kerasnets._tables import markdown_table
from kerasnets.exporting import write_server_files
from kerasnets.exporting.card import card_task
from kerasnets.exporting.verification.runtimes import largest_case, read_reference
from kerasnets.nets import load_model
from kerasnets.training import resume

ROOT = Path(__file__).resolve().parents[1]
MAX_BYTES = 1_300_000  # per net
LICENSE = "apache-2.0"  # of this repository and all models in it


@dataclass(frozen=True)
class Reference:
    """A net of the catalogue to train and export.

    Attributes:
        net: the name of the net and of its folder.
        data: the name of the data set. Default: the data set of the net.
        options: options of the data set.
        recipe: name of the recipe.
        export: arguments of :func:`kerasnets.export`.
    """

    net: str
    data: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    recipe: str = "default"
    export: dict[str, Any] = field(default_factory=dict)


NETS = (
    Reference("seizure-gru", recipe="as-reported", export={"weights": ("float16", "int8")}),
    Reference("seizure-cnn", recipe="as-reported"),
    Reference("mortality-gru", "eicu"),
    Reference("lenet5", recipe="as-reported"),
    # Our reference nets, on the first fold of scripts/tables/reference_nets.py.
    Reference("seizure-spectral", options={"folds": 5, "fold": 0}),
    Reference("seizure-spectral-small", options={"folds": 5, "fold": 0}),
    Reference(
        "seizure-spectral-long",
        options={"folds": 5, "fold": 0, "samples": 2_047, "step": 178},
    ),
    Reference("digit-cnn-compact"),
)


def main() -> None:
    """Train and export the nets, and write exported/README.md."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data-dir", type=Path, help="folder of the real data")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "reference")
    parser.add_argument("--out", type=Path, default=ROOT / "exported")
    parser.add_argument("--only", nargs="+", default=[entry.net for entry in NETS], metavar="NET")
    parser.add_argument(
        "--again", action="store_true", help="also export nets that are already there"
    )
    parser.add_argument(
        "--same-weights", action="store_true", help="export the nets in exported/ again, untrained"
    )
    parser.add_argument("--train-only", action="store_true", help="do not change exported/")
    arguments = parser.parse_args()
    # Train all nets first: runs record the commit, and the first export changes the work tree.
    trained = []
    for entry in NETS:
        again = arguments.again or arguments.same_weights
        done = (arguments.out / entry.net).is_dir() and not again
        if entry.net not in arguments.only or (done and not arguments.train_only):
            continue
        data = kn.load_data(
            entry.data or kn.describe(entry.net).data, arguments.data_dir, **entry.options
        )
        if arguments.same_weights:
            trained.append((entry, Exported.read(arguments.out / entry.net / "1"), data))
        else:
            trained.append((entry, train(entry, data, arguments.runs / entry.net), data))
    if not arguments.train_only:
        for entry, run, data in trained:
            print(export(entry, run, data, arguments.out), flush=True)
        write_server_files(arguments.out)
        write_readme(arguments.out)


@dataclass(frozen=True)
class Exported:
    """An exported net, with the attributes of a run that :func:`kerasnets.export` uses.

    The example inputs are the random ones of the reference, so that no data is read.
    """

    model: Any
    name: str
    task: str | None
    class_names: tuple[str, ...]
    units: str
    provenance: dict[str, str]
    example_inputs: dict[str, Any]

    @classmethod
    def read(cls, folder: Path) -> Exported:
        """Read a version folder."""
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        cases = read_reference(folder / "reference.npz")
        return cls(
            load_model(folder / "model.keras"),
            card["name"],
            card_task(card),
            tuple(card["class_names"]),
            card["input_units"],
            card["provenance"],
            cases[largest_case(cases)][0],
        )


def train(entry: Reference, data: kn.Dataset, folder: Path) -> kn.Run:
    """Train a net, or resume or load its run."""
    print(f"training {entry.net} on {data.name}", flush=True)
    if (folder / "recipe.toml").exists():
        return resume(folder, data=data, progress=False)
    return kn.train(entry.net, data=data, recipe=entry.recipe, out=folder, progress=False)


def export(entry: Reference, run: kn.Run | Exported, data: kn.Dataset, out: Path) -> Path:
    """Export a run; replace the folder of the net after verification."""
    new = out / ".new" / entry.net
    shutil.rmtree(new, ignore_errors=True)
    samples = run.example_inputs if isinstance(run, Exported) else None
    kn.export(run, new, samples=samples, test=data.test, license=LICENSE, **entry.export)
    size = size_of(new)
    if size > MAX_BYTES:
        raise ValueError(
            f"The export of {entry.net} has {size:,} bytes; the limit is {MAX_BYTES:,}."
        )
    shutil.rmtree(out / entry.net, ignore_errors=True)
    new.rename(out / entry.net)
    new.parent.rmdir()
    return out / entry.net / "1"


def size_of(folder: Path) -> int:
    """The size of all files in a folder, in bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def write_readme(out: Path) -> None:
    """Write the table of exported/README.md."""
    rows = []
    for path in sorted(out.glob("*/1/card.json")):
        card = json.loads(path.read_text(encoding="utf-8"))
        verified = card["verification"]
        test = verified["test_metrics"]["onnx"]
        rows.append(
            (
                f"[`{card['served_as']}`]({card['served_as']}/1/README.md)",
                f"{card['provenance']['data']}, by {card['provenance']['split']}",
                f"{card['parameters']:,}",
                f"{test['auroc']:.4f}",
                f"{test['accuracy']:.4f}",
                f"{max(verified['max_abs_diff'].values()):.1e}",
                f"{size_of(path.parents[1]) / 1000:,.0f} kB",
            )
        )
    target = out / "README.md"
    head, start, rest = target.read_text(encoding="utf-8").partition("<!-- table -->\n")
    _, end, tail = rest.partition("<!-- end of table -->\n")
    columns = (
        "net",
        "data, split",
        "parameters",
        "AUROC",
        "accuracy",
        "largest difference",
        "size",
    )
    table = markdown_table(columns, rows, "llrrrrr")
    target.write_text(f"{head}{start}{table}\n{end}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
