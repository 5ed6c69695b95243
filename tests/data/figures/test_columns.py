from __future__ import annotations

import numpy as np
import pytest

from kerasnets.data import load_data
from kerasnets.data.figures.columns import column_histograms
from kerasnets.data.figures.examples import draw_examples


def test_a_panel_a_column_in_which_each_class_is_a_whole():
    data = load_data("covid-simulated", rows=2_000)
    figure = column_histograms(data)
    shown = [axes for axes in figure.axes if axes.patches]
    assert [axes.get_title("left") for axes in shown] == list(data.feature_names)
    for axes in shown:
        assert len(axes.patches) == 2
        for stairs in axes.patches:
            assert stairs.get_data().values.sum() == pytest.approx(100)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["survived", "died"]
    assert "simulated, not measured" in figure.texts[0].get_text()


def test_categories_have_a_bin_each():
    data = load_data("covid-simulated", rows=2_000)
    axes = column_histograms(data).axes[data.feature_names.index("sex")]
    codes = np.unique(data.train.x[:, data.feature_names.index("sex")])
    assert axes.patches[0].get_data().edges.tolist() == [*(codes - 0.5), codes[-1] + 0.5]


def test_each_kind_of_data_is_drawn_as_what_it_is():
    assert draw_examples(load_data("digits"))[0] == "images"
    assert draw_examples(load_data("rain-simulated", rows=1_000))[0] == "columns"
    assert draw_examples(load_data("seizure-simulated", recordings_per_class=5))[0] == "traces"


def test_a_data_set_that_is_not_a_table_is_refused():
    with pytest.raises(ValueError, match="digits is not a table"):
        column_histograms(load_data("digits"))
