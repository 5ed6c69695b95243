"""Any division of a sequence into chunks gives the outputs of the whole sequence."""

from __future__ import annotations

import numpy as np
import pytest

import kerasnets as kn
from kerasnets._lazy import import_tensorflow, keras
from kerasnets.exporting.precision import in_float32
from kerasnets.exporting.samples import first_samples, random_samples, shorten
from kerasnets.exporting.signature import serve
from kerasnets.exporting.streaming.step_model import as_chunk, plan_stream, run_in_chunks
from tests.exporting.streaming.helpers import VARIANTS, build_variant, divide
from tests.exporting.streaming.test_plan import CAUSAL_NETS

import_tensorflow()

STEPS = 24
TOLERANCE = 1e-5


def whole_and_step(net):
    """The signature of a model, its step model, and two sequences without padding."""
    served = serve(in_float32(net))
    inputs = first_samples(random_samples(served, free_axis=STEPS), 2)
    steps = next(x.shape[1] for x in inputs.values() if x.ndim > 1)
    if "length" in inputs:
        inputs["length"] = np.full_like(inputs["length"], steps)
    return served, plan_stream(served), inputs, steps


def scaled(got, expected):
    return np.abs(got - expected).max() / max(1, np.abs(expected).max())


def check(net):
    served, step, inputs, steps = whole_and_step(net)
    chunk = as_chunk(step, inputs)
    at_once = run_in_chunks(step, [chunk])
    edges = [1, *sorted(np.random.default_rng(1).integers(1, steps, 4).tolist())]
    parts = run_in_chunks(step, divide(chunk, *edges, edges[-1]))  # one without steps
    for name, value in at_once.items():
        assert parts[name].shape == value.shape
        assert scaled(parts[name], value) < TOLERANCE, (name, edges)
    free = any(info.is_sequence and info.shape[1] is None for info in served.inputs)
    for length in [steps] if not free else [steps, 2 * steps // 3]:
        whole = served.run(shorten(served, inputs, length))
        for (name, value), timing in zip(at_once.items(), step.timings, strict=True):
            expected, count = whole[name], timing.count(length)
            got = value[:, :count] if expected.ndim == value.ndim else value[:, count - 1]
            assert got.shape == expected.shape
            assert scaled(got, expected) < TOLERANCE, (name, length)


@pytest.mark.parametrize("name", VARIANTS)
def test_models_of_many_kinds(name):
    check(build_variant(name))


@pytest.mark.parametrize("name", sorted(CAUSAL_NETS))
def test_nets_of_the_catalogue(name):
    check(kn.build(name, **{"samples": 12} if name.startswith("seizure") else {"features": 5}))


def test_a_wide_net_remembers_codes_of_earlier_visits():
    check(kn.build("mortality-gru", features=7, wide=True))


def test_a_mean_stays_exact_over_many_chunks():
    x = keras.Input((None, 1), name="x")
    step = plan_stream(serve(keras.Model(x, keras.layers.GlobalAveragePooling1D(name="y")(x))))
    values = np.random.default_rng(0).normal(1000, 1, (1, 300, 1)).astype("float32")
    chunks = divide({"chunk": values}, *range(3, 300, 3))
    expected = np.cumsum(values.astype("float64"), axis=1) / np.arange(1, 301)[:, np.newaxis]
    assert scaled(run_in_chunks(step, chunks)["y"], expected) < 1e-6


def test_the_model_is_the_same_afterwards():
    net = build_variant("convolution_without_padding")
    before = [dict(vars(layer)) for layer in net.layers]
    check(net)
    for layer, attributes in zip(net.layers, before, strict=True):
        for name in ("padding", "return_sequences", "return_state"):
            assert vars(layer).get(name) == attributes.get(name)
