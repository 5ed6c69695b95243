"""Start-up times, each in a new process: help, import, the first step, three epochs.

    python scripts/benchmarks/start_up.py ACTION    # a single run

The three epochs train ``seizure-cnn`` on simulated recordings, measured until the last one ends.
"""

from __future__ import annotations

import sys
from typing import Any

from accuracy import seconds_of

ACTIONS = (
    "kerasnets --help",
    "import kerasnets",
    "import tensorflow and keras",
    "import torch",
    "first step: ours",
    "first step: keras fit",
    "first step: torch",
    "3 epochs: ours",
    "3 epochs: keras fit",
)


def measure(rounds: int) -> list[dict[str, Any]]:
    """Measure the seconds of all actions, which take turns in every round."""
    seconds: dict[str, list[float]] = {action: [] for action in ACTIONS}
    for _ in range(rounds):
        for action in ACTIONS:
            seconds[action].append(seconds_of([sys.executable, __file__, action]))
    return [{"what": action, "seconds": values} for action, values in seconds.items()]


def help_text() -> None:
    """Print the help of the command."""
    from kerasnets.cli import main

    try:
        main(["--help"])
    except SystemExit:
        return


def imported(*modules: str) -> None:
    """Import modules by name."""
    for module in modules:
        __import__(module)


def ours(epochs: int) -> None:
    """Train with ``kerasnets.train``, for a few steps or several epochs."""
    import tempfile

    import kerasnets as kn
    from kerasnets._lazy import keras

    class Done(keras.callbacks.Callback):
        def on_train_end(self, logs: dict[str, float] | None = None) -> None:
            print("done", flush=True)

    data = kn.load_data("seizure-simulated") if epochs > 1 else small()
    with tempfile.TemporaryDirectory() as folder:
        kn.train("seizure-cnn", data=data, epochs=epochs, out=f"{folder}/run", progress=False,
                 callbacks=[Done()])  # fmt: skip


def keras_fit(epochs: int) -> None:
    """Train the same net with Keras's own ``fit``."""
    import kerasnets as kn
    from kerasnets._lazy import keras
    from kerasnets.evaluation.tasks import get_task
    from kerasnets.training.recipe import make_recipe
    from kerasnets.training.rescaling import with_rescaling

    data = kn.load_data("seizure-simulated") if epochs > 1 else small()
    recipe, task = make_recipe("seizure-cnn"), get_task("classification")
    model = with_rescaling(kn.build("seizure-cnn"), data, recipe, task)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    checked = (data.validation.x, data.validation.y)
    model.fit(data.train.x, data.train.y, epochs=epochs, verbose=0, validation_data=checked)


def small() -> Any:
    """Data for a few steps."""
    import kerasnets as kn

    return kn.load_data("seizure-simulated", recordings_per_class=3)


def torch_step() -> None:
    """Train one step in PyTorch."""
    import torch
    import torch_nets
    from torch_side import make_epoch

    x, y = torch.zeros(32, 178), torch.zeros(32, dtype=torch.long)
    net = torch_nets.NETS["seizure-cnn"]()
    make_epoch(net, lambda: iter([(x, y)]), 32, 1, "plain", fused=False)()


def main() -> None:
    """Run one action."""
    action = sys.argv[1]
    {
        "kerasnets --help": help_text,
        "import kerasnets": lambda: imported("kerasnets"),
        "import tensorflow and keras": lambda: imported("tensorflow", "keras"),
        "import torch": lambda: imported("torch"),
        "first step: ours": lambda: ours(1),
        "first step: keras fit": lambda: keras_fit(1),
        "first step: torch": torch_step,
        "3 epochs: ours": lambda: ours(3),
        "3 epochs: keras fit": lambda: keras_fit(3),
    }[action]()
    print("done", flush=True)


if __name__ == "__main__":
    main()
