from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from kerasnets.data import Dataset, Split, load_data
from kerasnets.data.figures.traces import example_traces


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return load_data("seizure-simulated", recordings_per_class=10)


def texts(figure) -> str:
    return " ".join(text.get_text() for text in figure.texts)


def test_one_row_per_class_with_training_examples_in_every_panel(dataset: Dataset):
    figure = example_traces(dataset, per_class=3)
    assert len(figure.axes) == 5 * 3
    assert [axes.get_title("left") for axes in figure.axes[::3]] == [
        name.capitalize() for name in dataset.class_names
    ]
    for panel, axes in enumerate(figure.axes):
        (line,) = axes.get_lines()
        rows = dataset.train.x[dataset.train.y == panel // 3]
        assert (rows == line.get_ydata()).all(axis=1).any()


def test_traces_go_from_low_to_high_amplitude(dataset: Dataset):
    spread = [axes.get_lines()[0].get_ydata().std() for axes in example_traces(dataset).axes]
    assert (np.diff(np.reshape(spread, (5, 3)), axis=1) > 0).all()


def test_axes_are_seconds_and_the_units_of_the_data(dataset: Dataset):
    figure = example_traces(dataset)
    seconds = figure.axes[0].get_lines()[0].get_xdata()
    assert seconds[-1] == pytest.approx(177 / 173.61)
    assert {axes.get_xlabel() for axes in figure.axes[-3:]} == {"Time (s)"}
    assert figure.axes[0].get_ylabel() == "µV"


def test_the_seizure_has_its_own_scale_and_no_trace_is_clipped(dataset: Dataset):
    figure = example_traces(dataset)
    limits = [axes.get_ylim()[1] for axes in figure.axes[::3]]
    assert len(set(limits[1:])) == 1
    assert limits[0] > 2.5 * limits[1]
    assert "own scale for seizure" in texts(figure)
    for axes in figure.axes:
        low, high = axes.get_ylim()
        values = axes.get_lines()[0].get_ydata()
        assert low < values.min()
        assert values.max() < high


def test_classes_of_similar_amplitude_share_one_scale(dataset: Dataset):
    x = dataset.train.x / dataset.train.x.std(axis=1, keepdims=True)
    even = dataclasses.replace(dataset, train=Split(x, dataset.train.y))
    figure = example_traces(even)
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    assert "own scale" not in texts(figure)


def test_only_simulated_data_is_called_simulated(dataset: Dataset):
    assert "simulated, not measured" in texts(example_traces(dataset))
    real = dataclasses.replace(dataset, name="seizure")
    assert "simulated" not in texts(example_traces(real))


@pytest.mark.parametrize("per_class", [0, -1, 10_000])
def test_more_traces_than_rows_are_refused(dataset: Dataset, per_class: int):
    with pytest.raises(ValueError, match="per_class must be from 1 to 138"):
        example_traces(dataset, per_class=per_class)


def test_inputs_that_are_not_signals_are_refused(dataset: Dataset):
    images = Split(np.zeros((5, 4, 4, 1)), np.arange(5))
    with pytest.raises(ValueError, match=r"shape \(n, samples\), got float64 \(5, 4, 4, 1\)"):
        example_traces(dataclasses.replace(dataset, train=images))
    visits = Split({"visits": np.zeros((5, 2)), "length": np.ones(5)}, np.arange(5))
    with pytest.raises(ValueError, match=r"got {visits: float64"):
        example_traces(dataclasses.replace(dataset, train=visits))
