"""Read arrays from files that may be damaged or come from strangers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .report import describe

Arrays = dict[str, np.ndarray]


def read_arrays(path: Path) -> Arrays:
    """Read all arrays of an ``.npz`` file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged, needs pickle, or has other members than arrays.
    """
    try:
        # NumPy does not close the file if the archive is damaged.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = dict(stored)
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001  # a damaged file can raise anything
        raise ValueError(f"it is not an undamaged .npz file ({describe(error)})") from None
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):  # NumPy returns the bytes of other members
            raise ValueError(f"its member {name!r} is not an array")
    return arrays
