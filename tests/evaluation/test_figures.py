"""kerasnets.evaluation.figures, read back from what they draw."""

import hashlib
import itertools
import re
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.image import imread

from kerasnets.evaluation.figures import (
    _readable_on,
    confusion_matrix_figure,
    learning_curves,
    roc_curves,
    save_figure,
)

NAMES = ("seizure", "tumour area", "healthy area", "eyes closed", "eyes open")


def make_history(epochs):
    decay = np.exp(-np.arange(epochs) / 5)
    return {
        "loss": list(0.2 + decay),
        "val_loss": list(0.4 + decay),
        "accuracy": list(0.9 - 0.7 * decay),
        "val_accuracy": list(0.8 - 0.6 * decay),
        "learning_rate": [1e-3] * epochs,
    }


def lines_of(axes):
    return {line.get_label(): line for line in axes.lines}


def texts_of(figure):
    figure.draw_without_rendering()
    return [text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_text()]


@pytest.mark.parametrize("epochs", [1, 20, 200])
def test_learning_curves_draw_the_history_from_epoch_one(epochs):
    history = make_history(epochs)
    figure = learning_curves(history, best_epoch=epochs)
    for axes, key in zip(figure.axes, ("loss", "accuracy"), strict=True):
        for label, drawn in (("training", key), ("validation", f"val_{key}")):
            x, y = lines_of(axes)[label].get_data()
            np.testing.assert_array_equal(x, range(1, epochs + 1))
            np.testing.assert_array_equal(y, history[drawn])
        low, high = axes.get_xlim()
        assert 0 < low < 1 <= epochs < high
        ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
        assert ticks
        assert all(tick == round(tick) for tick in ticks)


def test_a_single_epoch_shows_as_dots():
    (axes, _) = learning_curves(make_history(1)).axes
    assert lines_of(axes)["training"].get_marker() == "o"


@pytest.mark.parametrize("best", [1, 7, 20])
def test_the_best_epoch_is_marked_with_its_validation_values(best):
    history = make_history(20)
    figure = learning_curves(history, best)
    for axes, key in zip(figure.axes, ("val_loss", "val_accuracy"), strict=True):
        value = history[key][best - 1]
        assert [line for line in axes.lines if list(line.get_xdata()) == [best, best]]
        assert [line for line in axes.lines if line.get_xydata().tolist() == [[best, value]]]
        assert f"best epoch {best}: {value:.3f}" in [text.get_text() for text in axes.texts]


def test_without_a_best_epoch_none_is_marked():
    assert not [text for text in texts_of(learning_curves(make_history(5))) if "best" in text]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_leave_a_marked_gap(bad):
    history = make_history(12)
    history["val_loss"][6:] = [bad] * 6
    figure = learning_curves(history, best_epoch=6)
    shown = lines_of(figure.axes[0])["validation"].get_ydata()
    np.testing.assert_array_equal(np.isfinite(shown), np.arange(12) < 6)
    assert "not finite\nfrom epoch 7" in texts_of(figure)
    assert figure.axes[0].get_xlim()[1] > 12


def test_a_history_of_nothing_but_nan_is_drawn(tmp_path):
    history = {key: [np.nan] * 3 for key in make_history(1)}
    figure = learning_curves(history, best_epoch=2)
    assert {"not finite\nfrom epoch 1", "best epoch 2"} <= set(texts_of(figure))
    assert not figure.axes[0].get_yticks().size
    save_figure(figure, tmp_path / "curves")


@pytest.mark.parametrize(
    ("change", "best", "message"),
    [
        ({"val_loss": None}, None, r"lacks \['val_loss'\]; it has \['loss'"),
        ({"loss": [1.0]}, None, "equally many values"),
        (dict.fromkeys(make_history(1), ()), None, "one at least"),
        ({}, 0, "best_epoch must be in 1…5, got 0"),
        ({}, 6, "best_epoch must be in 1…5, got 6"),
    ],
)
def test_a_bad_history_is_refused(change, best, message):
    history = {k: v for k, v in {**make_history(5), **change}.items() if v is not None}
    with pytest.raises(ValueError, match=message):
        learning_curves(history, best)


