"""The verifying process.

::

    python -P runtimes/__main__.py FOLDER TOLERANCE RESULT.json [INPUTS.npz OUTPUTS.npz]

Where inputs are given, every runtime is run on them too, and its outputs are written by
``<runtime>/<output>``.
"""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any


def main(arguments: list[str]) -> None:
    """Write the report on a version folder."""
    # TensorFlow imports Keras where it finds it; here nobody finds it.
    sys.modules |= dict.fromkeys(("keras", "kerasnets"))  # type: ignore[arg-type]
    check = _package().check
    folder, tolerance, result, *arrays = arguments
    report = check(Path(folder), float(tolerance), *map(Path, arrays))
    Path(result).write_text(json.dumps(vars(report)), encoding="utf-8")


def _package() -> Any:
    """The package around this file, under a name of its own: kerasnets must not be imported."""
    here = Path(__file__).parent
    spec = importlib.util.spec_from_file_location(
        "runtimes", here / "__init__.py", submodule_search_locations=[str(here)]
    )
    package = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]  # the file is there
    sys.modules["runtimes"] = package
    spec.loader.exec_module(package)  # type: ignore[union-attr]
    return package


if __name__ == "__main__":
    main(sys.argv[1:])
