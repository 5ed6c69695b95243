"""kn.Stream: outputs, states, errors."""

from __future__ import annotations

import copy as copying
import shutil
import subprocess
import sys

import numpy as np
import pytest

import kerasnets as kn

SIGNAL = np.random.default_rng(3).normal(0, 1, (1, 40, 2)).astype("float32")


@pytest.fixture
def stream(streamed):
    return kn.Stream(streamed)


def test_any_division_gives_the_outputs_of_the_whole(stream):
    whole = stream(SIGNAL)
    assert whole["probabilities"].shape == (1, (40 - 5) // 2 + 1, 3)
    assert whole["probabilities"].dtype == np.float32
    np.testing.assert_allclose(whole["probabilities"].sum(axis=-1), 1, atol=1e-6)
    for size in (1, 7, 39):
        stream.reset()
        parts = [stream(SIGNAL[:, at : at + size]) for at in range(0, 40, size)]
        for name, value in whole.items():
            joined = np.concatenate([part[name] for part in parts], axis=1)
            np.testing.assert_allclose(joined, value, atol=1e-6)


def test_long_chunks_run_in_parts(stream, monkeypatch):
    whole = stream(SIGNAL)
    monkeypatch.setattr("kerasnets.exporting.streaming.stream._LARGEST_PART", 9)
    stream.reset()
    np.testing.assert_allclose(stream(SIGNAL)["logits"], whole["logits"], atol=1e-6)
    assert stream.steps == 40


def test_a_chunk_without_steps_changes_nothing(stream):
    stream(SIGNAL[:, :9])
    before = stream.state_dict()
    outputs = stream(SIGNAL[:, :0])
    assert {name: value.shape for name, value in outputs.items()} == {
        "probabilities": (1, 0, 3),
        "logits": (1, 0, 3),
    }
    after = stream.state_dict()
    assert all(np.array_equal(after[name], value) for name, value in before.items())


def test_the_first_steps_of_a_net_without_padding_have_no_output(stream):
    assert stream(SIGNAL[:, :4])["logits"].shape == (1, 0, 3)
    assert stream(SIGNAL[:, 4:5])["logits"].shape == (1, 1, 3)


def test_states_are_saved_and_restored(stream, streamed, tmp_path):
    stream(SIGNAL[:, :13])
    np.savez(tmp_path / "state.npz", **stream.state_dict())
    expected = stream(SIGNAL[:, 13:])
    other = kn.Stream(streamed / "step.onnx")
    with np.load(tmp_path / "state.npz") as states:
        other.load_state_dict(states)
    assert other.steps == 13
    np.testing.assert_array_equal(other(SIGNAL[:, 13:])["logits"], expected["logits"])
    assert other.steps == 40


def test_a_copy_goes_its_own_way(stream):
    stream(SIGNAL[:, :10])
    other = copying.copy(stream)
    expected = stream(SIGNAL[:, 10:])
    assert other.steps == 10
    np.testing.assert_array_equal(other(SIGNAL[:, 10:])["logits"], expected["logits"])


def test_several_rows_run_side_by_side(streamed, stream):
    rows = np.concatenate([SIGNAL, -SIGNAL, 2 * SIGNAL])
    together = kn.Stream(streamed, rows=3)
    first, second = together(rows[:, :11]), together(rows[:, 11:])
    for row in range(3):
        stream.reset()
        expected = stream(rows[row : row + 1])["logits"]
        got = np.concatenate([first["logits"], second["logits"]], axis=1)[row : row + 1]
        np.testing.assert_allclose(got, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("chunk", "message"),
    [
        (SIGNAL[0], r"the shape \(1, 'steps', 2\), with any number of steps; got \(40, 2\)"),
        (SIGNAL[..., :1], r"got \(1, 40, 1\)"),
        (np.repeat(SIGNAL, 2, axis=0), r"got \(2, 40, 2\)"),
        (SIGNAL.astype(str), "must have the type float32; got <U"),
        (SIGNAL + 1j, "must have the type float32; got complex"),
        ({"signal": SIGNAL}, "a mapping with an array for each of chunk; got signal"),
    ],
)
def test_wrong_chunks_are_refused(stream, chunk, message):
    with pytest.raises(ValueError, match=message):
        stream(chunk)
    assert stream.steps == 0


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_is_refused_and_the_states_stay(stream, value):
    stream(SIGNAL[:, :10])
    damaged = SIGNAL[:, 10:].copy()
    damaged[0, 4, 1] = value
    with pytest.raises(ValueError, match=r"NaN or infinity at step 4 of the chunk. The states are"):
        stream(damaged)
    expected = kn.Stream(stream.path)(SIGNAL)["logits"][:, -1]
    np.testing.assert_allclose(stream(SIGNAL[:, 10:])["logits"][:, -1], expected, atol=1e-6)


def test_integers_and_double_precision_are_converted(stream):
    expected = stream(SIGNAL)["logits"]
    stream.reset()
    np.testing.assert_array_equal(stream(SIGNAL.astype("float64"))["logits"], expected)
    assert stream(np.ones((1, 6, 2), "int64"))["logits"].dtype == np.float32


def test_states_of_another_model_are_refused(stream):
    states = stream.state_dict()
    with pytest.raises(ValueError, match="the states are steps; this model has conv_pending, con"):
        stream.load_state_dict({"steps": np.array(0)})
    with pytest.raises(ValueError, match=r"'gru_state' has shape \(1, 5\)"):
        stream.load_state_dict(states | {"gru_state": np.zeros((1, 5), "float32")})
    with pytest.raises(ValueError, match="'gru_state' holds NaN"):
        stream.load_state_dict(states | {"gru_state": np.full((1, 4), np.nan, "float32")})


def test_it_says_what_it_takes_and_returns(stream):
    stream(SIGNAL)
    assert repr(stream) == (
        f"Stream({str(stream.path)!r}: chunk (1, steps, 2) → probabilities (1, steps, 3), "
        "logits (1, steps, 3); after 40 steps)"
    )


def test_what_is_missing_or_damaged(copy, exported, tmp_path):
    with pytest.raises(FileNotFoundError, match="is not an exported version"):
        kn.Stream(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"Export the model with streaming=True \(--strea"):
        kn.Stream(exported)
    with pytest.raises(ValueError, match="rows must be a positive integer; got 0"):
        kn.Stream(copy, rows=0)
    alone = shutil.copy(copy / "step.onnx", tmp_path / "step.onnx")
    with pytest.raises(FileNotFoundError, match=r"It belongs next to step.onnx"):
        kn.Stream(alone)
    np.savez(tmp_path / "initial_state.npz", other=np.zeros(1))
    with pytest.raises(ValueError, match=r"has other states than step.onnx: other"):
        kn.Stream(alone)
    (tmp_path / "initial_state.npz").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"initial_state.npz is damaged"):
        kn.Stream(alone)
    (copy / "step.onnx").write_bytes(b"no model")
    with pytest.raises(ValueError, match=r"step.onnx cannot be loaded"):
        kn.Stream(copy)


def test_tensorflow_is_not_imported(streamed):
    code = (
        "import sys, numpy as np, kerasnets as kn\n"
        "stream = kn.Stream(sys.argv[1])\n"
        "stream(np.zeros((1, 8, 2), 'float32'))\n"
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules\n"
        "print(stream.steps)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, streamed], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "8"
