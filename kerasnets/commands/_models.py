"""Load the model that an argument of the command line names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kerasnets import nets
from kerasnets._lazy import keras
from kerasnets.training import Run, load_run


def load_model(text: str, net_arguments: dict[str, Any]) -> tuple[keras.Model | Run, str]:
    """Load a run folder or a ``.keras`` file, or build a net.

    Args:
        text: a folder, a file, or the name of a net.
        net_arguments: arguments for the builder of the net.

    Returns:
        The run or model, and its name.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: there is no such net.
    """
    path = Path(text)
    # A folder with the name of a net need not be a run: those in exported/ are not.
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
