"""kerasnets._style: headers, measured text, saved figures."""

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from kerasnets._style import new_figure, save_figure, style, text_width


@pytest.mark.parametrize(
    "text", ["seizure", "WWW iii", "discharged\nalive", "µV × 1,000 – ½", "$5 to $10"]
)
@pytest.mark.parametrize(("size", "weight"), [(9.5, "normal"), (12.5, "bold")])
def test_text_is_as_wide_as_measured(text, size, weight):
    with style():
        figure = new_figure(6, 4)
        drawn = figure.text(0, 0.5, text, size=size, weight=weight)
    figure.draw_without_rendering()
    # Hinting moves letters by parts of a dot, of which there are 100 an inch.
    inches = drawn.get_window_extent().width / figure.dpi
    assert text_width(text, size, weight) == pytest.approx(inches, abs=0.05 * inches + 0.02)


def test_no_text_has_no_width():
    assert text_width("") == 0


@pytest.mark.parametrize("width", [2, 4, 9])
def test_headers_are_wrapped_inside_the_figure_and_above_the_rest(width):
    title = "mortality-gru: confusion matrix on the test split of the eICU demo, by patient"
    subtitle = "simulated data\nwhose figures must not be taken for those of real patients"
    with style():
        figure = new_figure(width, 3, title, subtitle)
        axes = figure.subplots()
    figure.draw_without_rendering()
    texts = [text.get_text() for text in figure.texts]
    assert " ".join(texts) == f"{title} {subtitle}".replace("\n", " ")
    assert "simulated data" in texts  # the caller's own line break stays
    boxes = [text.get_window_extent() for text in figure.texts]
    assert all(box.x0 >= 0 and box.x1 <= figure.bbox.x1 for box in boxes)
    assert boxes[0].y1 <= figure.bbox.y1
    assert min(box.y0 for box in boxes) > axes.get_window_extent().y1


def test_without_a_header_there_is_no_room_for_one():
    with style():
        assert new_figure(4, 3).get_size_inches().tolist() == [4, 3]


def test_the_style_is_the_same_whatever_the_users_own_and_leaves_that_alone():
    with mpl.rc_context({"font.size": 31, "lines.linestyle": ":"}):
        with style():
            assert mpl.rcParams["font.size"] == 9.5
            assert mpl.rcParams["lines.linestyle"] == "-"
        assert mpl.rcParams["font.size"] == 31


def test_a_name_may_hold_dots_but_no_picture_suffix(tmp_path):
    files = save_figure(Figure(), tmp_path / "figures" / "seizure-cnn.v1.2")
    assert [file.name for file in files] == ["seizure-cnn.v1.2.png", "seizure-cnn.v1.2.svg"]
    assert sorted(files) == sorted((tmp_path / "figures").iterdir())
    with pytest.raises(ValueError, match="without its suffix"):
        save_figure(Figure(), tmp_path / "roc.png")
