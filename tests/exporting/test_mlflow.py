"""An exported ONNX file in MLflow: the lines of docs/exporting.md, with a real local store."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.exporting.serving.servers import ROOT

# Importing MLflow and creating its database take seconds, so one process checks everything.
PROGRAM = """
import numpy as np
import onnxruntime

def session(net, **inputs):
    return onnxruntime.InferenceSession(f"exported/{{net}}/1/model.onnx").run(None, inputs)

rng = np.random.default_rng(0)
signal = rng.normal(0, 50, (3, 178)).astype("float32")
{lines}
assert list(outputs) == ["probabilities", "logits"]
for found, expected in zip(outputs.values(), session("seizure-gru", signal=signal)):
    assert np.array_equal(found, expected)

# A sequence net, with other numbers of steps than in any example; padding changes nothing.
with mlflow.start_run():
    info = mlflow.onnx.log_model(onnx.load("exported/mortality-gru/1/model.onnx"), name="deaths")
model = mlflow.pyfunc.load_model(info.model_uri)
visits = (rng.random((2, 9, 1000)) < 0.01).astype("float32")
length = np.array([3, 9], "int32")
outputs = model.predict({{"visits": visits, "length": length}})
expected = session("mortality-gru", visits=visits, length=length)
for found, expected in zip(outputs.values(), expected):
    assert np.array_equal(found, expected)
one = model.predict({{"visits": visits[:1, :3], "length": length[:1]}})
assert np.allclose(one["probabilities"], outputs["probabilities"][:1], rtol=0, atol=1e-6)
assert mlflow.search_runs().status.tolist() == ["FINISHED"] * 2
print("the same numbers")
"""


def test_the_documented_lines_log_and_load_a_model(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "exporting.md").read_text(encoding="utf-8")
    (lines,) = re.findall(r"```python\n(import mlflow.*?)```", text, flags=re.DOTALL)
    assert len(lines.partition("\n\n")[2].splitlines()) == 3
    (tmp_path / "exported").symlink_to(ROOT / "exported")
    environment = {name: value for name, value in os.environ.items() if "MLFLOW" not in name}
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM.format(lines=lines)],
        cwd=tmp_path,
        env=environment
        | {"MLFLOW_TRACKING_URI": "sqlite:///store.db", "MLFLOW_DISABLE_TELEMETRY": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.endswith("the same numbers\n"), done.stderr
    assert (tmp_path / "store.db").stat().st_size > 0
