"""The public profile of a model: its numbers and its output formats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kerasnets._errors import unknown_name
from kerasnets._tables import terminal_width
from kerasnets.profiling import explain, records, table
from kerasnets.profiling.sizes import check_positive, format_size
from kerasnets.profiling.totals import ProfileTotals

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True, repr=False)
class Profile(ProfileTotals):
    """What a model costs for one sample. ``print(profile)`` shows it as a table.

    Attributes:
        recount: function from sizes of symbols to the profile with these sizes; ``at`` calls it.
    """

    recount: Callable[[dict[str, int]], Profile] = field(compare=False)

    def at(self, **sizes: int) -> Profile:
        """The profile with numbers for unknown sizes, such as ``profile.at(T=178)``.

        Raises:
            ValueError: a name is not among ``symbols``, or a size is not a positive integer.
        """
        for name in sizes:
            if name not in self.symbols:
                raise unknown_name(f"symbol of {self.name}", name, self.symbols or ["(none)"])
        return self.recount({name: check_positive(name, size) for name, size in sizes.items()})

    def to_text(self, width: int | None = None) -> str:
        """The table as plain text.

        Args:
            width: the columns of text that the lines may have. Default: any number.
        """
        return table.text(self, width)

    def to_markdown(self) -> str:
        """The table as Markdown."""
        return table.markdown(self)

    def to_html(self) -> str:
        """The table as HTML. Notebooks display it automatically."""
        return table.html(self)

    def to_json(self) -> str:
        """The rows and totals as JSON. Numbers that depend on an unknown size are strings."""
        return records.json_text(self)

    def to_csv(self) -> str:
        """The rows as CSV: a header, then one line per call."""
        return records.csv_text(self)

    def explain(self) -> str:
        """The calculation behind every number, written out."""
        return explain.explain(self)

    def plot(self) -> Figure:
        """Draw a bar chart of the FLOPs and parameters of each call.

        Raises:
            ValueError: a size is unknown (set it with ``at``), or the model has neither
                parameters nor operations.
        """
        from kerasnets.profiling.plot import plot  # only this needs Matplotlib

        return plot(self)

    def __str__(self) -> str:
        return self.to_text(terminal_width())

    def __repr__(self) -> str:
        at_least = "≥ " if self.unsupported else ""
        return (
            f"Profile({self.name!r}, {self.mode}, {self.params:,} parameters, "
            f"{at_least}{format_size(self.flops)} FLOPs ({self.convention}))"
        )

    _repr_html_ = to_html
