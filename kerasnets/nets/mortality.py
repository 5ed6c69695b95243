"""Recurrent networks on sequences of visits, each a multi-hot row of codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnets._lazy import keras
from kerasnets.nets.catalogue import register

FEATURES = 911  # codes a visit in the documents' own example
CLASSES = 2  # alive, died


def _visit_inputs(features: int, code_dropout: float) -> tuple[dict[str, Any], Any, Any]:
    """The inputs ``visits`` and ``length``, the masked visits, and these with codes dropped."""
    # Here and not above: the layer is a Keras class, and names and summaries need no Keras.
    from kerasnets.nets.layers.length_mask import LengthMask

    inputs = {
        "visits": keras.Input((None, features), name="visits", dtype="float32"),
        "length": keras.Input((), name="length", dtype="int32"),
    }
    visits = LengthMask(name="length_mask")([inputs["visits"], inputs["length"]])
    if not code_dropout:
        return inputs, visits, visits
    return inputs, visits, keras.layers.Dropout(code_dropout, name="code_dropout")(visits)


def _dense(x: Any, units: Sequence[int], activation: str, dropout: float, l2: float) -> Any:
    """Dense layers that see a visit at a time, each followed by dropout where its rate is not 0."""
    for number, width in enumerate(units, start=1):
        name = f"dense_{number}"
        x = keras.layers.Dense(width, activation=activation, name=name, **_penalty(l2))(x)
        if dropout:
            x = keras.layers.Dropout(dropout, name=f"{name}_dropout")(x)
    return x


def _penalty(l2: float) -> dict[str, Any]:
    return {"kernel_regularizer": keras.regularizers.L2(l2)} if l2 else {}


def _classifier(
    name: str, inputs: Any, visits: Any, x: Any, *, classes: int, l2: float, wide: bool
) -> keras.Model:
    arguments = _penalty(l2)
    if wide:
        # Beyond each length the visits are 0, so the largest value says whether a code was ever
        # there. An operation, since Keras's pooling layers complain of a mask they do not need.
        ever = keras.ops.max(visits, axis=1)
        x = keras.layers.Concatenate(name="wide_and_deep")([x, ever])
        # As a linear model starts: of rare codes, random weights would stay to the end.
        arguments["kernel_initializer"] = "zeros"
    logits = keras.layers.Dense(classes, name="logits", **arguments)(x)
    return keras.Model(inputs, logits, name=name)


def _recurrent_stack(layer: Any, x: Any, units: Sequence[int], **arguments: Any) -> Any:
    """Recurrent layers in a row; the last gives its last state only."""
    for number, width in enumerate(units, start=1):
        name = f"{layer.__name__.lower()}_{number}"
        last = number == len(units)
        x = layer(width, return_sequences=not last, name=name, **arguments)(x)
    return x


@register("mortality-gru", data="mimic3", source="S1 S2 S5")
def mortality_gru(
    *,
    dense_units: Sequence[int] = (32,),
    activation: str = "tanh",
    units: Sequence[int] = (16,),
    reset_after: bool = True,
    dropout: float = 0.0,
    code_dropout: float = 0.0,
    l2: float = 0.0,
    wide: bool = False,
    features: int = FEATURES,
    classes: int = CLASSES,
) -> keras.Model:
    """Visits → 32 tanh → GRU 16 → 2: 31,618 parameters at 911 codes.

    The baseline of S1, S2 and S5, which do not name the activation of the dense layer; tanh
    keeps what enters the GRU in the range of its states.

    Args:
        dense_units: the width of each dense layer before the recurrent ones; it sees a visit
            at a time.
        activation: of the dense layers.
        units: the width of each GRU layer.
        reset_after: apply the reset gate after the matrix product, with a second bias vector.
        dropout: the rate after each dense layer.
        code_dropout: the share of a visit's codes that training drops; with few patients and
            many codes it keeps a net from learning patients by heart.
        l2: the weight of the squared kernels in the loss, for the same.
        wide: also give the last layer which codes were ever there, beside the last state, so that
            the net is a logistic regression on the bag of codes plus what the order adds
            (Cheng et al. 2016); ``2 * features`` parameters more.
        features: codes a visit is a multi-hot row of.
        classes: how many logits come out.
    """
    inputs, visits, x = _visit_inputs(features, code_dropout)
    x = _dense(x, dense_units, activation, dropout, l2)
    x = _recurrent_stack(keras.layers.GRU, x, units, reset_after=reset_after, **_penalty(l2))
    return _classifier("mortality-gru", inputs, visits, x, classes=classes, l2=l2, wide=wide)


@register("mortality-lstm", data="mimic3", source="S5")
def mortality_lstm(
    *,
    dense_units: Sequence[int] = (64,),
    activation: str = "tanh",
    units: Sequence[int] = (16, 16),
    head_units: int = 8,
    dropout: float = 0.0,
    code_dropout: float = 0.0,
    l2: float = 0.0,
    wide: bool = False,
    features: int = FEATURES,
    classes: int = CLASSES,
) -> keras.Model:
    """Visits → 64 tanh → LSTM 16, LSTM 16 → 8 ReLU → 2, S5's improvement: 65,818 parameters.

    Arguments as in ``mortality-gru``, and ``head_units``, the width of the ReLU layer before the
    logits. S5 does not name the activation of the first layer.
    """
    inputs, visits, x = _visit_inputs(features, code_dropout)
    x = _dense(x, dense_units, activation, dropout, l2)
    x = _recurrent_stack(keras.layers.LSTM, x, units, **_penalty(l2))
    x = keras.layers.Dense(head_units, activation="relu", name="head", **_penalty(l2))(x)
    return _classifier("mortality-lstm", inputs, visits, x, classes=classes, l2=l2, wide=wide)


@register("mortality-deep", data="mimic3", source="S2")
def mortality_deep(
    *,
    dense_units: Sequence[int] = (128, 64, 32),
    negative_slope: float = 0.1,
    dropout: float = 0.2,
    units: Sequence[int] = (16, 16, 16, 16),
    reset_after: bool = True,
    code_dropout: float = 0.0,
    l2: float = 0.0,
    wide: bool = False,
    features: int = FEATURES,
    classes: int = CLASSES,
) -> keras.Model:
    """Visits → 128 → 64 → 32 LeakyReLU with dropout → four GRU 16 → 2: 134,402 parameters.

    S2's improvement; it gives neither widths nor rates, so these are ours. Arguments as in
    ``mortality-gru``, and ``negative_slope``, that of the LeakyReLU after each dense layer.
    """
    inputs, visits, x = _visit_inputs(features, code_dropout)
    for number, width in enumerate(dense_units, start=1):
        x = keras.layers.Dense(width, name=f"dense_{number}", **_penalty(l2))(x)
        x = keras.layers.LeakyReLU(negative_slope, name=f"dense_{number}_leaky_relu")(x)
        x = keras.layers.Dropout(dropout, name=f"dense_{number}_dropout")(x)
    x = _recurrent_stack(keras.layers.GRU, x, units, reset_after=reset_after, **_penalty(l2))
    return _classifier("mortality-deep", inputs, visits, x, classes=classes, l2=l2, wide=wide)
