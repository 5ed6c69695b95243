from __future__ import annotations

import inspect

import numpy as np
import pytest

import kerasnets as kn
from kerasnets.data.options import FileOptions, FrameOptions, whole_number


@pytest.mark.parametrize("value", [0, 7, -3, np.int64(5)])
def test_integers_of_python_and_numpy_are_accepted(value):
    assert whole_number("folds", value) == value


@pytest.mark.parametrize("value", [True, 3.0, "3", None, np.float64(2), [1]])
def test_other_types_are_refused(value):
    with pytest.raises(ValueError, match="folds must be a whole number, got"):
        whole_number("folds", value)


def test_the_range_is_checked_and_named():
    assert whole_number("step", 1, 1, 3) == 1
    assert whole_number("step", 3, 1, 3) == 3
    for value in (0, 4):
        with pytest.raises(
            ValueError, match=f"step must be a whole number from 1 to 3, got {value}"
        ):
            whole_number("step", value, 1, 3)
    with pytest.raises(ValueError, match="step must be a whole number of 1 or more, got 0"):
        whole_number("step", 0, 1)


def test_the_typed_options_are_arguments_of_from_arrays():
    parameters = inspect.signature(kn.Dataset.from_arrays).parameters
    frame, file = set(FrameOptions.__annotations__), set(FileOptions.__annotations__)
    positional = {"x", "y", "groups"}
    assert frame == set(parameters) - positional
    assert file == frame - {"split", "seed", "name", "source"}  # from_file decides these
