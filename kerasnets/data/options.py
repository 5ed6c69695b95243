"""Checks of the options of data sets."""

from __future__ import annotations

import operator


def whole_number(name: str, value: object, least: int | None = None) -> int:
    """An option that must be a whole number; NumPy integers are accepted.

    Args:
        name: name of the option, for the message.
        value: the value to check.
        least: smallest value allowed, if any.

    Raises:
        ValueError: if it is something else, such as ``True`` or ``3.0``, or too small.
    """
    try:
        number = None if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = None
    if number is None or (least is not None and number < least):
        of = "" if least is None else f" of {least} or more"
        raise ValueError(f"{name} must be a whole number{of}, got {value!r}.")
    return number
