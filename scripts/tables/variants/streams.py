"""Models of many kinds that can run on a live stream, with random weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kerasnets._lazy import keras

Build = Callable[[], keras.Model]
VARIANTS: dict[str, Build] = {}


def variant(function: Build) -> Build:
    """Add a model to ``VARIANTS``, under the name of the function."""
    VARIANTS[function.__name__] = function
    return function


def build(name: str) -> keras.Model:
    """A model with random weights, so that its outputs depend on every layer."""
    keras.utils.set_random_seed(0)
    model = VARIANTS[name]()
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if weight.dtype not in ("float32", "float16") or "seed_generator" in weight.path:
            continue
        values = rng.normal(0, 0.3, weight.shape)
        weight.assign(abs(values) + 0.5 if "variance" in weight.path else values)
    return model


def _sequence(layers: Callable[[Any], Any], features: int = 3, time: int | None = None) -> Any:
    x = keras.Input((time, features), name="x")
    return keras.Model(x, layers(x))


def _layers() -> Any:
    return keras.layers


@variant
def gru() -> keras.Model:
    """A GRU at every step, and a classifier on it."""
    nn = _layers()
    return keras.Sequential(
        [keras.Input((None, 3)), nn.GRU(8, return_sequences=True), nn.Dense(4, "softmax")]
    )


@variant
def lstm_last() -> keras.Model:
    """The last state of two LSTM layers."""
    nn = _layers()
    return _sequence(lambda x: nn.Dense(2)(nn.LSTM(6)(nn.LSTM(5, return_sequences=True)(x))))


@variant
def simple_rnn() -> keras.Model:
    """A SimpleRNN with ReLU."""
    return _sequence(_layers().SimpleRNN(6, activation="relu", return_sequences=True))


@variant
def gru_reset_before() -> keras.Model:
    """A GRU that applies the reset gate first, without bias."""
    nn = _layers()
    return _sequence(lambda x: nn.Dense(3)(nn.GRU(7, reset_after=False, use_bias=False)(x)))


@variant
def stacked_cells() -> keras.Model:
    """A stack of different cells in one layer."""
    nn = _layers()
    cells = [nn.GRUCell(5), nn.LSTMCell(4), nn.SimpleRNNCell(3)]
    return _sequence(nn.RNN(cells, return_sequences=True))


@variant
def unrolled_lstm() -> keras.Model:
    """An unrolled LSTM on sequences of 20 steps."""
    return _sequence(_layers().LSTM(5, unroll=True), time=20)


@variant
def normalized_gru() -> keras.Model:
    """Rescaling, normalization layers, dropout and noise around a GRU."""
    nn = _layers()

    def layers(x: Any) -> Any:
        x = nn.Normalization(mean=[1.0, 2.0, 3.0], variance=[1.0, 4.0, 9.0])(x)
        x = nn.GaussianNoise(0.1)(nn.Rescaling(0.5, 0.1)(x))
        x = nn.LayerNormalization()(nn.Dropout(0.3)(nn.GRU(6, return_sequences=True)(x)))
        x = nn.BatchNormalization()(nn.PReLU(shared_axes=[1])(x))
        return nn.Softmax()(nn.UnitNormalization()(nn.RMSNormalization()(x)))

    return _sequence(layers)


@variant
def wavenet() -> keras.Model:
    """Dilated causal convolutions with gates and residuals."""
    nn = _layers()

    def layers(x: Any) -> Any:
        x = nn.Conv1D(4, 1)(x)
        for dilation in (1, 2, 4, 8):
            conv = {"kernel_size": 2, "padding": "causal", "dilation_rate": dilation}
            gate = nn.Conv1D(4, activation="sigmoid", **conv)(x)
            x = nn.Add()([x, nn.Multiply()([nn.Conv1D(4, activation="tanh", **conv)(x), gate])])
        return nn.Conv1D(2, 1)(nn.ReLU()(x))

    return _sequence(layers)


@variant
def temporal_convolutions() -> keras.Model:
    """Causal convolutions, and the mean and maximum of all steps."""
    nn = _layers()

    def layers(x: Any) -> Any:
        x = nn.Conv1D(6, 5, padding="causal", activation="relu")(x)
        x = nn.SpatialDropout1D(0.2)(nn.Conv1D(6, 3, padding="causal", dilation_rate=3)(x))
        pooled = [nn.GlobalAveragePooling1D()(x), nn.GlobalMaxPooling1D()(x)]
        return nn.Dense(3)(nn.Concatenate()(pooled))

    return _sequence(layers)


@variant
def causal_stride() -> keras.Model:
    """A causal convolution with a stride, and a GRU on its steps."""
    nn = _layers()

    def layers(x: Any) -> Any:
        x = nn.Conv1D(6, 4, strides=2, padding="causal", activation="elu")(x)
        return nn.GRU(5, return_sequences=True)(x)

    return _sequence(layers)


@variant
def convolution_without_padding() -> keras.Model:
    """Convolutions without padding and max pooling, and the last state of a GRU."""
    nn = _layers()

    def layers(x: Any) -> Any:
        x = nn.MaxPooling1D(2)(nn.Conv1D(6, 5, activation="relu")(x))
        x = nn.MaxPooling1D(3, strides=2)(nn.Conv1D(8, 3, activation="relu")(x))
        return nn.Dense(3)(nn.GRU(5)(x))

    return _sequence(layers)


@variant
def stride_above_kernel() -> keras.Model:
    """A convolution with a dilation, and one that skips steps."""
    nn = _layers()

    def layers(x: Any) -> Any:
        x = nn.Conv1D(4, 3, dilation_rate=2, padding="causal")(x)
        return nn.Conv1D(5, 2, strides=4)(x)

    return _sequence(layers)


@variant
def average_pooling() -> keras.Model:
    """Average pooling with overlapping windows, and an LSTM."""
    nn = _layers()
    return _sequence(
        lambda x: nn.LSTM(4, return_sequences=True)(nn.AveragePooling1D(3, strides=2)(x))
    )


@variant
def depthwise_convolution() -> keras.Model:
    """Depthwise and separable convolutions with batch normalization."""
    nn = _layers()

    def layers(x: Any) -> Any:
        x = nn.DepthwiseConv1D(4, depth_multiplier=2)(nn.ZeroPadding1D((3, 0))(x))
        x = nn.ZeroPadding1D((2, 0))(nn.ReLU()(nn.BatchNormalization()(x)))
        return nn.SeparableConv1D(5, 3, activation="tanh")(x)

    return _sequence(layers)


@variant
def grouped_convolution() -> keras.Model:
    """A causal convolution in groups."""
    nn = _layers()
    return _sequence(nn.Conv1D(6, 3, groups=2, padding="causal"), features=4)


@variant
def zeros_before() -> keras.Model:
    """Zeros before the first step, and a convolution without padding: causal in two layers."""
    nn = _layers()

    def layers(x: Any) -> Any:
        x = nn.Conv1D(5, 4)(nn.ZeroPadding1D((3, 0))(x))
        return nn.Conv1D(3, 3, dilation_rate=2)(nn.ZeroPadding1D((4, 0))(x))

    return _sequence(layers)


@variant
def two_branches() -> keras.Model:
    """A GRU and a convolution in step, joined."""
    nn = _layers()

    def layers(x: Any) -> Any:
        gru = nn.GRU(4, return_sequences=True)(x)
        conv = nn.Conv1D(4, 7, padding="causal", activation="sigmoid")(x)
        return nn.Dense(2)(nn.Concatenate()([gru * conv, nn.Maximum()([gru, conv])]))

    return _sequence(layers)


@variant
def pooled_branches() -> keras.Model:
    """Two branches with the same stride."""
    nn = _layers()

    def layers(x: Any) -> Any:
        pooled, conv = nn.MaxPooling1D(2)(x), nn.Conv1D(3, 2, strides=2)(x)
        return nn.GRU(4)(nn.Add()([pooled, conv]))

    return _sequence(layers)


@variant
def words() -> keras.Model:
    """Embedded words and an LSTM."""
    nn = _layers()
    words = keras.Input((None,), dtype="int32", name="words")
    return keras.Model(words, nn.Dense(2)(nn.LSTM(5)(nn.Embedding(10, 4)(words))))


@variant
def two_inputs() -> keras.Model:
    """Two signals with the same steps."""
    nn = _layers()
    x, z = keras.Input((None, 3), name="x"), keras.Input((None, 2), name="z")
    joined = nn.Concatenate()([x, nn.Dense(2, "tanh")(z)])
    return keras.Model({"x": x, "z": z}, nn.GRU(5, return_sequences=True)(joined))


@variant
def two_outputs() -> keras.Model:
    """An output at every step, and one for the whole sequence."""
    nn = _layers()
    x = keras.Input((None, 3), name="x")
    h = nn.GRU(5, return_sequences=True)(x)
    outputs = {"steps": nn.Dense(2)(h), "all": nn.Dense(3)(nn.LSTM(4)(h))}
    return keras.Model(x, outputs)


@variant
def nested() -> keras.Model:
    """Models inside a model, and a layer that is used twice."""
    nn = _layers()
    inner = keras.Sequential(
        [
            keras.Input((None, 4)),
            nn.Conv1D(4, 3, padding="causal"),
            nn.GRU(4, return_sequences=True),
        ]
    )
    head = keras.Sequential([keras.Input((4,)), nn.Dense(8, "relu"), nn.Dense(2)])
    shared = nn.GRU(4, return_sequences=True)
    return _sequence(lambda x: head(nn.GRU(4)(inner(shared(shared(nn.Dense(4)(x)))))))


@variant
def encoder_decoder() -> keras.Model:
    """A forecast of four steps from the last state, at every step."""
    nn = _layers()

    def layers(x: Any) -> Any:
        x = nn.RepeatVector(4)(nn.GRU(5)(x))
        return nn.TimeDistributed(nn.Dense(2))(nn.LSTM(4, return_sequences=True)(x))

    return _sequence(layers)


@variant
def operations() -> keras.Model:
    """Operations of ``keras.ops`` on steps and over all steps."""
    ops, nn = keras.ops, _layers()

    def layers(x: Any) -> Any:
        h = ops.tanh(nn.Conv1D(4, 3)(x) * 2.0 - 1.0)
        over_time = [ops.max(h, axis=1), ops.min(h, axis=1), ops.mean(h, axis=1), h[:, -1]]
        return ops.concatenate([*over_time, ops.sum(h[:, :, :2], axis=1) / 10.0], axis=-1)

    return _sequence(layers)


@variant
def spectrogram() -> keras.Model:
    """A log spectrogram of the signal, and a GRU on its frames."""
    nn = _layers()

    def layers(x: Any) -> Any:
        x = nn.STFTSpectrogram(mode="log", frame_length=8, frame_step=3, fft_length=8)(x)
        return nn.GRU(5, return_sequences=True)(x)

    return _sequence(layers, features=1, time=40)


@variant
def images() -> keras.Model:
    """A convolution of every image of a film, and an LSTM on the films."""
    nn = _layers()
    x = keras.Input((None, 6, 6, 1), name="film")
    h = nn.TimeDistributed(nn.Conv2D(3, 3, activation="relu"))(x)
    return keras.Model(x, nn.LSTM(4)(nn.TimeDistributed(nn.Flatten())(h)))


@variant
def fixed_signal() -> keras.Model:
    """Signals of 48 samples, convolution, pooling and a mean of all steps."""
    nn = _layers()
    signal = keras.Input((48,), name="signal")
    x = nn.Reshape((48, 1))(nn.Rescaling(0.1)(signal))
    x = nn.AveragePooling1D(2)(nn.Conv1D(4, 5, activation="relu")(x))
    x = nn.MaxPooling1D(2)(nn.Conv1D(6, 3, activation="relu")(x))
    return keras.Model(signal, nn.Dense(3, name="logits")(nn.GlobalAveragePooling1D()(x)))


@variant
def half_precision() -> keras.Model:
    """A model that computes in float16, and is exported in float32."""
    nn = _layers()

    def layers(x: Any) -> Any:
        x = nn.Conv1D(4, 3, padding="causal", dtype="mixed_float16")(x)
        return nn.Dense(2, dtype="float32")(nn.GRU(4, dtype="mixed_float16")(x))

    return _sequence(layers)
