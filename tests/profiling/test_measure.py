"""``profile``: totals, sizes, lengths, conventions, and errors for invalid arguments."""

import gc
import tracemalloc

import keras
import numpy as np
import pytest
from keras import layers

import kerasnets as kn
from kerasnets.profiling import convention

STEP = 16 * (2 * (3 + 16) + 4 + 2 * (3 + 16) + 4 + 2 * (3 + 16) + 1 + 6 + 4 + 3)
HEAD = 2 * 16 * 2
DENSE = 2 * 9 * 3


def sequence_net(time=None):
    """9 features → dense 3 per step → GRU 16 → 2."""
    inputs = keras.Input((time, 9))
    x = layers.GRU(16)(layers.Dense(3)(inputs))
    return keras.Model(inputs, layers.Dense(2)(x), name="sequences")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "seizure-mlp"}, r"takes a keras\.Model, got str"),
        ({"model": keras.Sequential([layers.Dense(3)], name="raw")}, r"'raw' is not built.*build"),
        ({"convention": "exakt"}, r"Unknown convention 'exakt'\. Did you mean 'exact'"),
        ({"mode": "train"}, r"Unknown mode 'train'\. Did you mean 'training'"),
        (
            {"mode": "training", "optimizer": "adm"},
            r"Unknown optimizer 'adm'\. Did you mean 'adam'",
        ),
        ({"time": -1}, r"time must be a positive integer, got -1"),
        ({"time": 0}, r"time must be a positive integer, got 0"),
        ({"time": 2.5}, r"time must be a positive integer, got 2\.5"),
        ({"time": True}, r"time must be a positive integer, got True"),
        ({"lengths": [3, 12], "time": 10}, r"lengths must be in \[0, 10\], got max=12"),
        ({"lengths": [3, -1]}, r"lengths must not be negative, got min=-1"),
        ({"lengths": [3.5]}, r"lengths must be integers of shape \(samples,\)"),
        ({"lengths": [[3]]}, r"got shape \(1, 1\)"),
        ({"lengths": []}, r"at least one"),
        ({"lengths": {"visits": [1]}}, r"no 'length' among \['visits'\]"),
    ],
)
def test_invalid_arguments_raise_an_error_with_the_value_and_the_allowed_values(change, message):
    with pytest.raises(ValueError, match=message):
        kn.profile(**{"model": sequence_net(), **change})


def test_unknown_symbols_and_sizes_that_are_too_small_are_refused():
    cost = kn.profile(sequence_net())
    with pytest.raises(ValueError, match=r"Unknown symbol of sequences 'S'.*T"):
        cost.at(S=3)
    with pytest.raises(ValueError, match="T must be a positive integer, got -3"):
        cost.at(T=-3)
    with pytest.raises(ValueError, match="no unknown time axis for time=5"):
        kn.profile(kn.build("seizure-mlp"), time=5)
    short = keras.Sequential([keras.Input((None, 2)), layers.Conv1D(2, 5, name="wide")])
    with pytest.raises(ValueError, match="output of layer 'wide' would be empty"):
        kn.profile(short, time=3)
    with pytest.raises(ValueError, match="lengths need a model with one time axis"):
        kn.profile(kn.build("seizure-mlp"), lengths=[3])


def test_the_cost_on_sequences_per_step_padded_and_at_true_lengths():
    lengths = np.array([1, 5, 5, 40], "int32")
    cost = kn.profile(sequence_net(), lengths=lengths, time=50)
    totals = cost.sequences
    assert (totals.samples, totals.time) == (4, 50)
    assert totals.per_step == STEP
    assert totals.padded == 4 * (50 * (DENSE + STEP) + HEAD)
    assert totals.true == sum(int(n) * (DENSE + STEP) + HEAD for n in lengths)
    assert kn.profile(sequence_net(), lengths=lengths).sequences.time == 40
    assert f"4 sequences at their true lengths: {totals.true:,} FLOPs" in str(cost)