def assert_inside(figure, artist):
    box = artist.get_window_extent()
    assert box.x0 >= 0
    assert box.y0 >= 0
    assert box.x1 <= figure.bbox.x1
    assert box.y1 <= figure.bbox.y1


def cells_of(figure):
    """The texts in each cell, by (row, column)."""
    cells = {}
    for text in figure.axes[0].texts:
        column, row = text.xy
        cells.setdefault((row, column), []).append(text.get_text())
    return cells


def test_every_cell_has_count_and_share_of_its_row():
    matrix = [[30, 10, 0], [1, 1_998, 1], [0, 0, 0]]
    figure = confusion_matrix_figure(matrix, ("a", "b", "c"))
    assert cells_of(figure) == {
        (0, 0): ["30", "75.0 %"],
        (0, 1): ["10", "25.0 %"],
        (0, 2): ["0", "0.0 %"],
        (1, 0): ["1", "0.1 %"],  # 1 / 2,000 = 0.05 %
        (1, 1): ["1,998", "99.9 %"],
        (1, 2): ["1", "0.1 %"],
        **{(2, column): ["0", "–"] for column in range(3)},  # no example of c, so no share
    }
    drawn = figure.axes[0].images[0].get_array()
    np.testing.assert_allclose(drawn, [[0.75, 0.25, 0], [0.0005, 0.999, 0.0005], [0, 0, 0]])


@pytest.mark.parametrize("classes", [2, 5, 10])
def test_names_stay_inside_the_figure_and_apart(classes):
    names = [f"a rather long name {label}" for label in range(classes)]
    figure = confusion_matrix_figure(np.eye(classes, dtype=int) * 12_345, names, "Title")
    figure.draw_without_rendering()
    (axes,) = figure.axes
    rows = [label.get_window_extent() for label in axes.get_yticklabels()]
    assert all(upper.y0 >= lower.y1 for upper, lower in itertools.pairwise(rows))
    if classes <= 5:  # more stand slanted, where boxes say nothing
        columns = [label.get_window_extent() for label in axes.get_xticklabels()]
        assert all(a.x1 <= b.x0 for a, b in itertools.pairwise(columns))
    for text in (*axes.get_xticklabels(), *axes.get_yticklabels(), axes.xaxis.label, *figure.texts):
        assert_inside(figure, text)


def test_slanted_names_stay_inside_the_figure():
    """Also the widest that wrapping lets through."""
    names = [letter * 39 for letter in "WMQOG"]
    figure = confusion_matrix_figure(np.eye(5, dtype=int), names)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    for text in (*axes.get_xticklabels(), *axes.get_yticklabels(), axes.xaxis.label):
        assert_inside(figure, text)


def test_cell_text_has_the_contrast_wcag_asks_for():
    """4.5 to 1 for text of this size, on every shade of grey."""
    for level in np.linspace(0, 1, 101):
        linear = level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4
        text = {"black": 0.0, "white": 1.0}[_readable_on((level, level, level, 1.0))]
        lighter, darker = max(linear, text), min(linear, text)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5


@pytest.mark.parametrize("matrix", [[[1, 2]], [[1]], [[1, -1], [0, 1]]])
def test_a_bad_matrix_is_refused(matrix):
    with pytest.raises(ValueError, match=r"shape \(2, 2\) and no negative counts"):
        confusion_matrix_figure(matrix, ("a", "b"))


