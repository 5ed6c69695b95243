"""Export a trained run, or any Keras model, and run the files without Keras.

python scripts/export.py runs/my-cnn exported/my-cnn
"""

import sys

import numpy as np
import onnxruntime

import kerasnets as kn

if len(sys.argv) == 3:
    source, target = kn.load_run(sys.argv[1]), sys.argv[2]
else:
    source, target = kn.build("seizure-mlp"), "exported/script-export"

version = kn.export(source, target)  # raises an error if a runtime differs from Keras
report = kn.verify(version)
print(version, report.max_abs_diff)

# In production, without Keras: raw microvolts in, probabilities out.
session = onnxruntime.InferenceSession(version / "model.onnx")
signal = np.random.default_rng(0).normal(0, 50, (3, 178)).astype("float32")
probabilities, logits = session.run(["probabilities", "logits"], {"signal": signal})
print(probabilities.round(3))
