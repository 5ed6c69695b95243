"""A model as a TensorFlow SavedModel, which TensorFlow Serving reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kerasnets._lazy import keras, tf
from kerasnets.exporting.onnx._quiet import quiet
from kerasnets.exporting.signature import Served, TensorInfo


def write_saved_model(served: Served, folder: Path, class_names: Sequence[str] = ()) -> list[str]:
    """Write ``saved_model.pb`` and ``variables/``.

    The signature ``serving_default`` gives the outputs of the model. A classifier whose classes
    have names gets a second one, ``classify``, with ``class_name`` and its ``probability``, each
    of shape ``(batch,)``. Both refuse requests with NaN or infinity, by the index of the row.

    Args:
        served: the model under its serving names.
        folder: the version folder.
        class_names: one name a class.

    Returns:
        The names of the signatures.
    """
    archive = keras.export.ExportArchive()
    signatures = {"serving_default": lambda *tensors: served(*_finite(served, tensors))}
    if served.classifier and class_names:
        signatures["classify"] = lambda *tensors: _classify(
            served(*_finite(served, tensors))["probabilities"], class_names
        )
    with quiet("absl", "tensorflow"):
        for name, function in signatures.items():
            archive.add_endpoint(name, function, served.specs)
        archive.write_out(str(folder), verbose=False)
    return list(signatures)


def _classify(probabilities: Any, class_names: Sequence[str]) -> dict[str, Any]:
    if probabilities.shape[-1] == 1:
        probabilities = tf.concat([1 - probabilities, probabilities], axis=1)
    best = tf.argmax(probabilities, axis=1)
    return {
        "class_name": tf.gather(tf.constant(list(class_names)), best),
        "probability": tf.reduce_max(probabilities, axis=1),
    }


def _finite(served: Served, tensors: Sequence[Any]) -> list[Any]:
    """The inputs, behind a check of each that is made of floats."""
    lengths = [t for info, t in zip(served.inputs, tensors, strict=True) if info.is_length]
    return [
        _finite_input(info, tensor, lengths[0] if lengths else None)
        if tensor.dtype.is_floating
        else tensor
        for info, tensor in zip(served.inputs, tensors, strict=True)
    ]


def _finite_input(info: TensorInfo, x: Any, length: Any) -> Any:
    fine = tf.math.is_finite(x)
    if length is not None and info.is_sequence:
        # What stands beyond the length of a sequence is anybody's.
        beyond = tf.logical_not(tf.sequence_mask(length, tf.shape(x)[1]))
        fine |= tf.reshape(beyond, tf.concat([tf.shape(beyond), [1] * (x.shape.rank - 2)], 0))
    rows = tf.reduce_all(fine, axis=list(range(1, x.shape.rank)))
    wrong = tf.where(tf.logical_not(rows))[:, 0]
    what = f"{info.name} holds NaN or infinity in rows (counted from 0)"
    check = tf.debugging.Assert(tf.equal(tf.size(wrong), 0), [what, wrong], summarize=20)
    with tf.control_dependencies([check]):
        return tf.identity(x)
