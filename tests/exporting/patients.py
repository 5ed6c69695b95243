"""A table of patients, and the bytes that would reveal one of its cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pandas as pd

ROWS = 150


def patients() -> pd.DataFrame:
    """Three rows per patient; nearly every cell is unlike anything else."""
    rng = np.random.default_rng(0)
    person = np.arange(ROWS) // 3
    days = rng.permutation(np.arange(5_000, 5_000 + 37 * ROWS, 37))
    return pd.DataFrame(
        {
            "patient_name": [f"Quirin Xylander-{n}" for n in person],
            "record": [f"MRN/7x{n:05d}y" for n in person],
            "remark": [f"asked about Zzyzx Road {n}" for n in range(ROWS)],
            "town": np.where(person % 5 == 0, [f"Llanfairpwll-{n}" for n in person], "Bigcity"),
            "ward": np.where(np.arange(ROWS) % 2, "wardnorth", "wardsouth"),
            "admitted": (pd.Timestamp("1950-03-02") + pd.to_timedelta(days, "D")).strftime(
                "%Y-%m-%d"
            ),
            "income": rng.permutation(np.linspace(0.7, 1.3, ROWS)) * 7.3519e6 + rng.random(ROWS),
            "marker": np.exp(rng.normal(3, 1, ROWS)),
            "died": np.where(rng.random(ROWS) < 0.4, "did die", "did live"),
        }
    )


def forms(table: pd.DataFrame) -> Iterator[tuple[str, bytes]]:
    """The bytes that would reveal a cell that fewer than 5 rows have."""
    for name in table:
        counts = Counter(table[name])
        rare = [cell for cell in table[name] if counts[cell] < 5]
        for cell in rare:
            yield f"{name} {cell}", str(cell).encode()
            if isinstance(cell, float):
                yield f"{name} {cell} as float64", np.float64(cell).tobytes()
        if rare and isinstance(rare[0], float):
            # Statistics that are the value of a row. Four bytes of other cells occur by chance.
            for value in (min(rare), max(rare), float(np.quantile(rare, 0.5, method="lower"))):
                yield f"{name} {value} as float32", np.float32(value).tobytes()
    numbers = table[["income", "marker"]].to_numpy(np.float32)
    for row in numbers:
        yield f"income, marker {row}", row.tobytes()
