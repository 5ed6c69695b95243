"""Write a model as a SavedModel, for TensorFlow Serving."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kerasnets._lazy import keras, tf
from kerasnets.exporting._logging import silenced
from kerasnets.exporting.signature import Served, TensorInfo


def write_saved_model(served: Served, folder: Path, class_names: Sequence[str] = ()) -> list[str]:
    """Write ``saved_model.pb`` and ``variables/``.

    The signature ``serving_default`` returns the outputs of the model. A classifier with class
    names has a second signature, ``classify``. It returns the ``class_name`` and the
    ``probability`` of the most probable class, each of shape ``(batch,)``. For a multilabel
    model, it returns those of every label, each of shape ``(batch, labels)``. Both
    signatures reject inputs with NaN or infinity; the error names the rows.

    Args:
        served: the model and its signature.
        folder: the version folder.
        class_names: one name per class or label.

    Returns:
        The names of the signatures.
    """
    archive = keras.export.ExportArchive()
    signatures = {"serving_default": lambda *tensors: served(*_finite(served, tensors))}
    if served.is_classifier and class_names:
        classify = _all_labels if served.task == "multilabel" else _most_probable
        signatures["classify"] = lambda *tensors: classify(
            served(*_finite(served, tensors))["probabilities"], class_names
        )
    with silenced("absl", "tensorflow"):
        for name, function in signatures.items():
            archive.add_endpoint(name, function, served.specs)
        archive.write_out(str(folder), verbose=False)
    return list(signatures)


def _all_labels(probabilities: Any, class_names: Sequence[str]) -> dict[str, Any]:
    names = tf.broadcast_to(tf.constant([list(class_names)]), tf.shape(probabilities))
    return {"class_name": names, "probability": probabilities}


def _most_probable(probabilities: Any, class_names: Sequence[str]) -> dict[str, Any]:
    if probabilities.shape[-1] == 1:
        # As in kerasnets.evaluation, a probability of exactly 0.5 predicts the second class.
        best = tf.cast(probabilities[:, 0] >= 0.5, tf.int32)
        probabilities = tf.concat([1 - probabilities, probabilities], axis=1)
    else:
        best = tf.argmax(probabilities, axis=1, output_type=tf.int32)
    return {
        "class_name": tf.gather(tf.constant(list(class_names)), best),
        "probability": tf.reduce_max(probabilities, axis=1),
    }


def _finite(served: Served, tensors: Sequence[Any]) -> list[Any]:
    """The inputs, with a check for NaN and infinity in those of a floating-point type."""
    lengths = [t for info, t in zip(served.inputs, tensors, strict=True) if info.is_length]
    return [
        _finite_input(info, tensor, lengths[0] if lengths else None)
        if tensor.dtype.is_floating
        else tensor
        for info, tensor in zip(served.inputs, tensors, strict=True)
    ]


def _finite_input(info: TensorInfo, x: Any, length: Any) -> Any:
    valid = tf.math.is_finite(x)
    if length is not None and info.is_sequence:
        # Padding after the end of a sequence may hold any value.
        padding = tf.logical_not(tf.sequence_mask(length, tf.shape(x)[1]))
        valid |= tf.reshape(padding, tf.concat([tf.shape(padding), [1] * (x.shape.rank - 2)], 0))
    rows = tf.reduce_all(valid, axis=list(range(1, x.shape.rank)))
    invalid_rows = tf.where(tf.logical_not(rows))[:, 0]
    message = f"{info.name} holds NaN or infinity in rows (counted from 0)"
    check = tf.debugging.Assert(
        tf.equal(tf.size(invalid_rows), 0), [message, invalid_rows], summarize=20
    )
    with tf.control_dependencies([check]):
        return tf.identity(x)
