"""kerasnets._style: headers, measured text, plain numbers, saved figures."""

from __future__ import annotations

import hashlib

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from kerasnets._style import (
    new_figure,
    save_figure,
    save_figure_as,
    short_number,
    style,
    text_width,
)


@pytest.mark.parametrize(
    "text", ["seizure", "WWW iii", "discharged\nalive", "µV × 1,000 – ½", "$5 to $10"]
)
@pytest.mark.parametrize(("size", "weight"), [(9.5, "normal"), (12.5, "bold")])
def test_measured_width_equals_drawn_width(text, size, weight):
    with style():
        figure = new_figure(6, 4)
        drawn = figure.text(0, 0.5, text, size=size, weight=weight)
    figure.draw_without_rendering()
    # Hinting moves letters by a fraction of a dot; there are 100 dots per inch.
    inches = drawn.get_window_extent().width / figure.dpi
    assert text_width(text, size, weight) == pytest.approx(inches, abs=0.05 * inches + 0.02)


def test_empty_text_has_width_0():
    assert text_width("") == 0


@pytest.mark.parametrize("width", [2, 4, 9])
def test_headers_are_wrapped_and_above_the_axes(width):
    title = "mortality-gru: confusion matrix on the test split of the eICU demo, by patient"
    subtitle = "simulated data\nwhose results say nothing about real patients"
    with style():
        figure = new_figure(width, 3, title, subtitle)
        axes = figure.subplots()
    figure.draw_without_rendering()
    texts = [text.get_text() for text in figure.texts]
    assert " ".join(texts) == f"{title} {subtitle}".replace("\n", " ")
    assert "simulated data" in texts  # line breaks of the caller are kept
    boxes = [text.get_window_extent() for text in figure.texts]
    assert all(box.x0 >= 0 and box.x1 <= figure.bbox.x1 for box in boxes)
    assert boxes[0].y1 <= figure.bbox.y1
    assert min(box.y0 for box in boxes) > axes.get_window_extent().y1


def test_a_figure_without_header_has_no_space_for_it():
    with style():
        assert new_figure(4, 3).get_size_inches().tolist() == [4, 3]


def test_the_style_ignores_the_settings_of_the_user_and_restores_them():
    with mpl.rc_context({"font.size": 31, "lines.linestyle": ":"}):
        with style():
            assert mpl.rcParams["font.size"] == 9.5
            assert mpl.rcParams["lines.linestyle"] == "-"
        assert mpl.rcParams["font.size"] == 31


def test_a_path_may_contain_dots_but_no_image_suffix(tmp_path):
    files = save_figure(Figure(), tmp_path / "figures" / "seizure-cnn.v1.2")
    assert [file.name for file in files] == ["seizure-cnn.v1.2.png", "seizure-cnn.v1.2.svg"]
    assert sorted(files) == sorted((tmp_path / "figures").iterdir())
    with pytest.raises(ValueError, match="without its suffix"):
        save_figure(Figure(), tmp_path / "roc.png")


@pytest.mark.parametrize(
    ("path", "files"),
    [
        ("cost.png", ["cost.png"]),
        ("cost.svg", ["cost.svg"]),
        ("cost.pdf", ["cost.pdf"]),
        ("cost", ["cost.png", "cost.svg"]),
        ("v1.2", ["v1.2.png", "v1.2.svg"]),
        ("new/", ["new/name.png", "new/name.svg"]),
        ("", ["name.png", "name.svg"]),  # an existing folder
    ],
)
def test_a_figure_is_saved_to_a_file_or_into_a_folder(tmp_path, path, files):
    written = save_figure_as(small_figure(), f"{tmp_path}/{path}" if path else tmp_path, "name")
    assert written == [tmp_path / file for file in files]
    starts = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF-"}
    assert all(file.read_bytes().startswith(starts[file.suffix]) for file in written)
    again = save_figure_as(small_figure(), tmp_path / "again.pdf", "name")[0].read_bytes()
    assert b"CreationDate" not in again


def test_notebooks_show_figures_as_png(tmp_path):
    with mpl.rc_context({"font.size": 31}):
        png = small_figure()._repr_png_()
    assert png == small_figure()._repr_png_()
    (tmp_path / "shown.png").write_bytes(png)
    height, width, _ = imread(tmp_path / "shown.png").shape
    assert [width, height] == pytest.approx(list(small_figure().get_size_inches() * 100), abs=1)


def small_figure():
    with style():
        figure = new_figure(4, 2, "seizure-cnn", "simulated data, test split")
        figure.subplots().plot([1, 2, 3], label="loss")
    return figure


def test_saved_figures_are_sharp_and_have_the_same_bytes_every_time(tmp_path):
    figure = small_figure()
    digests = []
    # Neither the settings of the user nor an earlier draw of the same figure changes the files.
    for attempt, drawn in enumerate((figure, figure, small_figure())):
        with mpl.rc_context({"font.size": 5 + attempt}):
            files = save_figure(drawn, tmp_path / str(attempt))
        digests.append([hashlib.sha256(file.read_bytes()).hexdigest() for file in files])
    assert digests[0] == digests[1] == digests[2]
    height, width, _ = imread(files[0]).shape
    assert [width, height] == pytest.approx(list(figure.get_size_inches() * 200), abs=1)
    assert "<dc:date>" not in files[1].read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1e-3, 1e4, {"0.01", "1", "100", "10,000"}),  # major ticks
        (120, 700, {"200", "300", "400"}),  # less than a decade: minor ticks are labelled
        (0.012, 0.05, {"0.02", "0.03"}),
    ],
)
def test_logarithmic_axes_have_plain_numbers(low, high, expected):
    with style():
        figure = new_figure(4, 4)
        axes = figure.subplots()
        axes.plot([low, high], [low, high])
        axes.set(xscale="log", yscale="log")
    figure.draw_without_rendering()
    for axis in (axes.xaxis, axes.yaxis):
        labels = {label.get_text() for label in axis.get_ticklabels(which="both")}
        assert expected <= labels
        assert not [label for label in labels if "$" in label]


def test_formatters_of_the_caller_are_kept_on_logarithmic_axes():
    with style():
        figure = new_figure(4, 4)
        axes = figure.subplots()
        axes.plot([1, 1000])
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:.0f} rows")
    figure.draw_without_rendering()
    assert "100 rows" in [label.get_text() for label in axes.get_yticklabels()]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.00"), (0.8049, "0.805"), (-14.52, "−14.5"), (164.06, "164"), (21_609.6, "21,610"),
        (-0.00071, "−0.000710"), (1e-7, "1.00e−07"), (2.5e9, "2.50e+09"),
    ],
)  # fmt: skip
def test_short_numbers(value, text):
    assert short_number(value) == text