def test_with_a_fixed_time_axis_only_recurrent_layers_save_steps():
    totals = kn.profile(sequence_net(20), lengths=[0, 20, 7]).sequences
    assert totals.padded == 3 * (20 * (DENSE + STEP) + HEAD)
    assert totals.true == 3 * (20 * DENSE + HEAD) + (0 + 20 + 7) * STEP


def test_lengths_are_read_from_a_mapping_a_split_or_a_data_set():
    class Split:
        def __init__(self, *lengths):
            self.x = {"length": np.array(lengths)}

    class Data:
        splits = {"train": Split(3, 4), "test": Split(5)}  # noqa: RUF012

    expected = kn.profile(sequence_net(), lengths=[3, 4, 5]).sequences
    assert kn.profile(sequence_net(), lengths=Data()).sequences == expected
    assert kn.profile(sequence_net(), lengths={"length": [3, 4, 5]}).sequences == expected
    assert kn.profile(sequence_net(), lengths=Split(3, 4, 5)).sequences == expected


def test_counts_by_kind_sum_up_to_the_flops():
    cost = kn.profile(kn.build("seizure-mlp"))
    counts = cost.counts
    assert counts.multiply_adds == cost.macs == 178 * 16 + 16 * 5
    # sigmoid: a change of sign and a sum, an exponential, a division
    assert (counts.additions, counts.transcendentals, counts.divisions) == (2 * 16, 16, 16)
    assert counts.multiplications == counts.comparisons == 0
    assert counts.operations == cost.flops


def test_macs_are_the_same_with_and_without_a_bias():
    for bias in (True, False):
        model = keras.Sequential([keras.Input((7,)), layers.Dense(3, use_bias=bias)])
        assert kn.profile(model).macs == kn.profile(model, convention="macs").flops == 7 * 3
        assert kn.profile(model).flops == (2 * 7 - (not bias)) * 3


def test_a_custom_convention_prices_one_repetition_of_a_step():
    @convention("cheap-activations")
    def cheap(op):
        """Products cost 2, everything else 1 per output."""
        return 2 * op.macs or (1, *op.outputs)

    cost = kn.profile(kn.build("seizure-mlp"), convention="cheap-activations")
    assert cost.flops == 2 * (178 * 16 + 16 * 5) + 16
    # The profiler multiplies by the number of time steps.
    inputs = keras.Input((10, 3))
    recurrent = keras.Model(inputs, layers.SimpleRNN(4)(inputs))
    assert kn.profile(recurrent, "cheap-activations").flops == 10 * (2 * 4 * (3 + 4) + 4)
    with pytest.raises(ValueError, match="already registered"):
        convention("cheap-activations")(cheap)


@pytest.mark.skipif(
    keras.__version__ < "3.14", reason="Keras before 3.14 refuses a model without layers"
)
def test_a_model_without_layers_costs_nothing():
    inputs = keras.Input((3,))
    cost = kn.profile(keras.Model(inputs, inputs))
    assert (cost.flops, cost.params, cost.layers) == (0, 0, ())
    assert "FLOPs (exact): 0" in str(cost)


def test_normalization_before_a_nested_net_is_counted():
    inputs = keras.Input((178,))
    scaled = layers.Normalization(mean=[1.0] * 178, variance=[2.0] * 178)(inputs)
    model = keras.Model(inputs, kn.build("seizure-mlp")(scaled))
    # (x − mean) / σ per value, and σ = max(√variance, ε) per entry
    assert kn.profile(model).flops == 5_920 + 2 * 178 + 2 * 178
    assert kn.profile(model).params == 2_949


def test_profiling_copies_no_weights_and_leaks_no_memory():
    model = kn.build("seizure-mlp-wide", units=(2_000, 2_000))
    kn.profile(model)
    tracemalloc.start()
    for _ in range(20):
        kn.profile(model)
    _, peak = tracemalloc.get_traced_memory()
    gc.collect()  # Python versions differ in when they collect
    retained, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert model.count_params() * 4 > 16_000_000
    assert peak < 1_000_000
    assert retained < 100_000
