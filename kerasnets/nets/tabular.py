"""Networks on tables: COVID-19 case reports and the four points of XOR."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnets._lazy import keras
from kerasnets.nets.blocks import classifier, dense_stack
from kerasnets.nets.catalogue import register, variant

# A table of your own may have a hundred rows, so an epoch has few steps.
_ANY_TABLE: dict[str, Any] = {"epochs": 200, "early_stopping": 20}
_MANY_CASES: dict[str, Any] = {"covid": {}, "covid-simulated": {}}


@register(
    "covid-1", data="covid", source="S4", recipe_by_data=_MANY_CASES, as_reported={},
    learning_rate=0.01, **_ANY_TABLE,
)  # fmt: skip
def covid(
    *,
    units: int | Sequence[int] = (),
    dropout: float = 0.0,
    features: int = 11,
    classes: int = 2,
) -> keras.Model:
    """11 case columns → died or not, in one layer: 24 parameters.

    The 1-layer net of S4: a logistic regression with interpretable weights.

    Args:
        units: the width of each hidden ReLU layer; a single number is one layer.
        dropout: the dropout rate after each hidden layer.
        features: the number of columns per case.
        classes: the number of logits.
    """
    case = keras.Input((features,), name="case", dtype="float32")
    return classifier(case, dense_stack(case, units, "relu", dropout), classes)


# S4 does not state the width; 16 is our choice.
variant(
    "covid-2", of="covid-1", source="S4",
    recipe={"learning_rate": 0.003, **_ANY_TABLE}, recipe_by_data=_MANY_CASES, units=(16,),
    summary="11 case columns → 16 ReLU → died or not, in two layers: 226 parameters.",
)  # fmt: skip


_XOR: dict[str, Any] = {"rescaling": "none", "epochs": 300, "learning_rate": 0.05}


@register("xor", data="xor-simulated", source="S4", as_reported=_XOR, **_XOR)
def xor(*, units: Sequence[int] = (2,), by_hand: bool = False, classes: int = 2) -> keras.Model:
    """2 → 2 ReLU → 2, the smallest ReLU net that computes XOR: 12 parameters.

    S4: one layer separates the plane by one line, and XOR needs two. Each hidden unit is zero
    on one side of the line ``x1 = x2``. With ``classes=1`` the only output is XOR itself, which
    takes 9 parameters.

    Args:
        units: the width of each hidden ReLU layer.
        by_hand: set the weights by hand instead of at random. On the four points, the last
            logit is then exactly the XOR, and the logit before it, if any, exactly 1 − XOR.
        classes: the number of logits.

    Raises:
        ValueError: ``by_hand`` with other sizes than two hidden units and one or two logits.
    """
    point = keras.Input((2,), name="point", dtype="float32")
    model = classifier(point, dense_stack(point, units, "relu"), classes)
    if by_hand:
        if list(units) != [2] or classes not in (1, 2):
            raise ValueError(
                "by_hand=True needs units=[2] and classes=1 or 2, got "
                f"units={list(units)} and classes={classes}; use these or by_hand=False."
            )
        # Hidden units: relu(x1 - x2) and relu(x2 - x1). Their sum is XOR.
        hidden = [[1, -1], [-1, 1]], [0, 0]
        kernel, bias = [[-1, 1], [-1, 1]], [1, 0]  # 1 − XOR and XOR
        logits = [row[-classes:] for row in kernel], bias[-classes:]
        for layer, weights in (("dense_1", hidden), ("logits", logits)):
            model.get_layer(layer).set_weights([keras.ops.array(array) for array in weights])
    return model
