"""The figures of each task, and their titles."""

from __future__ import annotations

import numpy as np
import pytest

from kerasnets.evaluation.tasks import get_task
from tests.evaluation.figures.helpers import assert_all_text_inside

RNG = np.random.default_rng(0)
TWO = (RNG.random(80) < 0.3).astype(np.int32)
FIVE = RNG.integers(0, 5, 80).astype(np.int32)
LABELS = RNG.integers(0, 2, (80, 14)).astype(np.int32)
VALUES = RNG.normal(size=(80, 2)).astype(np.float32)

TWO_CLASS_FIGURES = {
    "confusion_matrix", "roc_curves", "precision_recall", "reliability", "soft_and_hard_labels",
}  # fmt: skip
CASES = {
    "classification": (FIVE, RNG.normal(size=(80, 5)), "abcde", {"confusion_matrix", "roc_curves"}),
    "binary": (TWO, RNG.normal(size=(80, 1)), ("alive", "died"), TWO_CLASS_FIGURES),
    "multilabel": (LABELS, RNG.normal(size=(80, 14)), [f"l{n}" for n in range(14)],
                   {"label_scores", "roc_curves"}),
    "regression": (VALUES, RNG.normal(size=(80, 2)), ("a", "b"),
                   {"predicted_against_true", "residuals"}),
}  # fmt: skip


def title_of(figure):
    """The title of a figure, whose lines are bold."""
    return " ".join(text.get_text() for text in figure.texts if text.get_weight() == "bold")


@pytest.mark.parametrize("name", CASES)
def test_every_figure_names_the_net_and_the_split(name):
    y, outputs, names, expected = CASES[name]
    task = get_task(name)
    figures = task.figures(
        y, task.predictions(outputs), names, title="my-net", subtitle="real data", split="test"
    )
    assert set(figures) == expected
    for figure in figures.values():
        assert title_of(figure).startswith("my-net: ")
        assert " test " in title_of(figure)
        assert "real data" in [text.get_text() for text in figure.texts]
        assert_all_text_inside(figure)


def test_titles_without_a_net_start_with_a_capital():
    y, outputs, names, _ = CASES["classification"]
    task = get_task("classification")
    figures = task.figures(y, task.predictions(outputs), names, split="validation")
    assert title_of(figures["roc_curves"]) == "ROC curves, validation split"


def test_the_confusion_matrix_uses_the_threshold():
    task = get_task("binary")
    y, p = np.array([0, 0, 1, 1], np.int32), np.array([[0.1], [0.3], [0.4], [0.9]])
    for threshold, counts, title in (
        (0.5, [2, 0, 1, 1], "75.0 % of 4 test rows are correct"),
        (0.35, [2, 0, 0, 2], "100.0 % of 4 test rows are correct at threshold 0.35"),
    ):
        figure = task.figures(y, p, ("no", "yes"), threshold=threshold)["confusion_matrix"]
        assert [int(text.get_text()) for text in figure.axes[0].texts[::2]] == counts
        assert title_of(figure) == title


def test_the_title_of_an_unbalanced_task_leads_with_auroc_and_the_majority_baseline():
    y = np.array([0] * 8 + [1] * 2, np.int32)
    p = np.array([[0.1]] * 7 + [[0.6], [0.7], [0.2]])  # 1 of 2 positives above all negatives
    figure = get_task("binary").figures(y, p, ("alive", "died"))["confusion_matrix"]
    area = (8 + 7) / 16  # the score 0.7 is above 8 negatives, the score 0.2 above 7
    assert title_of(figure).replace("\n", " ") == (
        f"AUROC {area:.3f}; 80.0 % of 10 test rows are correct, 80.0 % for always 'alive'"
    )
    one_class = get_task("binary").figures(np.zeros(5, np.int32), np.full((5, 1), 0.3), ("a", "b"))
    assert title_of(one_class["confusion_matrix"]) == "100.0 % of 5 test rows are correct"


def test_two_logits_have_the_figures_of_one_logit():
    logits = RNG.normal(size=(80, 2))
    two, one = get_task("classification"), get_task("binary")
    names = ("alive", "died")
    assert set(two.figures(TWO, two.predictions(logits), names)) == TWO_CLASS_FIGURES
    one_logit = one.predictions(logits[:, 1:] - logits[:, :1])
    one_p, two_p = one_logit[:, 0], two.predictions(logits)[:, 1]
    np.testing.assert_allclose(one_p, two_p, rtol=1e-12)


def test_a_split_with_one_class_has_no_figure_of_predicted_labels():
    task = get_task("binary")
    figures = task.figures(np.zeros(5, np.int32), np.full((5, 1), 0.3), ("no", "yes"))
    assert set(figures) == TWO_CLASS_FIGURES - {"soft_and_hard_labels"}


def test_only_the_most_frequent_labels_have_curves():
    y, outputs, names, _ = CASES["multilabel"]
    y = y.copy()
    y[:, [3, 7]] = 0  # the least frequent
    task = get_task("multilabel")
    figure = task.figures(y, task.predictions(outputs), names)["roc_curves"]
    shown = [text.get_text().split()[-1] for text in figure.axes[0].get_legend().get_texts()]
    assert shown == [name for name in names if name not in ("l3", "l7")]
    assert "of the 12 most frequent labels" in title_of(figure)
