"""Write a model as a SavedModel, for TensorFlow Serving."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kerasnets._lazy import keras, tf
from kerasnets.exporting._logging import silenced
from kerasnets.exporting.signature import Served, TensorInfo
from kerasnets.exporting.tracing import all_layers


def write_saved_model(
    served: Served, folder: Path, class_names: Sequence[str] = (), *, guarded: bool = True
) -> list[str]:
    """Write ``saved_model.pb`` and ``variables/``.

    The signature ``serving_default`` returns the outputs of the model. A classifier with class
    names has a second signature, ``classify``. It returns the ``class_name`` and the
    ``probability`` of the most probable class, each of shape ``(batch,)``. For a multilabel
    model, it returns those of every label, each of shape ``(batch, labels)``. Both
    signatures reject inputs with NaN or infinity, and lengths that the sequences do not have; the
    error names the rows. Without rows, they return no rows.

    Args:
        served: the model and its signature.
        folder: the version folder.
        class_names: one name per class or label.
        guarded: whether the outputs of a row do not depend on other rows, so that a row can be
            added if there are none.

    Returns:
        The names of the signatures.
    """
    archive = keras.export.ExportArchive()
    layers = keras.layers
    tables = (layers.IntegerLookup, layers.StringLookup, layers.TextVectorization)
    for layer in all_layers(served.model):
        if (
            isinstance(layer, tables) and layer.built
        ):  # only variables are tracked without being asked
            archive.track(layer)

    def run(*tensors: Any) -> dict[str, Any]:
        valid = _checked(served, tensors)
        return _run_with_a_row(served, valid) if guarded else served(*valid)

    signatures: dict[str, Any] = {"serving_default": run}
    if served.is_classifier and class_names:
        classify = _all_labels if served.task == "multilabel" else _most_probable
        signatures["classify"] = lambda *x: classify(run(*x)["probabilities"], class_names)
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


def _run_with_a_row(served: Served, tensors: Sequence[Any]) -> dict[str, Any]:
    """Run the model; if there are no rows, on a row of zeros, which is removed again.

    TensorFlow cannot run all convolutions and poolings without rows.
    """
    rows = tf.shape(tensors[0])[0]
    missing = tf.cast(tf.equal(rows, 0), tf.int32)
    outputs = served(*(_with_rows(x, missing) for x in tensors))
    return {name: tf.identity(output[:rows], name=name) for name, output in outputs.items()}


def _with_rows(x: Any, count: Any) -> Any:
    zeros = tf.zeros(tf.concat([[count], tf.shape(x)[1:]], 0), x.dtype)
    return tf.ensure_shape(tf.concat([x, zeros], 0), x.shape)


def _checked(served: Served, tensors: Sequence[Any]) -> list[Any]:
    """The inputs, with checks of the lengths, and for NaN and infinity."""
    sequences = [x for info, x in zip(served.inputs, tensors, strict=True) if info.is_sequence]
    lengths = [t for info, t in zip(served.inputs, tensors, strict=True) if info.is_length]
    length = _valid_length(lengths[0], sequences[0]) if lengths and sequences else None
    checked = []
    for info, tensor in zip(served.inputs, tensors, strict=True):
        if info.is_length and length is not None:
            checked.append(length)
        elif tensor.dtype.is_floating:
            checked.append(_finite_input(info, tensor, length))
        else:
            checked.append(tensor)
    return checked


def _valid_length(length: Any, sequences: Any) -> Any:
    rows, steps = tf.shape(sequences)[0], tf.cast(tf.shape(sequences)[1], length.dtype)
    counts = tf.debugging.Assert(
        tf.equal(tf.size(length), rows),
        ["there must be one length per row; rows, lengths:", rows, tf.size(length)],
    )
    with tf.control_dependencies([counts]):
        valid = tf.logical_and(length >= 0, length <= steps)
    message = "length is negative, or larger than the number of steps, in rows (counted from 0)"
    return _with_valid_rows(length, valid, message)


def _finite_input(info: TensorInfo, x: Any, length: Any) -> Any:
    valid = tf.math.is_finite(x)
    if length is not None and info.is_sequence:
        # Padding after the end of a sequence may hold any value.
        padding = tf.logical_not(tf.sequence_mask(length, tf.shape(x)[1]))
        valid |= tf.reshape(padding, tf.concat([tf.shape(padding), [1] * (x.shape.rank - 2)], 0))
    rows = tf.reduce_all(valid, axis=list(range(1, x.shape.rank)))
    message = f"{info.name} holds NaN or infinity in rows (counted from 0)"
    return _with_valid_rows(x, rows, message)


def _with_valid_rows(x: Any, valid: Any, message: str) -> Any:
    """The tensor, with an error that names the invalid rows, if any."""
    invalid_rows = tf.where(tf.logical_not(valid))[:, 0]
    check = tf.debugging.Assert(
        tf.equal(tf.size(invalid_rows), 0), [message, invalid_rows], summarize=20
    )
    with tf.control_dependencies([check]):
        return tf.identity(x)
