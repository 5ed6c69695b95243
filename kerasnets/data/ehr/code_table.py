"""Codes and the codes above them, and the numbers that codes have while a shard is mapped."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kerasnets.data.ehr.event_rules import EventRules
from kerasnets.data.tables.cells import name_file

if TYPE_CHECKING:
    import pyarrow as pa

Edges = Mapping[str, Sequence[float]]  # code → ascending limits between its bins


class Ancestry:
    """The codes above each code, from ``parent_codes`` of ``metadata/codes.parquet``."""

    def __init__(self, parents: Mapping[str, Sequence[str]]) -> None:
        """Store the codes directly above each code.

        Args:
            parents: for each code that has any.
        """
        self._parents = parents

    @classmethod
    def read(cls, path: Path | None) -> Ancestry:
        """Read the table of codes; without it, no code has a code above it."""
        import pyarrow.parquet as pq

        if path is None or "parent_codes" not in pq.read_schema(path).names:
            return cls({})
        with name_file(path):
            table = pq.read_table(path, columns=["code", "parent_codes"], partitioning=None)
        pairs = zip(table["code"].to_pylist(), table["parent_codes"].to_pylist(), strict=True)
        return cls({code: list(filter(None, above)) for code, above in pairs if above})

    def names_of(self, code: str, ancestors: str) -> list[str]:
        """The codes that an event with this code counts as.

        Args:
            code: the code of the event.
            ancestors: see :class:`kerasnets.data.ehr.event_rules.EventRules`.
        """
        if ancestors == "none":
            return [code]
        above = self._above(code)
        if ancestors == "all":
            return [code, *above]
        return [name for name in above if not self._parents.get(name)] or [code]

    def _above(self, code: str) -> list[str]:
        """All codes above a code, each once, even if the table has a cycle."""
        found = {code: None}
        waiting = [code]
        while waiting:
            for name in self._parents.get(waiting.pop(), ()):
                if name not in found:
                    found[name] = None
                    waiting.append(name)
        return list(found)[1:]


@dataclass(frozen=True)
class ShardCodes:
    """The codes of a shard, as numbers.

    Attributes:
        numbers: number of each code that is used. The bins of its values have the next numbers.
        names: the sorted names that visits can get.
        targets: the names that an event with each number counts as: indices into ``names``.
        target_offsets: ``targets[target_offsets[n]:target_offsets[n + 1]]`` belong to number ``n``.
        edges: limits between the bins of each code, for codes with bins.
    """

    numbers: Mapping[str, int]
    names: tuple[str, ...]
    targets: np.ndarray
    target_offsets: np.ndarray
    edges: Edges = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.target_offsets) - 1

    def table(self, bins: int) -> pa.Table:
        """Codes with their numbers and the limits of their bins, to join with events."""
        import pyarrow as pa

        columns = {
            "code": pa.array(list(self.numbers), pa.string()),
            "number": pa.array(list(self.numbers.values()), pa.int32()),
        }
        # A code with fewer bins has infinite limits, which no value reaches.
        unused = [math.inf] * bins
        limits = [
            [*self.edges[code], *unused] if code in self.edges else [None] * bins
            for code in self.numbers
        ]
        for place in range(bins - 1):
            # float32, as the values, so that a value that equals a limit is in the upper bin.
            column = pa.array([row[place] for row in limits], pa.float32())
            columns[f"edge_{place + 1}"] = column
        return pa.table(columns)


def number_codes(
    codes: Iterable[str], rules: EventRules, ancestry: Ancestry, edges: Edges
) -> ShardCodes:
    """Number the codes of a shard.

    Args:
        codes: the codes that occur.
        rules: which codes are used, and what they count as.
        ancestry: the codes above each code.
        edges: limits between the bins of numeric values, for codes that have bins.
    """
    numbers: dict[str, int] = {}
    groups: list[list[str]] = []
    for code in sorted(filter(rules.uses, codes)):
        numbers[code] = len(groups)
        named = rules.has_code(code)
        own = ancestry.names_of(code, rules.ancestors) if named else []
        groups.append(own)
        if code in edges:
            above = own if rules.ancestors != "none" else []
            groups += [[name, *above] if named else [] for name in bin_names(code, edges[code])]
    names = tuple(sorted({name for group in groups for name in group}))
    index = {name: place for place, name in enumerate(names)}
    targets = np.array([index[name] for group in groups for name in group], np.int32)
    offsets = np.concatenate([[0], np.cumsum([len(group) for group in groups], dtype=np.int64)])
    used = {code: edges[code] for code in numbers if code in edges}
    return ShardCodes(numbers, names, targets, offsets, used)


def bin_names(code: str, edges: Sequence[float]) -> list[str]:
    """The names of the bins of a code, such as ``GLUCOSE//[90,110)``."""
    limits = ["-inf", *(f"{edge:.10g}" for edge in edges), "inf"]
    return [f"{code}//[{low},{high})" for low, high in itertools.pairwise(limits)]
