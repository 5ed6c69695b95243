"""An einsum of two operands becomes one matrix product."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from kerasnets._lazy import import_tensorflow, keras
from kerasnets.exporting.onnx.einsum import Plan, plan
from kerasnets.exporting.onnx.write_onnx import write_onnx
from kerasnets.exporting.signature import serve
from tests.exporting.onnx.helpers import largest_difference, randomize

import_tensorflow()
layers, ops = keras.layers, keras.ops
SIZES = {"a": 3, "b": 4, "c": 2, "d": 5, "e": 6, "f": 7}


def computed(found: Plan, operands: list[np.ndarray]) -> np.ndarray:
    """What the nodes of a plan compute, in NumPy."""
    x, y = (
        reshaped(operand.transpose(order), shape)
        for operand, order, shape in zip(
            operands[::-1] if found.swapped else operands, found.orders, found.shapes, strict=True
        )
    )
    return reshaped(x @ y, found.shape).transpose(found.order)


def reshaped(x: np.ndarray, shape: list[int] | None) -> np.ndarray:
    """A reshape as ONNX defines it: 0 copies a size."""
    if shape is None:
        return x
    return x.reshape([size or x.shape[axis] for axis, size in enumerate(shape)])


EQUATIONS = {
    "abc,cde->abde": 2,  # the projections of attention: the weights, the result
    "aecd,abcd->acbe": 0,  # its scores
    "acbe,aecd->abcd": 0,  # its values
    "abcd,cde->abe": 2,  # its output: both operands
    "abc,cd->abd": 0,
    "ab,bc->ac": 0,
    "ab,cb->ac": 0,
    "ba,ac->cb": 0,
    "abc,abc->ab": 3,  # neither operand has an axis of its own
    "ab,ab->": 3,
    "ab,b->a": 2,
    "abcd,bcef->adef": 3,
    "cd,abc->abd": 0,
    "fab,fc->fabc": None,  # there is no sum
}


@pytest.mark.parametrize("equation", EQUATIONS)
def test_the_plan_computes_the_einsum(equation: str) -> None:
    rng = np.random.default_rng(0)
    terms = equation.partition("->")[0].split(",")
    operands = [rng.normal(size=[SIZES[letter] for letter in term]) for term in terms]
    found = plan(equation, [operand.shape for operand in operands])
    if EQUATIONS[equation] is None:
        assert found is None
        return
    np.testing.assert_allclose(computed(found, operands), np.einsum(equation, *operands))
    assert [*found.shapes, found.shape].count(None) == 3 - EQUATIONS[equation]


@pytest.mark.parametrize(
    "equation",
    ["ab,bc", "a...,ab->...b", "ab,bc,cd->ad", "aab,bc->ac", "abd,bc->ac", "ab,bcd->ac", "ab->ba"],
)
def test_other_equations_have_no_plan(equation: str) -> None:
    terms = equation.partition("->")[0].split(",")
    assert plan(equation, [[2] * len(term) for term in terms]) is None


def test_unknown_sizes() -> None:
    assert plan("abc,cde->abde", [[-1, -1, 2], [2, 5, 6]]).shape == [0, 0, 5, 6]
    assert plan("aecd,abcd->acbe", [[-1, -1, 2, 5], [-1, -1, 2, 5]]).shape is None
    assert plan("abcd,cde->abe", [[-1, -1, 2, 5], [2, 5, 6]]).shapes[0] == [0, 0, 2 * 5]
    # One unknown size of a group can be found by ONNX Runtime, two cannot.
    assert plan("fabc,fcd->fabd", [[-1, -1, 4, 2], [-1, 2, 5]]).shape == [0, -1, 4, 5]
    assert plan("fabc,fcd->fabd", [[-1, -1, -1, 2], [-1, 2, 5]]) is None


@pytest.mark.parametrize("rows", [0, 2])
def test_attention_over_free_time_takes_any_number_of_rows(rows: int, tmp_path: Path) -> None:
    x = keras.Input((None, 4), name="x")
    hidden = layers.MultiHeadAttention(2, 3)(x, x, use_causal_mask=True)
    hidden = layers.EinsumDense("abc,cde->abde", (None, 3, 2), bias_axes="e")(hidden)
    hidden = layers.GroupQueryAttention(4, 4, 2)(*[layers.Reshape((-1, 6))(hidden)] * 2)
    served = serve(randomize(keras.Model(x, ops.einsum("abc,abc->ab", hidden, hidden))))
    entry = write_onnx(served, tmp_path / "m.onnx", guarded=True)
    assert "Einsum" not in entry["nodes"]
    signal = np.random.default_rng(0).normal(size=(rows, 5, 4)).astype("float32")
    if rows:
        assert largest_difference(served, tmp_path / "m.onnx", {"x": signal}) < 1e-5
    else:
        session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
        assert session.run(None, {"x": signal})[0].shape == (0, 5)


def test_attention_has_a_few_nodes(tmp_path: Path) -> None:
    """Of tf2onnx alone it has 97."""
    x = keras.Input((None, 4), name="x")
    served = serve(keras.Model(x, layers.MultiHeadAttention(2, 3)(x, x)))
    entry = write_onnx(served, tmp_path / "m.onnx")
    assert entry["nodes"]["MatMul"] == 3 + 2 + 1
    assert sum(entry["nodes"].values()) < 30
