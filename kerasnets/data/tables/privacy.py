"""What of a table may be stored: no identifiers, no free text, nothing of fewer than 5 rows.

The codebook of a table is stored in the run folder and in every export. A text that only a few rows
have can reveal who they are.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from kerasnets._errors import unknown_name

if TYPE_CHECKING:
    import pandas as pd

# A text, a class name or another value is stored only if at least so many rows have it.
MIN_ROWS = 5
# Columns with fewer texts than this are too small to tell free text from categories.
_MIN_TEXTS = 20
# Names of columns, in lower case with _ between words.
_IDENTIFIER = re.compile(
    r"(.*_)?(ids?|uid|uuid|guid|mrn|ssn|(patient|subject|person|user|customer|case|record|study|hadm|"
    r"stay|member|row)id|names?|(first|last|full|sur|fore|nick)name|initials|e?mail|phone|telephone|"
    r"mobile|fax|address|street|zip|zipcode|postcode|postal|passport|iban)(_.*)?"
)
_PERSON = re.compile("patient|subject|person|participant|client|customer|member|employee")
_FREE_TEXT = re.compile(
    r"(.*_)?(notes?|comments?|remarks?|narrative|text|freetext|description)(_.*)?"
)


def check_name(column: str, *, is_text: bool) -> None:
    """Refuse a column whose name says that it holds identifiers or free text.

    Args:
        column: name of the column.
        is_text: whether its cells are text, not numbers.

    Raises:
        ValueError: if it does; the message says how to drop or allow the column.
    """
    separated = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column)
    name = re.sub(r"[^a-z0-9]+", "_", separated.lower())
    if _IDENTIFIER.fullmatch(name) or _PERSON.fullmatch(name):
        raise _refusal(column, "looks like an identifier of persons or rows by its name")
    if is_text and _FREE_TEXT.fullmatch(name):
        raise _refusal(column, "looks like free text by its name")


def common_texts(
    column: str, cells: pd.Series, groups: np.ndarray | None, *, allowed: bool
) -> tuple[str, ...]:
    """The sorted texts of a column that are in at least ``MIN_ROWS`` rows.

    Args:
        column: name of the column.
        cells: texts of the training rows, without empty ones.
        groups: group (person) of each cell; if given, texts are counted in groups, not in rows.
        allowed: whether the user has allowed the column although most of its texts are rare.

    Raises:
        ValueError: if no text may be stored, or the column is not allowed and most of its cells
            hold texts that may not be stored.
    """
    import pandas as pd

    if not len(cells):
        return ()
    unit, texts, units = "rows", cells, len(cells)
    if groups is not None:
        pairs = pd.DataFrame({"text": cells.to_numpy(object), "group": groups}).drop_duplicates()
        unit, texts, units = "groups", pairs["text"], pairs["group"].nunique()
    counts = texts.value_counts()
    common = counts.index[counts >= MIN_ROWS]
    rare = float((~cells.isin(common)).mean())
    found = f"has {len(counts):,} different texts in {units:,} training {unit}"
    if not len(common):
        raise ValueError(
            f"Column {column!r} {found}, none of them in {MIN_ROWS} or more. Rarer texts are not "
            f"stored, so nothing of the column is left. {_drop(column)}"
        )
    if rare > 0.5 and len(cells) >= _MIN_TEXTS and not allowed:
        raise _refusal(column, f"{found}, and most are in fewer than {MIN_ROWS}")
    return tuple(sorted(common))


def check_allowed(allow: Collection[str], columns: Collection[str]) -> None:
    """Refuse the name of a column to allow that does not exist.

    Raises:
        ValueError: if there is no such column.
    """
    for name in allow:
        if name not in columns:
            raise unknown_name("column to allow", name, columns)


def _refusal(column: str, why: str) -> ValueError:
    return ValueError(
        f"Column {column!r} {why}. It may identify persons, and what a net learns from it does not "
        f"hold for others. {_drop(column)} If it is a measurement or a category, keep it: "
        f"allow=[{column!r}] (--allow {column!r}); texts of fewer than {MIN_ROWS} rows are never "
        "stored."
    )


def _drop(column: str) -> str:
    return f"Leave it out: drop=[{column!r}] (--drop {column!r})."
