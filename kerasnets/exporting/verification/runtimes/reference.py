"""Read ``reference.npz``: the inputs of all cases, and the outputs of Keras for them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from .arrays import Arrays, read_arrays
from .report import describe


def read_reference(path: Path) -> dict[str, tuple[Arrays, Arrays]]:
    """Read the inputs and outputs of each case from ``reference.npz``.

    See :func:`kerasnets.exporting.verification.reference.write_reference` for its content.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged, or there are no cases.
    """
    arrays = read_arrays(path)
    cases: dict[str, tuple[Arrays, Arrays]] = {}
    try:
        if "same" in arrays:  # older files hold equal arrays once
            same = json.loads(str(arrays.pop("same")))
            arrays |= {name: arrays[first] for name, first in same.items()}
        for key, array in arrays.items():
            case, side, name = key.split("/", 2)
            inputs, outputs = cases.setdefault(case, ({}, {}))
            {"inputs": inputs, "outputs": outputs}[side][name] = array
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"its arrays are not those of cases ({describe(error)})") from None
    if not cases:
        raise ValueError("there are no cases")
    return cases


def largest_case(cases: Iterable[str]) -> str:
    """The name of the batch with the most rows: ``"batch-64"``, or less for a large model.

    Args:
        cases: the names of all cases.
    """
    return max(filter(_is_batch, cases), key=_rows)


def _is_batch(case: str) -> bool:
    return re.fullmatch(r"batch-[0-9]{1,9}", case) is not None


def _rows(case: str) -> int:
    return int(case.removeprefix("batch-"))
