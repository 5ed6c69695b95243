"""Networks on tables: COVID-19 case reports, and the four points of XOR."""

from __future__ import annotations

from collections.abc import Sequence

from kerasnets._lazy import keras
from kerasnets.nets.blocks import classifier, dense_stack
from kerasnets.nets.catalogue import register


def _covid(
    name: str, *, units: Sequence[int], dropout: float, features: int, classes: int
) -> keras.Model:
    case = keras.Input((features,), name="case", dtype="float32")
    return classifier(name, case, dense_stack(case, units, "relu", dropout), classes)


@register("covid-1", data="covid", source="S4")
def covid_1(
    *,
    units: Sequence[int] = (),
    dropout: float = 0.0,
    features: int = 11,
    classes: int = 2,
) -> keras.Model:
    """11 case columns → died or not, in one layer: 24 parameters.

    S4's 1-layer net: a logistic regression, whose weights can be read off.

    Args:
        units: the width of each hidden ReLU layer.
        dropout: the rate after each hidden layer.
        features: columns a case.
        classes: how many logits come out.
    """
    return _covid("covid-1", **locals())


@register("covid-2", data="covid", source="S4")
def covid_2(
    *,
    units: Sequence[int] = (16,),
    dropout: float = 0.0,
    features: int = 11,
    classes: int = 2,
) -> keras.Model:
    """11 case columns → 16 ReLU → died or not, in two layers: 226 parameters.

    S4's 2-layer net; it does not give the width, 16 is ours. Arguments as in ``covid-1``.
    """
    return _covid("covid-2", **locals())


@register(
    "xor", data="xor-simulated", source="S4", rescaling="none", epochs=300, learning_rate=0.05
)
def xor(*, units: Sequence[int] = (2,), by_hand: bool = False, classes: int = 2) -> keras.Model:
    """2 → 2 ReLU → 2, the smallest ReLU net that computes XOR: 12 parameters.

    S4: one layer draws one line, and XOR needs two; each hidden unit folds away one side of
    ``x1 = x2``. With ``classes=1`` the only output is XOR itself, and 9 parameters do.

    Args:
        units: the width of each hidden ReLU layer.
        by_hand: set the weights by hand instead of drawing them: on the four points the last
            logit is then exactly 0 or 1, and the one before it, if there is one, exactly 1 or 0.
        classes: how many logits come out.

    Raises:
        ValueError: if weights by hand are asked for other sizes than two hidden units and one
            or two logits.
    """
    point = keras.Input((2,), name="point", dtype="float32")
    model = classifier("xor", point, dense_stack(point, units, "relu"), classes)
    if by_hand:
        if list(units) != [2] or classes not in (1, 2):
            raise ValueError(
                "Weights by hand are those of units=[2] and classes=1 or 2, got "
                f"units={list(units)} and classes={classes}; leave by_hand out."
            )
        # Hidden: relu(x1 - x2) and relu(x2 - x1); their sum is XOR, and 1 less it is its contrary.
        output = [[-1, 1], [-1, 1]], [1, 0]
        kernel, bias = ([row[-classes:] for row in output[0]], output[1][-classes:])
        hidden = [[1, -1], [-1, 1]], [0, 0]
        model.get_layer("dense_1").set_weights([keras.ops.array(array) for array in hidden])
        model.get_layer("logits").set_weights([keras.ops.array(array) for array in (kernel, bias)])
    return model
