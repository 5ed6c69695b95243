"""kerasnets.commands._metrics: the table of metrics at 80 columns, with the majority baseline."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kerasnets.commands._metrics import metrics_text
from kerasnets.evaluation.tasks import get_task
from kerasnets.training import Run
from kerasnets.training.recipe import check_recipe

CLASSES = {
    "binary": ("discharged alive", "died in hospital"),
    "classification": ("seizure", "tumour area", "healthy area"),
    "multilabel": ("a", "b", "c"),
    "regression": ("target",),
}


def run_of(task, data="eicu", split="patient"):
    recipe = check_recipe({"net": "net", "data": data, "split": split, "threshold": "youden"})
    facts = {"name": data, "class_names": CLASSES[task]}
    history = {"loss": [0.3, 0.2], "val_loss": [0.3, 0.2]}
    environment = {"task": task, "data": facts, "sessions": [{"seconds": 1.5}]}
    return Run(Path("runs/a"), recipe, history, {}, environment)


def metrics_of(task, positives=(18, 9, 9)):
    """The metrics of a task on three splits of 100 rows each, with scores that are partly right."""
    rng = np.random.default_rng(0)
    found = {}
    for split, count in zip(("train", "validation", "test"), positives, strict=True):
        y = (np.arange(100) < count).astype(int)
        if task == "binary":
            predictions = np.clip(0.2 * y[:, None] + rng.uniform(0, 0.5, (100, 1)), 0, 1)
        elif task == "classification":
            y = rng.integers(0, 3, 100)
            predictions = np.eye(3)[y] * 0.2 + rng.dirichlet(np.ones(3), 100) * 0.8
        elif task == "multilabel":
            y = rng.integers(0, 2, (100, 3))
            predictions = np.clip(0.4 * y + rng.uniform(0, 0.6, (100, 3)), 0, 1)
        else:
            y = rng.normal(size=100) * 1000
            predictions = y[:, None] + rng.normal(size=(100, 1))
        resamples = 0 if split == "train" else 20
        found[split] = get_task(task).evaluate(y, predictions, CLASSES[task], resamples=resamples)
    return found


@pytest.mark.parametrize("task", CLASSES)
def test_the_table_fits_80_columns(task, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    text = metrics_text(run_of(task), metrics_of(task))
    assert [line for line in text.splitlines() if len(line) > 80] == []
    assert text.splitlines()[0] == "net on eicu, split by patient"
    assert text.splitlines()[1].split()[:3] == ["train", "validation", "test"]


def test_an_unbalanced_task_leads_with_auroc_and_shows_the_majority_baseline():
    metrics = metrics_of("binary")
    lines = metrics_text(run_of("binary"), metrics).splitlines()
    names = [line.split("  ")[0] for line in lines[2:]]
    assert names[:3] == ["rows", "AUROC", "average precision"]
    accuracy = next(number for number, line in enumerate(lines) if line.startswith("accuracy"))
    # The classes of the training split decide what is always predicted.
    baseline = lines[accuracy + 1]
    assert baseline.split() == ["always", "'discharged", "alive'", "0.8200", "0.9100", "0.9100"]
    low, high = metrics["test"]["intervals"]["auroc"]
    assert lines[3].endswith(f"{low:.4f} to {high:.4f}")
    assert "bootstrap over patients" in lines[-2]
    assert "threshold 0.5000 (youden): sensitivity" in lines[-1]


def test_a_balanced_task_leads_with_accuracy():
    lines = metrics_text(run_of("classification"), metrics_of("classification")).splitlines()
    assert [line.split()[0] for line in lines[2:5]] == ["rows", "accuracy", "always"]
    undefined = metrics_of("classification")
    undefined["test"]["auroc"] = None
    assert "undefined" in metrics_text(run_of("classification"), undefined)


@pytest.mark.parametrize(("task", "first"), [("multilabel", "accuracy"), ("regression", "MAE")])
def test_other_tasks_have_no_majority(task, first):
    lines = metrics_text(run_of(task), metrics_of(task)).splitlines()
    assert lines[3].startswith(first)
    assert not any("always" in line for line in lines)


def test_the_repr_of_a_run_states_the_same_figures_first():
    run = run_of("binary")
    run.metrics.update(metrics_of("binary"))
    test = run.metrics["test"]
    assert repr(run) == (
        f"Run('net' on 'eicu', best epoch 2 of 2, test auroc {test['auroc']:.4f}, "
        f"accuracy {test['accuracy']:.4f}, folder 'runs/a')"
    )
    html = run._repr_html_()
    assert "net on eicu, split by patient" in html
    assert f"{test['auroc']:.4f}" in html
