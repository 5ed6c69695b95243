"""Options of data sets: their types, and checks of them."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, TypedDict


def whole_number(
    name: str, value: object, minimum: int | None = None, maximum: int | None = None
) -> int:
    """Check that an option is an integer, and return it; NumPy integers are accepted.

    Args:
        name: name of the option, for the message.
        value: the value to check.
        minimum: smallest allowed value, if any.
        maximum: largest allowed value, if any; needs ``minimum``.

    Raises:
        ValueError: if it is not an integer, such as ``True`` or ``3.0``, or is out of range.
    """
    try:
        number = None if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = None
    too_small = number is not None and minimum is not None and number < minimum
    too_large = number is not None and maximum is not None and number > maximum
    if number is None or too_small or too_large:
        allowed = "" if minimum is None else f" of {minimum} or more"
        allowed = allowed if maximum is None else f" from {minimum} to {maximum}"
        raise ValueError(f"{name} must be a whole number{allowed}, got {value!r}.")
    return number


class FileOptions(TypedDict, total=False):
    """Arguments of :meth:`kerasnets.data.Dataset.from_arrays` that ``from_file`` also takes."""

    class_names: Sequence[str] | None
    units: str
    fractions: Sequence[float]
    task: str | None
    target_names: Sequence[str] | None
    target_units: str
    feature_names: Sequence[str] | None
    allow: str | Sequence[str]
    folds: int
    fold: int


class FrameOptions(FileOptions, total=False):
    """Arguments of :meth:`kerasnets.data.Dataset.from_arrays` that ``from_frame`` also takes."""

    split: Any
    seed: int
    name: str
    source: str
