"""The program of the verifying process.

::

    python -P runtimes/__main__.py JOB.json

JOB.json has the ``folder``, the ``tolerance``, the ``modules`` that model.keras may need, the time
limit in ``seconds``, and ``test``: whether every runtime also runs on the arrays in ``inputs.npz``
next to JOB.json. The program writes ``report.json`` there, and for ``test`` also ``outputs.npz``
with the arrays ``<runtime>/<output>``.
"""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any


def main(path: Path) -> None:
    """Verify a version folder and write the report."""
    # Block Keras, which TensorFlow would otherwise import, and kerasnets.
    sys.modules |= dict.fromkeys(("keras", "kerasnets"))  # type: ignore[arg-type]
    job = json.loads(path.read_text(encoding="utf-8"))
    scratch = path.parent
    # Before the imports of the package start threads.
    _import("sandbox", "sandbox.py").enter(scratch, job["seconds"])
    runtimes = _import("runtimes", "__init__.py")
    arrays = (
        {"inputs": scratch / "inputs.npz", "outputs": scratch / "outputs.npz"}
        if job["test"]
        else {}
    )
    report = runtimes.Report(scratch / "report.json")
    folder, tolerance = Path(job["folder"]), job["tolerance"]
    runtimes.check(folder, tolerance, report=report, modules=job["modules"], **arrays)
    report.finish()


def _import(name: str, file: str) -> Any:
    """Import a file next to this one under another name: kerasnets must not be imported."""
    path = Path(__file__).with_name(file)
    folders = [str(path.parent)] if file == "__init__.py" else None
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=folders)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]  # the file exists
    sys.modules[name] = module
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return module


if __name__ == "__main__":
    main(Path(sys.argv[1]))
