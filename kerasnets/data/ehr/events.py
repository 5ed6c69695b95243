"""Expressions on events, written once for all engines with Narwhals.

A lazy frame has no order of rows, so nothing here depends on one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kerasnets.data.ehr.event_rules import EventRules

if TYPE_CHECKING:
    import narwhals as nw
    import pyarrow as pa


def columns_of(rules: EventRules) -> list[str]:
    """The columns of the events that the rules need."""
    columns = ["subject_id", "time", "code"]
    if rules.numeric_bins:
        columns.append("numeric_value")
    if rules.visits == "encounter" and rules.encounter is not None:
        columns.append(rules.encounter)
    return columns


def subject_counts(events: nw.LazyFrame[Any]) -> pa.Table:
    """The number of events of each subject, as ``subject_id`` and ``events``, in any order."""
    import narwhals as nw

    return _arrow(events.group_by("subject_id").agg(nw.len().alias("events")))


def distinct_codes(events: nw.LazyFrame[Any]) -> pa.Table:
    """The codes that occur, each once, in any order; null if there are events without a code."""
    return _arrow(events.select("code").unique())


def training_values(
    events: nw.LazyFrame[Any], examples: nw.LazyFrame[Any], rules: EventRules
) -> pa.Table:
    """How often each numeric value of each code occurs before the predictions.

    A value that a code has several times at one time of an example counts once.

    Args:
        events: the events of a shard.
        examples: ``subject_id``, ``example`` and ``prediction_time`` of training examples.
        rules: whether events at the prediction time are used.

    Returns:
        ``code``, ``numeric_value`` and ``events``, in any order.
    """
    import narwhals as nw

    known = _known(events.filter(_is_number(nw.col("numeric_value"))), examples, rules)
    distinct = known.select("example", "time", "code", "numeric_value").unique()
    return _arrow(distinct.group_by("code", "numeric_value").agg(nw.len().alias("events")))


def used_events(
    events: nw.LazyFrame[Any],
    examples: nw.LazyFrame[Any],
    codes: nw.LazyFrame[Any],
    rules: EventRules,
) -> pa.Table:
    """The events that each example may use.

    Args:
        events: the events of a shard.
        examples: ``subject_id``, ``example`` and ``prediction_time``. A subject may have several.
        codes: ``code`` and ``number`` of the codes that are used. With bins of numeric values, also
            the columns ``edge_1`` to ``edge_n``, null for codes without bins; the numbers after
            the number of a code are its bins.
        rules: which events are used, and how visits are made.

    Returns:
        ``example``, ``number`` (of the code or bin) and ``time``, in any order. For visits by
        encounter, ``time`` is the time of the first event of the encounter, and ``encounter`` is
        the encounter.
    """
    import narwhals as nw

    known = _known(events, examples, rules).join(codes, on="code", how="inner")
    columns: list[Any] = ["example", nw.col("number")]
    if rules.numeric_bins:
        columns[1] = (nw.col("number") + _bin(rules.numeric_bins)).alias("number")
    if rules.visits != "encounter" or rules.encounter is None:
        return _arrow(known.select(*columns, "time"))
    encounter = nw.col(rules.encounter)
    first = nw.col("time").min().over("example", rules.encounter)
    # Without an encounter, the time of the event itself defines its visit.
    start = nw.when(encounter.is_null()).then(nw.col("time")).otherwise(first)
    return _arrow(known.select(*columns, start.alias("time"), encounter.alias("encounter")))


def _known(
    events: nw.LazyFrame[Any], examples: nw.LazyFrame[Any], rules: EventRules
) -> nw.LazyFrame[Any]:
    """The events with the examples that may use them. Events without a time are always known."""
    import narwhals as nw

    time, prediction = nw.col("time"), nw.col("prediction_time")
    before = time < prediction if rules.exclude_prediction_time else time <= prediction
    return events.join(examples, on="subject_id", how="inner").filter(time.is_null() | before)


def _bin(bins: int) -> nw.Expr:
    """0 for an event without a bin; else the number of its bin, from 1."""
    import narwhals as nw

    value = nw.col("numeric_value")
    above: Sequence[nw.Expr] = [
        nw.when(value >= nw.col(f"edge_{number}")).then(1).otherwise(0) for number in range(1, bins)
    ]
    number = nw.sum_horizontal(nw.lit(1), *above)
    has_bin = _is_number(value) & ~nw.col("edge_1").is_null()
    return nw.when(has_bin).then(number).otherwise(0).cast(nw.Int32)


def _is_number(value: nw.Expr) -> nw.Expr:
    return ~value.is_null() & value.is_finite()


def _arrow(frame: nw.LazyFrame[Any]) -> pa.Table:
    return frame.collect(backend="pyarrow").to_native()
