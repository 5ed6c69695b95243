"""Execute the notebooks of docs/notebooks, each in a new process and an empty folder.

    python scripts/notebooks.py [NAME …] [--write]

Stops at the first error. With --write, the outputs are saved in the notebooks.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

LOG = re.compile(r"[IWE]\d{4} |WARNING: All log messages|$")
FOLDER = Path(__file__).resolve().parents[1] / "docs" / "notebooks"


def main() -> int:
    """Execute the notebooks and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="such as eeg; default: all")
    parser.add_argument("--write", action="store_true", help="save the outputs")
    arguments = parser.parse_args()
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    for name in arguments.names or sorted(path.stem for path in FOLDER.glob("*.ipynb")):
        path = FOLDER / f"{name}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        try:
            execute(notebook)
        except CellExecutionError as error:
            print(f"{path}: {error}", file=sys.stderr)
            return 1
        print(path, flush=True)
        if arguments.write:
            nbformat.write(notebook, path)
    return 0


def execute(notebook: nbformat.NotebookNode) -> None:
    """Run all cells, and keep their outputs in the notebook."""
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            timeout=600,
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": folder}},
        )
        client.execute()
    # Versions in the metadata and log messages of TensorFlow differ in every execution.
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"]}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if not is_log(output)]


def is_log(output: nbformat.NotebookNode) -> bool:
    """Whether an output only has log messages of TensorFlow, which it writes when it starts."""
    if output.get("name") != "stderr":
        return False
    return all(LOG.match(line) for line in output.text.splitlines())


if __name__ == "__main__":
    sys.exit(main())
