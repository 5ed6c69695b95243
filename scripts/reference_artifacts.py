"""Train the headline nets on the real data and export them into exported/.

    python scripts/reference_artifacts.py --data-dir FOLDER [--only seizure-gru] [--again]

A finished run is kept, an interrupted one resumed, and a net that is there already left alone;
``--again`` exports it anew. Nothing of the data is exported: what the files are verified and
warmed up with is drawn. Adding a net is a line in ``NETS``. Then, since exported/ is ignored:
``git add -f exported``.
"""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import kerasnets as kn
from kerasnets.exporting import write_server_files
from kerasnets.training import resume

ROOT = Path(__file__).resolve().parents[1]
LARGEST = 1_000_000  # bytes a net


@dataclass(frozen=True)
class Reference:
    """A net of the catalogue to train and export.

    Attributes:
        net: its name, and that of its folder.
        data: the data set; the one it is meant for by default.
        options: the loader's.
        settings: of the recipe, where they are not the net's own.
        export: arguments of the export.
    """

    net: str
    data: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    export: dict[str, Any] = field(default_factory=dict)


NETS = (
    Reference("seizure-gru", export={"weights": ("float16", "int8")}),
    # Its weights are 341 kB in each format; without model.keras it stays below the limit.
    Reference("seizure-cnn", export={"keras_file": False}),
    # As scripts/tables/mortality.py chose on validation.
    Reference(
        "mortality-gru",
        "eicu",
        settings={
            "epochs": 20,
            "optimizer": "sgd",
            "learning_rate": 0.1,
            "schedule": "cosine",
            "net_arguments": {"l2": 0.01, "wide": True},
        },
    ),
    Reference("lenet5"),
    # Of our own, each on the first of the folds that scripts/tables/reference_nets.py measures.
    Reference("seizure-spectral", options={"folds": 5, "fold": 0}),
    Reference("seizure-spectral-small", options={"folds": 5, "fold": 0}),
    Reference(
        "seizure-spectral-long",
        options={"folds": 5, "fold": 0, "samples": 2_047, "step": 178},
        export={"keras_file": False},
    ),
    Reference("digit-cnn-compact"),
)


def main() -> None:
    """Train, export and describe what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data-dir", type=Path, help="where the real data are")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "reference")
    parser.add_argument("--out", type=Path, default=ROOT / "exported")
    parser.add_argument("--only", nargs="+", default=[entry.net for entry in NETS], metavar="NET")
    parser.add_argument("--again", action="store_true", help="export what is there already anew")
    parser.add_argument("--train-only", action="store_true", help="leave exported/ as it is")
    arguments = parser.parse_args()
    # All are trained first: the first export changes the tree, and its commit goes into the runs.
    wanted = []
    for entry in NETS:
        there = (arguments.out / entry.net).is_dir() and not arguments.again
        if entry.net not in arguments.only or (there and not arguments.train_only):
            continue
        data = kn.load_data(
            entry.data or kn.describe(entry.net).data, arguments.data_dir, **entry.options
        )
        wanted.append((entry, train(entry, data, arguments.runs / entry.net), data))
    if not arguments.train_only:
        for entry, run, data in wanted:
            print(export(entry, run, data, arguments.out), flush=True)
        write_server_files(arguments.out)
        write_readme(arguments.out)


def train(entry: Reference, data: kn.Dataset, folder: Path) -> kn.Run:
    """The run in the folder: as it is, resumed, or new."""
    print(f"training {entry.net} on {data.name}", flush=True)
    if (folder / "recipe.toml").exists():
        return resume(folder, data=data, progress=False)
    return kn.train(entry.net, data=data, out=folder, progress=False, **entry.settings)


def export(entry: Reference, run: kn.Run, data: kn.Dataset, out: Path) -> Path:
    """Export a run in place of what is there of it; the folder changes once all is verified."""
    with_new = out / ".new" / entry.net
    shutil.rmtree(with_new, ignore_errors=True)
    kn.export(run, with_new, test=data.test, **entry.export)
    size = size_of(with_new)
    if size > LARGEST:
        raise ValueError(
            f"{entry.net} has {size:,} bytes; a reference artifact may have {LARGEST:,}."
        )
    shutil.rmtree(out / entry.net, ignore_errors=True)
    with_new.rename(out / entry.net)
    with_new.parent.rmdir()
    return out / entry.net / "1"


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def write_readme(out: Path) -> None:
    """Fill in the table of exported/README.md."""
    rows = []
    for path in sorted(out.glob("*/1/card.json")):
        card = json.loads(path.read_text(encoding="utf-8"))
        verified = card["verification"]
        test = verified["test_metrics"]["onnx"]
        rows.append(
            f"| [`{card['served_as']}`]({card['served_as']}/1/README.md) "
            f"| {card['provenance']['data']}, by {card['provenance']['split']} "
            f"| {card['parameters']:,} | {test['accuracy']:.4f} | {test['auroc']:.4f} "
            f"| {max(verified['max_abs_diff'].values()):.1e} "
            f"| {size_of(path.parents[1]) / 1000:,.0f} kB |"
        )
    target = out / "README.md"
    head, start, rest = target.read_text(encoding="utf-8").partition("<!-- table -->\n")
    _, end, tail = rest.partition("<!-- end of table -->\n")
    columns = "| net | data, split | parameters | accuracy | AUROC | largest difference | size |"
    lines = [columns, "|---|---|---:|---:|---:|---:|---:|", *rows]
    target.write_text(head + start + "\n".join(lines) + "\n" + end + tail, encoding="utf-8")


if __name__ == "__main__":
    main()
