"""The hyperparameters of a search and the points of a grid."""

from __future__ import annotations

import math

import pytest

from kerasnets.commands.search import hyperparameter
from kerasnets.studies.space import Hyperparameter, check_space, grid_points


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("learning_rate=1e-4:.1:log", Hyperparameter("learning_rate", 1e-4, 0.1, log=True)),
        ("units=4:64", Hyperparameter("units", 4, 64)),
        ("dropout=0:0.5", Hyperparameter("dropout", 0, 0.5)),
        ("units=8,[16,8]", Hyperparameter("units", choices=(8, [16, 8]))),
        ("optimizer=adam,sgd", Hyperparameter("optimizer", choices=("adam", "sgd"))),
        ("reset_after=true,false", Hyperparameter("reset_after", choices=(True, False))),
    ],
)
def test_ranges_and_choices_on_the_command_line(text, expected):
    assert hyperparameter(text) == expected


def test_a_range_of_integers_needs_integers_at_both_ends():
    assert hyperparameter("units=4:64").is_integer
    assert not hyperparameter("dropout=0:0.5").is_integer


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("units", "must have the form NAME=LOW:HIGH"),
        ("units=", "must have the form NAME=LOW:HIGH"),
        ("units=8:4", "from a smaller to a larger"),
        ("units=4:4", "from a smaller to a larger"),
        ("units=a:b", "or NAME=LOW:HIGH:log"),
        ("units=1:9:exp", "or NAME=LOW:HIGH:log"),
        ("dropout=0:0.5:log", "must start above 0"),
        ("learning_rate=1e-3:inf", "from a smaller to a larger"),
    ],
)
def test_other_forms_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        hyperparameter(text)


def test_the_grid_is_the_largest_within_the_budget():
    rate, units = (
        Hyperparameter("learning_rate", 1e-4, 1e-2, log=True),
        Hyperparameter("units", 4, 64),
    )
    choice = Hyperparameter("optimizer", choices=("adam", "sgd"))
    points = grid_points([rate, units, choice], 20)  # 3 · 3 · 2 = 18, and 4 · 4 · 2 would be 32
    assert len(points) == 18
    assert sorted({point["learning_rate"] for point in points}) == pytest.approx([1e-4, 1e-3, 1e-2])
    assert sorted({point["units"] for point in points}) == [4, 34, 64]
    assert {type(point["units"]) for point in points} == {int}
    (middle,) = grid_points([rate], 1)
    assert middle["learning_rate"] == pytest.approx(math.sqrt(1e-4 * 1e-2))
    assert len(grid_points([Hyperparameter("units", 1, 3)], 100)) == 3
    with pytest.raises(ValueError, match="at least 2 points, but trials is 1"):
        grid_points([rate, choice], 1)


def test_choices_survive_the_conversion_to_optuna_and_back():
    for value in (8, [16, 8], "adam", True):
        entry = Hyperparameter("x", choices=(value, "other"))
        assert entry.from_optuna(entry.to_optuna(value)) == value
        assert entry.to_optuna(value) in entry.distribution().choices


@pytest.mark.parametrize(
    ("space", "settings", "message"),
    [
        ([], {}, "needs at least one hyperparameter"),
        ([Hyperparameter("learnin_rate", 0.1, 1.0)], {}, "Did you mean 'learning_rate'"),
        ([Hyperparameter("seed", 0, 9)], {}, "Unknown hyperparameter of seizure-mlp 'seed'"),
        ([Hyperparameter("split", choices=("row", "recording"))], {}, "Unknown hyperparameter"),
        ([Hyperparameter("learning_rate", -1.0, 1.0)], {}, "learning_rate = -1.0"),
        ([Hyperparameter("epochs", 0.5, 3.5)], {}, "epochs = 0.5"),
        ([Hyperparameter("optimizer", choices=("adam", "adan"))], {}, "optimizer = 'adan'"),
        ([Hyperparameter("activation", choices=("relu", "rulu"))], {}, "rulu"),
        ([Hyperparameter("dropout", 0.0, 0.5)] * 2, {}, "given more than once"),
        (
            [Hyperparameter("dropout", 0.0, 0.5)],
            {"dropout": 0.1},
            "given more than once",
        ),
        ([Hyperparameter("dropout", 0.0, 0.5)], {"epoch": 3}, "Did you mean 'epochs'"),
    ],
)
def test_hyperparameters_that_cannot_be_trained_are_refused(space, settings, message):
    with pytest.raises(ValueError, match=message):
        check_space("seizure-mlp", space, settings)
