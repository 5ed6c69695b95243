"""Train a net of the catalogue. Copy this script to train your own model.

python scripts/train.py seizure-cnn runs/my-cnn
"""

import sys

import kerasnets as kn

net_name, folder = sys.argv[1:] if len(sys.argv) == 3 else ("seizure-mlp", "runs/script-train")

# For the real recordings, run `kerasnets data fetch seizure` and use kn.load_data("seizure").
data = kn.load_data("seizure-simulated", split="recording", seed=0)

# The first argument may also be your own keras.Model, with logits as its output.
run = kn.train(
    net_name,
    data=data,
    epochs=5,
    learning_rate=1e-3,
    schedule="cosine",
    early_stopping=3,
    seed=0,
    out=folder,
)

print(f"test accuracy {run.metrics['test']['accuracy']:.3f} on {data.name}")
print(f"best epoch {run.best_epoch}, figures in {run.folder / 'figures'}")
