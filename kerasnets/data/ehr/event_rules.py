"""Options that say how events become the visits and codes of a model."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass

from kerasnets._errors import unknown_name
from kerasnets.data.options import whole_number

VISITS = ("hours", "encounter")
ANCESTORS = ("all", "none", "top")


@dataclass(frozen=True)
class EventRules:
    """How events become visits and codes.

    Attributes:
        visits: ``"hours"`` for one visit per ``visit_hours`` hours, counted from 1970-01-01 00:00;
            ``"encounter"`` for one visit per encounter. Events without an encounter then belong to
            the visit of their day.
        visit_hours: hours per visit.
        encounter: the column with the encounter of each event.
        ancestors: the codes that an event counts as: ``"none"`` for its code, ``"all"`` for its
            code and all codes above it in ``metadata/codes.parquet``, ``"top"`` for the highest
            codes above it instead of its code.
        exclude: patterns of codes whose events are not used, such as ``"LAB//*"``.
        without_code: patterns of codes whose events only show that there was a visit.
        exclude_prediction_time: whether events at the prediction time are not used. MEDS allows
            them.
        numeric_bins: number of bins into which numeric values are divided, by quantiles of the
            training split; 0 to ignore values.
    """

    visits: str = "hours"
    visit_hours: int = 24
    encounter: str | None = None
    ancestors: str = "all"
    exclude: tuple[str, ...] = ()
    without_code: tuple[str, ...] = ()
    exclude_prediction_time: bool = False
    numeric_bins: int = 0

    def __post_init__(self) -> None:
        if self.visits not in VISITS:
            raise unknown_name("kind of visits", self.visits, VISITS)
        if self.ancestors not in ANCESTORS:
            raise unknown_name("value of ancestors", self.ancestors, ANCESTORS)
        if self.visits == "encounter" and self.encounter is None:
            raise ValueError("visits='encounter' needs the name of a column as encounter.")
        if not isinstance(self.exclude_prediction_time, bool):
            raise ValueError(
                "exclude_prediction_time must be true or false, got "
                f"{self.exclude_prediction_time!r}."
            )
        whole_number("visit_hours", self.visit_hours, 1)
        whole_number("numeric_bins", self.numeric_bins, 0)
        if self.numeric_bins == 1:
            raise ValueError("numeric_bins must be 0, or 2 or more, got 1.")

    def uses(self, code: str) -> bool:
        """Whether events with this code are used."""
        return not _matches(code, self.exclude)

    def has_code(self, code: str) -> bool:
        """Whether a visit gets this code from its events."""
        return not _matches(code, self.without_code)


def patterns(name: str, value: str | Sequence[str]) -> tuple[str, ...]:
    """Patterns of codes as a tuple; a single one may be given as a string.

    Args:
        name: name of the option, for the message.
        value: the patterns.

    Raises:
        ValueError: if they are not texts.
    """
    values = (value,) if isinstance(value, str) else tuple(value)
    if not all(isinstance(pattern, str) and pattern for pattern in values):
        raise ValueError(f"{name} must be patterns of codes such as 'LAB//*', got {value!r}.")
    return values


def _matches(code: str, allowed: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(code, pattern) for pattern in allowed)
