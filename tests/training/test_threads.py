"""The number of threads is set before TensorFlow runs, and later a message says that it is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

import kerasnets as kn
from kerasnets.training.threads import get_threads, set_threads
from tests.training.helpers import dataset, small_model


def test_a_net_of_the_catalogue_sets_its_threads_before_tensorflow_starts(tmp_path):
    small = ["--data", "seizure-simulated", "--data-option", "recordings_per_class=4"]
    args = ["train", "seizure-cnn", *small, "--epochs", "1", "--out", str(tmp_path / "cnn")]
    code = (
        "import sys, kerasnets as kn, kerasnets.cli\n"
        # Figures take seconds, and so does the process that draws them.
        "from kerasnets.training import report\n"
        "report.draw_figures = report.draw_learning_curves = lambda *arguments: None\n"
        "import contextlib, kerasnets.commands.train\n"
        "kerasnets.commands.train._worker = contextlib.nullcontext\n"
        "assert 'tensorflow' not in sys.modules\n"
        f"assert kerasnets.cli.main({args!r}) == 0\n"
        "import tensorflow as tf\n"
        "assert tf.config.threading.get_intra_op_parallelism_threads() == 1\n"
        "data = kn.load_data('seizure-simulated', recordings_per_class=4)\n"
        f"kn.train('seizure-mlp', data=data, epochs=1, threads=2, out={str(tmp_path / 'mlp')!r})\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "TF_NUM_INTRAOP_THREADS"}
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert kn.describe("seizure-cnn").recipe["threads"] == 1
    for name in ("cnn", "mlp"):
        sessions = json.loads((tmp_path / name / "environment.json").read_text())["sessions"]
        assert [session["threads"] for session in sessions] == [1]
    assert answer.stderr.count("TensorFlow already runs with threads=1, so threads=2 has no") == 1


def test_a_message_says_that_it_is_too_late(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    small_model().predict(dataset().test.x[:1], verbose=0)  # TensorFlow has run
    before = get_threads()
    assert f"so threads={before + 3} has no effect" in set_threads(before + 3)
    assert get_threads() == before
    kn.train(small_model(), data=dataset(), epochs=1, out=tmp_path / "run", threads=before + 3)
    assert "has no effect" in capsys.readouterr().err
    assert set_threads(0) == ""
    assert set_threads(before) == ""


def test_the_environment_has_precedence(monkeypatch):
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "7")
    assert set_threads(3) == ""
    assert get_threads() == 7


@pytest.mark.parametrize("threads", [-1, 1.5, "2", True, 2**15])
def test_wrong_numbers_are_refused(threads, tmp_path):
    with pytest.raises(ValueError, match="threads"):
        kn.train(small_model(), data=dataset(), threads=threads, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
