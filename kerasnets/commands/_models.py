"""The model that a word of the command line means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kerasnets import nets
from kerasnets._lazy import keras
from kerasnets.training import Run, load_run


def load_model(text: str, net_arguments: dict[str, Any]) -> tuple[keras.Model | Run, str]:
    """The run in a folder, the model in a ``.keras`` file, or a fresh net; and its name."""
    path = Path(text)
    # A folder may have a net's name without being a run, as those in exported/ have.
    if (path / "recipe.toml").is_file() or (path.is_dir() and text not in nets.list_nets()):
        run = load_run(path)
        return run, run.name
    if path.suffix == ".keras" or len(path.parts) > 1:
        if not path.is_file():
            raise FileNotFoundError(f"There is no file {path}.")
        model = nets.load_model(path, compile=False)
    else:
        model = nets.build(text, **net_arguments)
    return model, model.name
