"""Tamper with an exported version in many ways, and show what ``kerasnets verify`` says.

    python scripts/reliability/tampering.py [FOLDER] [--write]

FOLDER is a version with files of smaller weights; default: a new export of seizure-mlp in all
formats, with all kinds of weights, C arrays and a signature. It is copied for each case. In the
cases that end with "and new checksums", whoever changed the file also wrote SHA256SUMS again. Only
the contents can show these changes, or the signature. The exit code is 1 if a change is not found.
``--write`` writes the table to docs/tampering.md.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import kerasnets as kn  # noqa: E402  # from the folder above
from kerasnets._tables import markdown_table  # noqa: E402
from kerasnets.exporting.signing import SignatureChecker  # noqa: E402
from kerasnets.exporting.verification.runtimes import check, write_checksums  # noqa: E402

Change = Callable[[Path], object]
TARGET = ROOT / "docs" / "tampering.md"
INTRODUCTION = """\
# Changed exports

**`kerasnets verify` finds all {count} changes of an exported version that were tried.**

```sh
python scripts/reliability/tampering.py --write
```

- An export of `seizure-mlp` with every kind of file was copied and changed. The table has the
  first thing that verification said.
- In the cases that end with "and new checksums", whoever changed the files also wrote `SHA256SUMS`
  again. Then only the contents can show the change.
- The column "signature" has ✓ where the signature alone shows the change, with `--public-key`. It
  does not cover `SHA256SUMS`, nor the name of the folder.

"""


def flip_a_byte(name: str) -> Change:
    """Change one bit in the middle of a file."""

    def change(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / name).write_bytes(content)

    return change


def edit_card(edit: Callable[[dict], object]) -> Change:
    """Change card.json, and write the checksums again."""

    def change(folder: Path) -> None:
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        edit(card)
        (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
        write_checksums(folder)

    return change


def with_new_checksums(change: Change) -> Change:
    """Write the checksums again after a change."""

    def both(folder: Path) -> None:
        change(folder)
        write_checksums(folder)

    return both


def cases(folder: Path) -> dict[str, Change]:
    """The changes by what they do.

    Args:
        folder: the version folder that will be copied.
    """
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    small = {suffix: [f"model.{k}.{suffix}" for k in ("float16", "int8")] for suffix in _SECTIONS}
    found: dict[str, Change] = {f"one bit of {name}": flip_a_byte(name) for name in files}
    found |= {
        "SHA256SUMS deleted": _delete("SHA256SUMS"),
        "a foreign file": lambda f: _write(f / "notes.txt"),
        "a hidden foreign file": lambda f: _write(f / ".cache"),
        "version 1 in a folder named 2": lambda f: _rename(f),
        "class names swapped, and new checksums": edit_card(
            lambda card: card["class_names"].reverse()
        ),
        "another version in the card, and new checksums": edit_card(
            lambda card: card.update(version=7)
        ),
    }
    for suffix, (float16, int8) in small.items():
        if int8 not in files:
            continue
        found |= {
            f"a link in place of model.{suffix}": _link(f"model.{suffix}", float16),
            f"{int8} deleted": _delete(int8),
            f"{int8} deleted, and new checksums": with_new_checksums(_delete(int8)),
            f"{float16} and int8 swapped, and new checksums": with_new_checksums(
                _swap(float16, int8)
            ),
            f"{int8} as model.{suffix}, and new checksums": with_new_checksums(
                _swap(f"model.{suffix}", int8)
            ),
            f"better figures of {int8}, and new checksums": edit_card(_improve(suffix)),
        }
    if "model.h" in files:
        found["one byte of the array in model.h, and new checksums"] = with_new_checksums(
            _replace("model.h", "0x54,0x46", "0x54,0x47")
        )
        found["a class name in model.h, and new checksums"] = with_new_checksums(
            _replace("model.h", 'class_names[] = {\n    "', 'class_names[] = {\n    "not ')
        )
    return found


_SECTIONS = {"onnx": "weights", "tflite": "litert_weights"}


def _improve(suffix: str) -> Callable[[dict], object]:
    def edit(card: dict) -> None:
        figures = card[_SECTIONS[suffix]]["int8"]["max_abs_diff"]
        figures.update(dict.fromkeys(figures, 1e-7))

    return edit


def _write(path: Path) -> None:
    path.write_text("hello", encoding="utf-8")


def _delete(name: str) -> Change:
    return lambda folder: (folder / name).unlink()


def _swap(first: str, second: str) -> Change:
    def change(folder: Path) -> None:
        a, b = (folder / first).read_bytes(), (folder / second).read_bytes()
        (folder / first).write_bytes(b)
        (folder / second).write_bytes(a)

    return change


def _link(name: str, other: str) -> Change:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).symlink_to(other)

    return change


def _replace(name: str, old: str, new: str) -> Change:
    def change(folder: Path) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def _rename(folder: Path) -> None:
    folder.rename(folder.with_name("2"))


def failures_after(folder: Path, change: Change, key: Path | None = None) -> list[str]:
    """What verification says about a changed copy of a version folder.

    Args:
        folder: the version folder.
        change: the change.
        key: a public key. If it is passed, only the signature is checked.
    """
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / folder.name
        shutil.copytree(folder, copy)
        change(copy)
        (changed,) = Path(name).iterdir()
        return (
            check(changed, 1e-5).failures
            if key is None
            else SignatureChecker(key).failures(changed)
        )


class Labelled:
    """Random signals with the classes that a net predicts."""

    def __init__(self, net: Any, rows: int) -> None:
        self.x = np.random.default_rng(0).normal(0, 100, (rows, 178)).astype("float32")
        self.y = net.predict(self.x, verbose=0).argmax(axis=1)


def export_everything(folder: Path) -> tuple[Path, Path]:
    """Export seizure-mlp with every kind of file; return the version folder and a public key."""
    private, public = folder / "key.pem", folder / "key.pub"
    make = ("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", private)
    subprocess.run(make, check=True)
    publish = ("openssl", "ec", "-in", private, "-pubout", "-out", public)
    subprocess.run(publish, check=True, capture_output=True)
    net = kn.build("seizure-mlp")
    test = Labelled(net, 200)
    version = kn.export(
        net,
        folder / "seizure-mlp",
        formats=("saved_model", "onnx", "litert"),
        weights=("float16", "int8", "int16x8"),
        class_names=["seizure", "tumour", "healthy", "closed", "open"],
        c_array=True,
        test=test,
        calibration=test.x,
        sign=private,
    )
    return version, public


def main() -> None:
    """Run all cases, and print the table or write it to the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--write", action="store_true", help=f"write {TARGET.name}")
    arguments = parser.parse_args()
    rows, missed = [], 0
    with tempfile.TemporaryDirectory() as scratch:
        folder, key = arguments.folder, None
        if folder is None:
            folder, key = export_everything(Path(scratch))
        for name, change in cases(folder).items():
            failures = failures_after(folder, change)
            missed += not failures
            row = [name, _cell(failures[0]) if failures else "NOT FOUND"]
            if key is not None:
                row.append("✓" if failures_after(folder, change, key) else "–")
            rows.append(row)
    titles = ["change", "what verify says first", "signature"][: len(rows[0])]
    table = markdown_table(titles, rows)
    print(table)
    if arguments.write and not missed:
        TARGET.write_text(INTRODUCTION.format(count=len(rows)) + table + "\n", encoding="utf-8")
    sys.exit(missed > 0)


def _cell(text: str) -> str:
    return text[:130].replace("|", "/")


if __name__ == "__main__":
    main()
