"""Tamper with an exported version in many ways, and show what ``kerasnets verify`` says.

    python scripts/reliability/tampering.py [FOLDER]

FOLDER is a version with files of smaller weights; default: exported/seizure-gru/1. It is copied for
each case. In the cases that end with "and new checksums", whoever changed the file also wrote
SHA256SUMS again. Only the contents can show these changes. The exit code is 1 if a change is not
found.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from kerasnets._tables import markdown_table  # noqa: E402  # from the folder above
from kerasnets.exporting.verification.runtimes import check, write_checksums  # noqa: E402

Change = Callable[[Path], None]


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


def _swap(folder: Path, first: str, second: str) -> None:
    a, b = (folder / first).read_bytes(), (folder / second).read_bytes()
    (folder / first).write_bytes(b)
    (folder / second).write_bytes(a)


def _link(folder: Path) -> None:
    (folder / "model.onnx").unlink()
    (folder / "model.onnx").symlink_to("model.float16.onnx")


def _rename(folder: Path) -> None:
    folder.rename(folder.with_name("2"))


def cases(folder: Path) -> dict[str, Change]:
    """The changes by what they do.

    Args:
        folder: the version folder that will be copied.
    """
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    found: dict[str, Change] = {f"one bit of {name}": flip_a_byte(name) for name in files}
    found |= {
        "model.int8.onnx deleted": lambda f: (f / "model.int8.onnx").unlink(),
        "SHA256SUMS deleted": lambda f: (f / "SHA256SUMS").unlink(),
        "a foreign file": lambda f: (f / "notes.txt").write_text("hello"),  # type: ignore[dict-item]
        "a hidden foreign file": lambda f: (f / ".cache").write_text("hello"),  # type: ignore[dict-item]
        "a link in place of a file": _link,
        "version 1 in a folder named 2": _rename,
        "model.int8.onnx deleted, and new checksums": with_new_checksums(
            lambda f: (f / "model.int8.onnx").unlink()
        ),
        "float16 and int8 swapped, and new checksums": with_new_checksums(
            lambda f: _swap(f, "model.float16.onnx", "model.int8.onnx")
        ),
        "int8 as model.onnx, and new checksums": with_new_checksums(
            lambda f: _swap(f, "model.onnx", "model.int8.onnx")
        ),
        "class names swapped, and new checksums": edit_card(
            lambda card: card["class_names"].reverse()
        ),
        "another version in the card, and new checksums": edit_card(
            lambda card: card.update(version=7)
        ),
        "better figures of int8, and new checksums": edit_card(
            lambda card: card["weights"]["int8"]["max_abs_diff"].update(
                logits=1e-6, probabilities=0
            )
        ),
    }
    return found


def failures_after(folder: Path, change: Change) -> list[str]:
    """What verification says about a changed copy of a version folder."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / folder.name
        shutil.copytree(folder, copy)
        change(copy)
        (changed,) = Path(name).iterdir()
        return check(changed, 1e-5).failures


def main() -> None:
    """Run all cases and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "exported/seizure-gru/1")
    arguments = parser.parse_args()
    rows, missed = [], 0
    for name, change in cases(arguments.folder).items():
        failures = failures_after(arguments.folder, change)
        missed += not failures
        rows.append((name, failures[0][:110] if failures else "NOT FOUND"))
    print(markdown_table(("change", "what verify says first"), rows))
    sys.exit(missed > 0)


if __name__ == "__main__":
    main()
