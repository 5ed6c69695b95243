"""The program of the verifying process.

::

    python -P runtimes/__main__.py FOLDER TOLERANCE RESULT.json [INPUTS.npz OUTPUTS.npz]

With INPUTS, every runtime also runs on them, and OUTPUTS gets the arrays ``<runtime>/<output>``.
"""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any


def main(arguments: list[str]) -> None:
    """Verify a version folder and write the report."""
    # Block Keras, which TensorFlow would otherwise import, and kerasnets.
    sys.modules |= dict.fromkeys(("keras", "kerasnets"))  # type: ignore[arg-type]
    check = _package().check
    folder, tolerance, result, *arrays = arguments
    report = check(Path(folder), float(tolerance), *map(Path, arrays))
    Path(result).write_text(json.dumps(vars(report)), encoding="utf-8")


def _package() -> Any:
    """Import the package of this file as ``runtimes``: kerasnets must not be imported."""
    here = Path(__file__).parent
    spec = importlib.util.spec_from_file_location(
        "runtimes", here / "__init__.py", submodule_search_locations=[str(here)]
    )
    package = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]  # the file exists
    sys.modules["runtimes"] = package
    spec.loader.exec_module(package)  # type: ignore[union-attr]
    return package


if __name__ == "__main__":
    main(sys.argv[1:])
