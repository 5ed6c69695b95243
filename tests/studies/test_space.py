"""The axes of a search and the points of a grid."""

from __future__ import annotations

import math

import pytest

from kerasnets.commands.search import axis
from kerasnets.studies.space import Axis, check_space, grid


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("learning_rate=1e-4:.1:log", Axis("learning_rate", 1e-4, 0.1, log=True)),
        ("units=4:64", Axis("units", 4, 64)),
        ("dropout=0:0.5", Axis("dropout", 0, 0.5)),
        ("units=8,[16,8]", Axis("units", choices=(8, [16, 8]))),
        ("optimizer=adam,sgd", Axis("optimizer", choices=("adam", "sgd"))),
        ("reset_after=true,false", Axis("reset_after", choices=(True, False))),
    ],
)
def test_words_of_the_command_line(text, expected):
    assert axis(text) == expected


def test_only_two_whole_numbers_make_a_range_of_whole_numbers():
    assert axis("units=4:64").integer
    assert not axis("dropout=0:0.5").integer


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("units", "must have the form NAME=LOW:HIGH"),
        ("units=", "must have the form NAME=LOW:HIGH"),
        ("units=8:4", "from a smaller to a larger"),
        ("units=4:4", "from a smaller to a larger"),
        ("units=a:b", "and :log after it"),
        ("units=1:9:exp", "and :log after it"),
        ("dropout=0:0.5:log", "start above 0"),
        ("learning_rate=1e-3:inf", "from a smaller to a larger"),
    ],
)
def test_words_that_are_no_axis(text, message):
    with pytest.raises(ValueError, match=message):
        axis(text)


def test_a_grid_is_the_largest_within_the_budget():
    rate, units = Axis("learning_rate", 1e-4, 1e-2, log=True), Axis("units", 4, 64)
    choice = Axis("optimizer", choices=("adam", "sgd"))
    points = grid([rate, units, choice], 20)  # 3 · 3 · 2 = 18, and 4 · 4 · 2 would be 32
    assert len(points) == 18
    assert sorted({point["learning_rate"] for point in points}) == pytest.approx([1e-4, 1e-3, 1e-2])
    assert sorted({point["units"] for point in points}) == [4, 34, 64]
    assert {type(point["units"]) for point in points} == {int}
    (middle,) = grid([rate], 1)
    assert middle["learning_rate"] == pytest.approx(math.sqrt(1e-4 * 1e-2))
    assert len(grid([Axis("units", 1, 3)], 100)) == 3
    with pytest.raises(ValueError, match="2 points at least; trials is 1"):
        grid([rate, choice], 1)


def test_what_is_drawn_reads_as_it_was_written():
    for value in (8, [16, 8], "adam", True):
        given = Axis("x", choices=(value, "other"))
        assert given.read(given.write(value)) == value
        assert given.write(value) in given.distribution().choices


@pytest.mark.parametrize(
    ("axes", "settings", "message"),
    [
        ([], {}, "needs one axis or more"),
        ([Axis("learnin_rate", 0.1, 1.0)], {}, "Did you mean 'learning_rate'"),
        ([Axis("seed", 0, 9)], {}, "Unknown axis of a search on seizure-mlp 'seed'"),
        ([Axis("split", choices=("row", "recording"))], {}, "Unknown axis"),
        ([Axis("learning_rate", -1.0, 1.0)], {}, "learning_rate = -1.0"),
        ([Axis("epochs", 0.5, 3.5)], {}, "epochs = 0.5"),
        ([Axis("optimizer", choices=("adam", "adan"))], {}, "optimizer = 'adan'"),
        ([Axis("activation", choices=("relu", "rulu"))], {}, "rulu"),
        ([Axis("dropout", 0.0, 0.5)] * 2, {}, "dropout is there twice"),
        ([Axis("dropout", 0.0, 0.5)], {"dropout": 0.1}, "dropout is there twice"),
        ([Axis("dropout", 0.0, 0.5)], {"epoch": 3}, "Did you mean 'epochs'"),
    ],
)
def test_what_no_net_could_be_trained_with_is_refused(axes, settings, message):
    with pytest.raises(ValueError, match=message):
        check_space("seizure-mlp", axes, settings)
