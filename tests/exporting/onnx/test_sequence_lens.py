"""Masked recurrent nodes with and without the input ``sequence_lens``, which tract lacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import tract

import kerasnets as kn
from kerasnets._lazy import import_tensorflow, keras
from kerasnets.exporting.card_readme import readme
from kerasnets.exporting.signature import Served, serve
from kerasnets.nets.layers.length_mask import LengthMask
from tests.exporting.helpers import read_card
from tests.exporting.onnx.helpers import convert, largest_difference, layers, randomize

import_tensorflow()
FEATURES, UNITS = 3, 4


def every_form(x: Any) -> dict[str, Any]:
    """The outputs of layers of every form on the same masked sequences."""
    last, state = layers.GRU(UNITS, return_state=True)(x)
    return {
        "last": layers.GRU(UNITS)(x),
        "sequences": layers.LSTM(UNITS, return_sequences=True)(x),
        "zeros": layers.GRU(UNITS, return_sequences=True, zero_output_for_mask=True)(x),
        "backwards": layers.GRU(UNITS, go_backwards=True)(x),
        "both_directions": layers.Bidirectional(layers.LSTM(UNITS))(x),
        "two_layers": layers.GRU(UNITS)(layers.SimpleRNN(UNITS, return_sequences=True)(x)),
        "with_state": last,
        "state": state,
    }


def model(build: Any) -> Served:
    visits = keras.Input((None, FEATURES), name="visits")
    length = keras.Input((), dtype="int32", name="length")
    outputs = build(LengthMask()([visits, length]))
    return serve(randomize(keras.Model({"visits": visits, "length": length}, outputs)))


def feed(rows: int = 5, steps: int = 6) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(rows)
    visits = rng.normal(size=(rows, steps, FEATURES)).astype("float32")
    length = np.resize([steps, 0, 2, 1, 4], rows).astype("int32")
    visits[np.arange(steps) >= length[:, None]] = np.nan  # padding may hold anything
    return {"visits": visits, "length": length}


@pytest.mark.parametrize("sequence_lens", [True, False])
def test_outputs_equal_those_of_keras(sequence_lens: bool, tmp_path: Path) -> None:
    served, path = model(every_form), tmp_path / "model.onnx"
    counts = convert(served, path, guarded=True, sequence_lens=sequence_lens)
    assert largest_difference(served, path, feed(), feed(2, 3)) <= 1e-6
    nodes = [n for n in onnx.load(path).graph.node if n.op_type in ("GRU", "LSTM", "RNN")]
    assert len(nodes) == 9
    assert all((len(n.input) > 4 and bool(n.input[4])) == sequence_lens for n in nodes)
    # The steps are in place already, unless a layer runs backwards; two of these share an order.
    assert counts["TopK"] == 1


def test_the_cell_state_of_an_lstm_needs_the_lengths(tmp_path: Path) -> None:
    served = model(lambda x: layers.LSTM(UNITS, return_state=True)(x))
    with pytest.raises(ValueError, match=r"cell state of an LSTM.*sequence_lens=True"):
        convert(served, tmp_path / "model.onnx", sequence_lens=False)


def test_tract_runs_a_file_without_sequence_lens(tmp_path: Path) -> None:
    served, path = model(lambda x: layers.Dense(3)(layers.GRU(UNITS)(x))), tmp_path / "model.onnx"
    convert(served, path, guarded=True, sequence_lens=False)
    inputs = feed()
    names = [value.name for value in onnx.load(path).graph.input]
    loaded = tract.onnx().load(str(path))
    for index, name in enumerate(names):  # it needs the sizes of all axes
        kind = {"float32": "f32", "int32": "i32"}[inputs[name].dtype.name]
        loaded.set_input_fact(index, f"{','.join(map(str, inputs[name].shape))},{kind}")
    (got,) = loaded.into_model().into_runnable().run([inputs[name] for name in names])
    (expected,) = served.run(inputs).values()
    np.testing.assert_allclose(got.to_numpy(), expected, atol=1e-6)


def test_the_card_says_that_there_is_no_sequence_lens(tmp_path: Path) -> None:
    net = model(lambda x: layers.Dense(3)(layers.GRU(UNITS)(x))).model
    folder = kn.export(
        net, tmp_path / "net", "onnx", sequence_lens=False, keras_file=False, verify=False
    )
    card = read_card(folder)
    assert card["onnx"]["sequence_lens"] is False
    assert "tract lacks" not in readme(card)
    assert "tract lacks" in readme(card | {"onnx": card["onnx"] | {"sequence_lens": True}})
