"""The configuration for Triton."""

from __future__ import annotations

import re
from pathlib import Path

import kerasnets as kn
from kerasnets.exporting.serving.triton import write_triton_config
from kerasnets.exporting.signature import serve


def read_config(text: str) -> dict[str, tuple[str, list[int]]]:
    pattern = r'(input|output) \[ \{ name: "(.+?)" data_type: (\w+) dims: \[ (.*?) \]'
    found = re.findall(pattern, text)
    return {name: (kind, [int(n) for n in dims.split(",")]) for _, name, kind, dims in found}


def test_the_configuration_has_every_tensor(exported: Path, tmp_path: Path) -> None:
    text = (exported.parent / "config.pbtxt").read_text(encoding="utf-8")
    assert 'name: "seizure-mlp"\nplatform: "onnxruntime_onnx"\nmax_batch_size: 64\n' in text
    assert read_config(text) == {
        "signal": ("TYPE_FP32", [178]),
        "probabilities": ("TYPE_FP32", [5]),
        "logits": ("TYPE_FP32", [5]),
    }
    served = serve(kn.build("mortality-gru", features=2, units=(3,), dense_units=(2,)))
    write_triton_config(served, tmp_path)
    text = (tmp_path / "config.pbtxt").read_text(encoding="utf-8")
    assert read_config(text)["visits"] == ("TYPE_FP32", [-1, 2])
    assert read_config(text)["length"] == ("TYPE_INT32", [1])
    assert 'name: "length" data_type: TYPE_INT32 dims: [ 1 ] reshape: { shape: [ ] }' in text
