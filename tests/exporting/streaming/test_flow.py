"""Timings: how many steps exist after so many steps of input."""

from __future__ import annotations

import itertools

import pytest

from kerasnets.exporting.streaming.flow import Flow, NotCausalError, Timing


def windows(steps, size, stride, before):
    """The number of complete windows over ``before`` zeros and the steps."""
    return len(range(0, before + steps - size + 1, stride))


@pytest.mark.parametrize("before", [0, 2])
@pytest.mark.parametrize(("size", "stride"), [(1, 1), (3, 1), (3, 2), (4, 4), (5, 3)])
def test_the_timing_of_windows_over_windows(size, stride, before):
    before = min(before, size - 1)
    first = Timing().of_windows(size, stride, before)
    for inner_size, inner_stride in itertools.product((1, 2, 5), (1, 2)):
        if inner_stride > inner_size:
            continue
        second = first.of_windows(inner_size, inner_stride, 0)
        for steps in range(60):
            middle = windows(steps, size, stride, before)
            assert first.count(steps) == middle
            assert second.count(steps) == windows(middle, inner_size, inner_stride, 0)
        assert second.count(second.first) == 1
        assert second.count(second.first - 1) == 0


def test_causal_windows_are_in_step_with_their_input():
    assert Timing().of_windows(7, 1, 6) == Timing()
    assert Timing().of_windows(2, 2, 0) == Timing().of_windows(2, 2, 0) != Timing(2, 1)


def test_a_free_axis_of_features_is_refused():
    assert Flow((None, 3, 4), Timing(), is_sequence=True).width == 12
    with pytest.raises(NotCausalError, match=r"free axis besides time, in the shape \(8, None\)"):
        _ = Flow((8, None), Timing(), is_sequence=True).features
