"""Models of ten kinds to train with ``kerasnets.fit``, each with its data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from keras import layers

from kerasnets.nets.layers.length_mask import LengthMask
from tests.engine import custom_models as custom
from tests.engine.model_data import (
    Data,
    binary_data,
    by_length_data,
    floats,
    image_data,
    masked_values_data,
    multilabel_data,
    named_data,
    onehot_data,
    pair_data,
    reconstructed,
    regression_data,
    tag_data,
    token_data,
    two_outputs_data,
    weighted_data,
)


@dataclass(frozen=True)
class Case:
    """A compiled model with its data.

    Attributes:
        kind: one of the ten kinds.
        build: returns the compiled model.
        data: takes a number of rows and a ``np.random.Generator``, returns ``(x,)``, ``(x, y)`` or
            ``(x, y, sample_weight)``.
        random: whether the model has a random layer, so that histories differ.
        tolerance: largest difference of weights after three epochs.
        policy: dtype policy to build under.
        arguments: further arguments of ``fit``.
    """

    kind: str
    build: Callable[[], keras.Model]
    data: Callable[[int, np.random.Generator], Data]
    random: bool = False
    tolerance: float = 2e-5
    policy: str = "float32"
    arguments: dict[str, Any] = field(default_factory=dict)


def dense_net(outputs: int = 1, activation: str | None = None, **options: Any) -> keras.Model:
    """A net with one hidden layer of 8 units, which takes ``options``."""
    inputs = keras.Input((8,))
    hidden = layers.Dense(8, "relu", **options)(inputs)
    return keras.Model(inputs, layers.Dense(outputs, activation)(hidden))


def compiled(model: keras.Model, optimizer: Any = "adam", loss: Any = "mse", **more: Any) -> Any:
    """Compile a model and return it."""
    model.compile(optimizer, loss, **more)
    return model


def regularized() -> keras.Model:
    """L2, momentum, a learning-rate schedule and clipping by norm."""
    decay = keras.optimizers.schedules.ExponentialDecay(0.05, 3, 0.8)
    optimizer = keras.optimizers.SGD(decay, momentum=0.9, nesterov=True, clipnorm=0.5)
    return compiled(dense_net(kernel_regularizer=keras.regularizers.L2(0.01)), optimizer)


def normalized() -> keras.Model:
    """Batch normalization, weight decay and a moving average of the weights."""
    inputs = keras.Input((8,))
    # The gradient of a bias before it is 0, and Adam would amplify its rounding errors.
    hidden = layers.BatchNormalization(momentum=0.8)(layers.Dense(8, use_bias=False)(inputs))
    model = keras.Model(inputs, layers.Dense(1)(layers.ReLU()(hidden)))
    options = {"use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 5}
    return compiled(model, keras.optimizers.AdamW(0.01, weight_decay=0.01, **options))


def frozen() -> keras.Model:
    """A frozen layer, and clipping by value."""
    model = dense_net(4)
    model.layers[1].trainable = False
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    return compiled(model, keras.optimizers.Adagrad(0.05, clipvalue=0.1), loss, metrics=["mae"])


def f1_of_classes() -> keras.Model:
    """Softmax, with metrics that have vectors or matrices as state."""
    metrics = [keras.metrics.F1Score("macro"), custom.Confusion(3), "accuracy"]
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)
    return compiled(dense_net(3, "softmax"), loss=loss, metrics=metrics)


def two_inputs(as_dict: bool) -> keras.Model:
    """Floats and integers, as a list or a dict."""
    a, b = keras.Input((8,), name="a"), keras.Input((2,), dtype="int32", name="b")
    embedded = layers.Flatten()(layers.Embedding(5, 3)(b))
    output = layers.Dense(1)(layers.Concatenate()([layers.Dense(4, "tanh")(a), embedded]))
    model = keras.Model({"a": a, "b": b} if as_dict else [a, b], output)
    return compiled(model, keras.optimizers.RMSprop(0.01, momentum=0.5))


def siamese() -> keras.Model:
    """One shared layer on two inputs."""
    a, b = keras.Input((8,)), keras.Input((8,))
    shared = layers.Dense(4, "tanh")
    output = layers.Dense(1)(layers.Subtract()([shared(a), shared(b)]))
    return compiled(keras.Model([a, b], output), keras.optimizers.Adamax(0.01))


def two_outputs(as_dict: bool) -> keras.Model:
    """A number and one of three classes."""
    inputs = keras.Input((8,))
    hidden = layers.Dense(8, "relu")(inputs)
    number, kind = layers.Dense(1, name="number")(hidden), layers.Dense(3, name="kind")(hidden)
    classes = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    if not as_dict:
        return compiled(
            keras.Model(inputs, [number, kind]),
            loss=["mse", classes],
            loss_weights=[1.0, 0.5],
            metrics=[["mae"], ["accuracy"]],
            weighted_metrics=[["mse"], []],
        )
    return compiled(
        keras.Model(inputs, {"number": number, "kind": kind}),
        loss={"number": "mae", "kind": classes},
        loss_weights={"number": 2.0, "kind": 1.0},
        metrics={"kind": ["accuracy"], "number": ["mse"]},
    )


def image_autoencoder() -> keras.Model:
    """A strided convolution, and a transposed convolution to the original size."""
    inputs = keras.Input((8, 8, 1))
    code = layers.Conv2D(3, 3, strides=2, padding="same", activation="relu")(inputs)
    output = layers.Conv2DTranspose(1, 3, strides=2, padding="same")(code)
    return compiled(keras.Model(inputs, output))


def denoiser() -> keras.Model:
    """An autoencoder that removes added noise."""
    inputs = keras.Input((8,))
    return compiled(keras.Model(inputs, layers.Dense(8)(layers.GaussianNoise(0.1)(inputs))))


def masked_values() -> keras.Model:
    """A GRU on sequences whose steps of zeros are masked."""
    inputs = keras.Input((6, 3))
    states = layers.GRU(4)(layers.Masking()(inputs))
    return compiled(keras.Model(inputs, layers.Dense(1)(states)), metrics=["mae"])


def tagger() -> keras.Model:
    """Embedded tokens, and a class per token; masked tokens have no weight."""
    inputs = keras.Input((7,), dtype="int64")
    embedded = layers.Embedding(12, 4, mask_zero=True)(inputs)
    states = layers.LSTM(4, return_sequences=True)(embedded)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model = keras.Model(inputs, layers.TimeDistributed(layers.Dense(3))(states))
    return compiled(model, loss=loss, metrics=["accuracy"])


def by_length() -> keras.Model:
    """An LSTM on sequences with their length as a second input."""
    visits = keras.Input((None, 3), name="visits")
    length = keras.Input((), dtype="int32", name="length")
    states = layers.Bidirectional(layers.LSTM(3))(LengthMask()([visits, length]))
    inputs = {"visits": visits, "length": length}
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    return compiled(keras.Model(inputs, layers.Dense(1)(states)), loss=loss, metrics=["accuracy"])


def transformer(causal: bool) -> keras.Model:
    """Attention over embedded tokens: a class per sequence, or the next token at each position."""
    inputs = keras.Input((7,), dtype="int64")
    x = layers.Embedding(12, 8)(inputs) + custom.Positions(7, 8)(inputs)
    attended = layers.MultiHeadAttention(2, 4)(x, x, use_causal_mask=causal)
    x = layers.LayerNormalization()(x + attended)
    x = layers.LayerNormalization()(x + layers.Dense(8, "gelu")(x))
    output = layers.Dense(12 if causal else 2)(x if causal else x[:, 0])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return compiled(keras.Model(inputs, output), loss=loss, metrics=["accuracy"])


def image_net(augmented: bool) -> keras.Model:
    """Convolutions, batch normalization and, if augmented, flips and dropout."""
    inputs = keras.Input((8, 8, 1))
    x = layers.RandomFlip()(inputs) if augmented else inputs
    x = layers.BatchNormalization()(layers.Conv2D(4, 3, activation="relu")(x))
    x = layers.SeparableConv2D(4, 3, activation="relu")(layers.DepthwiseConv2D(3)(x))
    x = layers.GlobalAveragePooling2D()(x) if augmented else layers.Flatten()(x)
    x = layers.Dropout(0.3)(x) if augmented else x
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return compiled(keras.Model(inputs, layers.Dense(3)(x)), loss=loss, metrics=["accuracy"])


CLASSES = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
LOGITS = keras.losses.BinaryCrossentropy(from_logits=True)
CASES: dict[str, Case] = {
    "dense": Case("regression", lambda: compiled(dense_net(), metrics=["mae"]), regression_data),
    "l2-momentum-schedule": Case("regression", regularized, regression_data),
    "subclassed-add-loss": Case("regression", custom.subclassed, regression_data),
    "batch-norm-adamw-ema": Case("regression", normalized, regression_data),
    "mixed-float16": Case("regression", lambda: compiled(dense_net(), "sgd"), regression_data,
                          policy="mixed_float16", tolerance=1e-3),
    "logits-auc": Case("one sigmoid", lambda: compiled(
        dense_net(), "nadam", LOGITS,
        metrics=[keras.metrics.AUC(from_logits=True, name="auc"), "accuracy"]),
        binary_data),
    "sigmoid-class-weight": Case("one sigmoid", lambda: compiled(
        dense_net(1, "sigmoid"), keras.optimizers.Lion(0.003), "binary_crossentropy",
        metrics=["accuracy"], weighted_metrics=["mae"]), binary_data,
        arguments={"class_weight": {0: 1.0, 1: 3.0}}),
    "one-hot-f1": Case("one sigmoid", f1_of_classes, onehot_data),
    "multilabel-auc-accumulated": Case("multi-label", lambda: compiled(
        dense_net(4, "sigmoid"), keras.optimizers.Adam(gradient_accumulation_steps=2),
        "binary_crossentropy",
        metrics=[keras.metrics.AUC(multi_label=True, num_labels=4, name="auc")]),
        multilabel_data),
    "multilabel-frozen": Case("multi-label", frozen, multilabel_data),
    "list-inputs": Case("multi-input", lambda: two_inputs(False), pair_data),
    "dict-inputs": Case("multi-input", lambda: two_inputs(True), named_data),
    "shared-layer": Case("multi-input", siamese, lambda rows, rng: (
        [floats(rng, rows, 8), floats(rng, rows, 8)], floats(rng, rows))),
    "list-outputs-weighted": Case("multi-output", lambda: two_outputs(False), weighted_data),
    "dict-outputs": Case("multi-output", lambda: two_outputs(True), lambda rows, rng: (
        lambda x, number, kind: (x, {"kind": kind, "number": number})
    )(*two_outputs_data(rows, rng))),
    "nested-outputs": Case("multi-output", custom.nested, regression_data),
    "autoencoder": Case("autoencoder", lambda: compiled(
        dense_net(8), keras.optimizers.Adam(global_clipnorm=0.5)), reconstructed(regression_data)),
    "image-autoencoder": Case("autoencoder", image_autoencoder, reconstructed(image_data)),
    "denoiser": Case("autoencoder", denoiser, reconstructed(regression_data), random=True),
    "own-keys": Case("custom train_step", custom.own_keys, regression_data),
    "plain-numbers": Case("custom train_step", custom.plain_numbers, regression_data),
    "own-metrics": Case("custom train_step", custom.own_metrics, regression_data),
    "own-compute-metrics": Case("custom train_step", custom.own_results, regression_data),
    "gan": Case("custom train_step", custom.gan, lambda rows, rng: (floats(rng, rows, 4),),
                random=True),
    "vae": Case("custom train_step", custom.vae, lambda rows, rng: (floats(rng, rows, 8),),
                random=True),
    "masking-gru": Case("masked sequences", masked_values, masked_values_data),
    "mask-zero-lstm": Case("masked sequences", tagger, tag_data),
    "length-mask-bidirectional": Case("masked sequences", by_length, by_length_data),
    "transformer": Case("transformer", lambda: transformer(False), token_data),
    "transformer-causal": Case("transformer", lambda: transformer(True), lambda rows, rng: (
        lambda x, _: (x, np.roll(x, -1, axis=1)))(*token_data(rows, rng))),
    "cnn": Case("augmentation CNN", lambda: image_net(False), image_data, tolerance=1e-4),
    "cnn-augmented": Case("augmentation CNN", lambda: image_net(True), image_data, random=True),
}  # fmt: skip


def build(case: Case, seed: int = 0) -> keras.Model:
    """Return the compiled model of a case, with the initial weights of a seed."""
    keras.utils.set_random_seed(seed)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(case.policy)
    try:
        return case.build()
    finally:
        keras.config.set_dtype_policy(before)


def arguments(case: Case, rows: int = 22, seed: int = 0) -> dict[str, Any]:
    """Return the data of a case and its arguments, as keyword arguments of ``fit``."""
    names = ("x", "y", "sample_weight")
    data = case.data(rows, np.random.default_rng(seed))
    return dict(zip(names, data, strict=False)) | case.arguments
