from __future__ import annotations

import pytest

from kerasnets.data.tables.cells import label_fault, number_fault


@pytest.mark.parametrize("cell", ["0", "-12", " 3 ", "1.5", "1e3", "+4", "3.4e38"])
def test_numbers_are_accepted(cell: str):
    assert number_fault(cell) is None


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("abc", "'abc' is not a number"),
        ("0x10", "'0x10' is not a number"),
        ("1_000", "'1_000' is not a number"),
        ("1 2", "'1 2' is not a number"),
        ("NA", "'NA' is not a number"),
        ("nan", "NaN"),
        ("inf", "'inf' is infinite"),
        ("-Infinity", "infinite"),
        ("1e999", "infinite"),
        ("3.5e38", "beyond float32"),
        ("x" * 1000, "'" + "x" * 37 + "…' is not a number"),
    ],
)
def test_other_cells_have_a_reason(cell: str, why: str):
    assert why in str(number_fault(cell))


def test_labels_are_integers_in_range():
    assert [label_fault(cell, 5) for cell in ("1", "5", "3.0")] == [None] * 3
    for cell in ("0", "6", "2.5", "-1"):
        assert label_fault(cell, 5) == f"'{cell}' is not a label"
    assert "empty" in str(label_fault("", 5))