@pytest.mark.parametrize("classes", [2, 5, 10])
def test_roc_curves_enclose_the_area_they_state(classes):
    rng = np.random.default_rng(0)
    y = rng.integers(0, classes, 500)
    logits = rng.normal(size=(500, classes)) + np.eye(classes)[y]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    names = [f"class {label}" for label in range(classes)]
    (axes,) = roc_curves(y, p, names).axes
    lines = lines_of(axes)
    for name in names:
        (label,) = [label for label in lines if label.endswith(f"  {name}")]
        x, curve = lines[label].get_data()
        assert f"{np.trapezoid(curve, x):.3f}" == label.split()[0]
    styles = {(lines[k].get_color(), lines[k].get_linestyle()) for k in lines if "  class" in k}
    assert len(styles) == classes
    assert axes.get_aspect() == 1
    assert lines["_child0"].get_xydata().tolist() == [[0, 0], [1, 1]]


def test_the_legend_of_roc_curves_stays_inside_and_beside():
    names = ["short", "W" * 40, "M" * 41]
    p = np.full((9, 3), 0.25) + 0.25 * np.eye(3)[np.arange(9) % 3]
    figure = roc_curves(np.arange(9) // 3, p, names)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    legend = axes.get_legend()
    for artist in (legend, axes.xaxis.label, axes.yaxis.label):
        assert_inside(figure, artist)
    assert legend.get_window_extent().x0 > axes.get_window_extent().x1
    shown = [text.get_text().split("  ")[1] for text in legend.get_texts()]
    assert shown == ["short", "W" * 40, "M" * 39 + "…"]


def test_a_class_without_examples_has_no_curve():
    p = np.array([[0.6, 0.3, 0.1], [0.4, 0.5, 0.1], [0.2, 0.7, 0.1]])
    (axes,) = roc_curves(np.array([0, 0, 1]), p, ("a", "b", "c")).axes
    assert len(lines_of(axes)["undefined  c"].get_xdata()) == 0
    assert axes.get_legend().get_title().get_text() == "AUROC, class against rest\nmean 1.000"


def all_figures():
    header = {"title": "seizure-cnn", "subtitle": "seizure-simulated (not real data), test split"}
    y = np.arange(50) % 5
    p = np.full((50, 5), 0.1) + 0.5 * np.eye(5)[(y + (np.arange(50) % 7 == 0)) % 5]
    return {
        "curves": learning_curves(make_history(9), 4, **header),
        "matrix": confusion_matrix_figure(np.eye(5, dtype=int) * 7, NAMES, **header),
        "roc": roc_curves(y, p, NAMES, **header),
    }


def test_title_and_subtitle_are_drawn():
    for figure in all_figures().values():
        assert {"seizure-cnn", "seizure-simulated (not real data), test split"} <= {
            text.get_text() for text in figure.texts
        }


def test_saved_figures_are_sharp_and_the_same_every_time(tmp_path):
    digests = []
    for attempt in ("one", "two"):
        # Neither the user's settings nor the draw before may show.
        with mpl.rc_context({"font.size": 20 if attempt == "two" else 5}):
            for name, figure in all_figures().items():
                files = save_figure(figure, tmp_path / attempt / name)
                assert [file.name for file in files] == [f"{name}.png", f"{name}.svg"]
                assert save_figure(figure, tmp_path / attempt / name) == files
        files = sorted((tmp_path / attempt).iterdir())
        digests.append([hashlib.sha256(file.read_bytes()).hexdigest() for file in files])
    assert digests[0] == digests[1]
    assert len(digests[0]) == 6
    figure = all_figures()["roc"]
    height, width, _ = imread(tmp_path / "one" / "roc.png").shape
    assert [width, height] == pytest.approx(list(figure.get_size_inches() * 200), abs=1)
    svg = (tmp_path / "one" / "roc.svg").read_text(encoding="utf-8")
    assert not re.search(r"<dc:date>", svg)


def test_metrics_need_neither_tensorflow_nor_matplotlib_and_figures_no_pyplot():
    code = (
        "import sys, kerasnets.evaluation\n"
        "assert not {'tensorflow', 'keras', 'matplotlib'} & set(sys.modules)\n"
        "import kerasnets.evaluation.figures\n"
        "assert not {'tensorflow', 'matplotlib.pyplot'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
