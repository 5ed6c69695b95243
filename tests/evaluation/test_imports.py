"""Importing the metrics and the figures does not import TensorFlow or pyplot."""

from __future__ import annotations

import subprocess
import sys


def test_metrics_import_neither_tensorflow_nor_matplotlib_and_figures_no_pyplot():
    code = (
        "import sys, kerasnets.evaluation\n"
        "assert not {'tensorflow', 'keras', 'matplotlib'} & set(sys.modules)\n"
        "import kerasnets.evaluation.figures\n"
        "assert not {'tensorflow', 'matplotlib.pyplot'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
