"""Checks of the options of data sets."""

from __future__ import annotations

import operator


def whole_number(
    name: str, value: object, least: int | None = None, most: int | None = None
) -> int:
    """An option that must be a whole number; NumPy integers are accepted.

    Args:
        name: name of the option, for the message.
        value: the value to check.
        least: smallest value allowed, if any.
        most: largest value allowed, if any; needs ``least``.

    Raises:
        ValueError: if it is something else, such as ``True`` or ``3.0``, or out of range.
    """
    try:
        number = None if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = None
    too_small = number is not None and least is not None and number < least
    too_large = number is not None and most is not None and number > most
    if number is None or too_small or too_large:
        allowed = "" if least is None else f" of {least} or more"
        allowed = allowed if most is None else f" from {least} to {most}"
        raise ValueError(f"{name} must be a whole number{allowed}, got {value!r}.")
    return number
