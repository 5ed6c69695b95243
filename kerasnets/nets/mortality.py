"""Recurrent networks on sequences of visits, each visit a multi-hot vector of codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnets._lazy import keras
from kerasnets.nets.catalogue import register

FEATURES = 911  # codes per visit in the example of the course reports
CLASSES = 2  # alive, died

# After 5 to 15 epochs, the nets memorize patients.
_RECIPE: dict[str, Any] = {"epochs": 40, "early_stopping": 5, "net_arguments": {"wide": True}}
# The eICU demo has about 150 deaths to learn from, so most of the net is a logistic regression.
# Adam would change the weight of a rare code by as much as that of a frequent one.
_FEW_DEATHS: dict[str, Any] = {
    "epochs": 20,
    "optimizer": "sgd",
    "learning_rate": 0.1,
    "schedule": "cosine",
    "net_arguments": {"l2": 0.01, "wide": True},
}
_RECIPES: dict[str, Any] = {
    "recipe_by_data": {"eicu": _FEW_DEATHS},
    "as_reported": {},
    **_RECIPE,
}


def _visit_inputs(features: int, code_dropout: float) -> tuple[dict[str, Any], Any, Any]:
    """The inputs ``visits`` and ``length``, the masked visits, and those after code dropout."""
    # Imported here because the layer imports Keras. Names and summaries must work without Keras.
    from kerasnets.nets.layers.length_mask import LengthMask

    inputs = {
        "visits": keras.Input((None, features), name="visits", dtype="float32"),
        "length": keras.Input((), name="length", dtype="int32"),
    }
    visits = LengthMask(name="length_mask")([inputs["visits"], inputs["length"]])
    if not code_dropout:
        return inputs, visits, visits
    return inputs, visits, keras.layers.Dropout(code_dropout, name="code_dropout")(visits)


def _dense_stack(x: Any, units: Sequence[int], activation: str, dropout: float, l2: float) -> Any:
    """Dense layers on each visit, each with dropout after it if the rate is not 0."""
    for number, width in enumerate(units, start=1):
        name = f"dense_{number}"
        x = keras.layers.Dense(width, activation=activation, name=name, **_penalty(l2))(x)
        if dropout:
            x = keras.layers.Dropout(dropout, name=f"{name}_dropout")(x)
    return x


def _penalty(l2: float) -> dict[str, Any]:
    return {"kernel_regularizer": keras.regularizers.L2(l2)} if l2 else {}


def _recurrent_stack(layer: Any, x: Any, units: Sequence[int], **arguments: Any) -> Any:
    """A stack of recurrent layers; the last one returns its last state only."""
    for number, width in enumerate(units, start=1):
        name = f"{layer.__name__.lower()}_{number}"
        last = number == len(units)
        x = layer(width, return_sequences=not last, name=name, **arguments)(x)
    return x


def _classifier(
    inputs: Any, visits: Any, x: Any, *, classes: int, l2: float, wide: bool
) -> keras.Model:
    arguments = _penalty(l2)
    if wide:
        # Visits are 0 beyond their length, so the maximum shows whether a code occurred in any
        # visit. An operation, because Keras's pooling layers warn about a mask here.
        occurred = keras.ops.max(visits, axis=1)
        x = keras.layers.Concatenate(name="wide_and_deep")([x, occurred])
        # As in a linear model. Random initial weights of rare codes would hardly change.
        arguments["kernel_initializer"] = "zeros"
    return keras.Model(inputs, keras.layers.Dense(classes, name="logits", **arguments)(x))


@register("mortality-gru", data="mimic3", source="S1 S2 S5", **_RECIPES)
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

    The baseline of S1, S2 and S5. They do not state the activation function of the dense layer;
    with tanh, the inputs of the GRU have the range of its states.

    Args:
        dense_units: the width of each dense layer before the recurrent layers, on each visit.
        activation: the activation function of the dense layers.
        units: the width of each GRU layer.
        reset_after: apply the reset gate after the matrix product, with a second bias vector.
        dropout: the dropout rate after each dense layer.
        code_dropout: the rate at which training drops codes of a visit. With few patients and
            many codes, this keeps the net from memorizing patients.
        l2: the L2 penalty on all kernels, for the same purpose.
        wide: connect the last layer also to a vector of the codes that occur in any visit. The
            net is then a logistic regression on these codes plus what their order adds (Cheng
            et al. 2016). Adds ``2 * features`` parameters.
        features: the number of codes, the length of the multi-hot vector of a visit.
        classes: the number of logits.
    """
    inputs, visits, x = _visit_inputs(features, code_dropout)
    x = _dense_stack(x, dense_units, activation, dropout, l2)
    x = _recurrent_stack(keras.layers.GRU, x, units, reset_after=reset_after, **_penalty(l2))
    return _classifier(inputs, visits, x, classes=classes, l2=l2, wide=wide)


@register("mortality-lstm", data="mimic3", source="S5", **_RECIPES)
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
    """Visits → 64 tanh → LSTM 16, LSTM 16 → 8 ReLU → 2, improved net of S5: 65,818 parameters.

    S5 does not state the activation function of the first layer.

    Args:
        dense_units: as in ``mortality-gru``.
        activation: as in ``mortality-gru``.
        units: the width of each LSTM layer.
        head_units: the width of the ReLU layer before the logits.
        dropout: as in ``mortality-gru``.
        code_dropout: as in ``mortality-gru``.
        l2: as in ``mortality-gru``.
        wide: as in ``mortality-gru``.
        features: as in ``mortality-gru``.
        classes: the number of logits.
    """
    inputs, visits, x = _visit_inputs(features, code_dropout)
    x = _dense_stack(x, dense_units, activation, dropout, l2)
    x = _recurrent_stack(keras.layers.LSTM, x, units, **_penalty(l2))
    x = keras.layers.Dense(head_units, activation="relu", name="head", **_penalty(l2))(x)
    return _classifier(inputs, visits, x, classes=classes, l2=l2, wide=wide)


@register("mortality-deep", data="mimic3", source="S2", **_RECIPES)
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

    The improved net of S2, which states neither widths nor rates; they are our choice.

    Args:
        dense_units: as in ``mortality-gru``.
        negative_slope: the slope of the LeakyReLU after each dense layer.
        dropout: as in ``mortality-gru``.
        units: the width of each GRU layer.
        reset_after: as in ``mortality-gru``.
        code_dropout: as in ``mortality-gru``.
        l2: as in ``mortality-gru``.
        wide: as in ``mortality-gru``.
        features: as in ``mortality-gru``.
        classes: the number of logits.
    """
    inputs, visits, x = _visit_inputs(features, code_dropout)
    for number, width in enumerate(dense_units, start=1):
        x = keras.layers.Dense(width, name=f"dense_{number}", **_penalty(l2))(x)
        x = keras.layers.LeakyReLU(negative_slope, name=f"dense_{number}_leaky_relu")(x)
        x = keras.layers.Dropout(dropout, name=f"dense_{number}_dropout")(x)
    x = _recurrent_stack(keras.layers.GRU, x, units, reset_after=reset_after, **_penalty(l2))
    return _classifier(inputs, visits, x, classes=classes, l2=l2, wide=wide)
