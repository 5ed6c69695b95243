"""What :func:`kerasnets.export` takes: a Keras model, or a run that has one."""

from __future__ import annotations

from typing import Any, Protocol

from kerasnets._lazy import keras


class Trained(Protocol):
    """The part of a run that :func:`kerasnets.export` needs.

    If it exists, it also uses ``task``, ``class_names``, ``target_names``, ``target_units``,
    ``units``, ``name``, ``example_inputs``, ``provenance`` and ``license``.
    """

    @property
    def model(self) -> keras.Model:
        """The trained model."""


def model_of(run: object) -> Any:
    """The Keras model of a run.

    Raises:
        ValueError: it has none.
    """
    model = getattr(run, "model", None)
    if not isinstance(model, keras.Model):
        raise ValueError(
            f"model must be a keras.Model, or a run that has one as .model; "
            f"got {type(run).__name__}."
        )
    return model
