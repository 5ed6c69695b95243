"""The counts compared with an interpreter that runs each layer scalar by scalar.

For layers with random shapes, strides, paddings, dilations, groups and biases, the outputs of the
interpreter equal those of Keras, and its counts equal those of the profiler for each kind.
"""

import keras
import numpy as np
import pytest

import kerasnets as kn
from tests.profiling import interpreter as run
from tests.profiling import interpreter_sequences as sequences

CASES = 20  # per kind of layer


def check(layer, shape, execute):
    """Run a layer in Keras and in the interpreter; compare the outputs and the counts."""
    x = np.random.default_rng(1).normal(size=shape).astype("float32")
    inputs = keras.Input(shape)
    model = keras.Model(inputs, layer(inputs))
    rng = np.random.default_rng(2)
    for weight in model.weights:
        weight.assign(rng.uniform(0.2, 1.2, weight.shape))
    expected = np.asarray(layer(x[None], training=False))[0]

    numbers = run.nums(x)
    weights = [run.nums(np.asarray(w)) for w in layer.weights]
    run.DONE.clear()
    result = execute(numbers, *weights)
    done = dict(run.DONE)

    np.testing.assert_allclose(run.values(np.asarray(result)), expected, rtol=2e-4, atol=2e-4)
    cost = kn.profile(model)
    counts = cost.counts
    assert {
        "additions": counts.multiply_adds + counts.additions,
        "multiplications": counts.multiply_adds + counts.multiplications,
        "comparisons": counts.comparisons,
        "divisions": counts.divisions,
        "transcendentals": counts.transcendentals,
    } == {
        name: done.get(name, 0)
        for name in ("additions", "multiplications", "comparisons", "divisions", "transcendentals")
    }
    assert cost.flops == sum(done.values())
    assert cost.unsupported == ()


def rng_of(case):
    return np.random.default_rng(1000 + case)


def maybe(bias):
    return (lambda weights: weights[1]) if bias else (lambda weights: None)


@pytest.mark.parametrize("case", range(CASES))
def test_dense(case):
    rng = rng_of(case)
    shape = tuple(rng.integers(1, 6, rng.integers(1, 4)))
    bias = bool(rng.integers(2))
    activation = str(rng.choice([*run.ACTIVATIONS, "softmax"]))
    layer = keras.layers.Dense(int(rng.integers(2, 6)), activation=activation, use_bias=bias)
    check(layer, shape, lambda x, *w: run.activate(activation, run.dense(x, w[0], maybe(bias)(w))))


@pytest.mark.parametrize("case", range(2 * CASES))
def test_convolution(case):
    rng = rng_of(case)
    rank = 1 + case % 3
    kernel = tuple(map(int, rng.integers(1, 4, rank)))
    if rng.integers(2):
        strides, dilations = tuple(map(int, rng.integers(1, 3, rank))), (1,) * rank
    else:
        strides, dilations = (1,) * rank, tuple(map(int, rng.integers(1, 3, rank)))
    padding = str(rng.choice(["valid", "same", "causal"] if rank == 1 else ["valid", "same"]))
    # TensorFlow has no grouped 3-D convolutions.
    groups = 1 if rank == 3 else int(rng.integers(1, 3))
    bias = bool(rng.integers(2))
    activation = str(rng.choice(["linear", "relu", "tanh"]))
    layer = getattr(keras.layers, f"Conv{rank}D")(
        groups * int(rng.integers(1, 3)), kernel, strides=strides, dilation_rate=dilations,
        padding=padding, groups=groups, use_bias=bias, activation=activation,
    )  # fmt: skip
    shape = (
        *map(int, rng.integers(5, 8 if rank < 3 else 6, rank)),
        groups * int(rng.integers(1, 3)),
    )
    check(
        layer, shape,
        lambda x, *w: run.activate(
            activation,
            run.convolve(x, w[0], maybe(bias)(w), strides, dilations, padding, groups),
        ),
    )  # fmt: skip


@pytest.mark.parametrize("case", range(CASES))
def test_depthwise_and_separable(case):
    rng = rng_of(case)
    rank = 1 + case % 2
    kernel = tuple(map(int, rng.integers(1, 4, rank)))
    strides = (int(rng.integers(1, 3)),) * rank
    padding, bias = str(rng.choice(["valid", "same"])), bool(rng.integers(2))
    multiplier = int(rng.integers(1, 3))
    shape = (*map(int, rng.integers(4, 7, rank)), int(rng.integers(1, 4)))
    common = {"strides": strides, "padding": padding, "use_bias": bias}
    ones = (1,) * rank
    if case % 4 < 2:
        layer = getattr(keras.layers, f"DepthwiseConv{rank}D")(
            kernel, depth_multiplier=multiplier, **common
        )
        check(
            layer,
            shape,
            lambda x, *w: run.depthwise(x, w[0], maybe(bias)(w), strides, ones, padding),
        )
        return
    layer = getattr(keras.layers, f"SeparableConv{rank}D")(
        3, kernel, depth_multiplier=multiplier, **common
    )

    def separable(x, *w):
        middle = run.depthwise(x, w[0], None, strides, ones, padding)
        return run.convolve(middle, w[1], w[2] if bias else None, ones, ones, "valid")

    check(layer, shape, separable)


@pytest.mark.parametrize("case", range(CASES))
def test_pooling(case):
    rng = rng_of(case)
    rank = 1 + case % 3
    size = tuple(map(int, rng.integers(1, 4, rank)))
    strides = tuple(map(int, rng.integers(1, 3, rank)))
    kind = "Max" if case % 2 else "Average"
    combine = run.largest if case % 2 else run.mean
    shape = (*map(int, rng.integers(4, 7, rank)), 2)
    if case % 5 == 0:
        layer = getattr(keras.layers, f"Global{kind}Pooling{rank}D")()
        check(layer, shape, lambda x: run.pool(x, shape[:-1], (1,) * rank, combine).reshape(-1))
        return
    layer = getattr(keras.layers, f"{kind}Pooling{rank}D")(size, strides=strides)
    check(layer, shape, lambda x: run.pool(x, size, strides, combine))


@pytest.mark.parametrize("case", range(CASES))
def test_recurrent(case):
    rng = rng_of(case)
    shape = (int(rng.integers(1, 5)), int(rng.integers(1, 4)))
    units, bias = int(rng.integers(1, 4)), bool(rng.integers(2))
    match case % 4:
        case 0:
            layer = keras.layers.SimpleRNN(units, use_bias=bias)
            check(
                layer,
                shape,
                lambda x, *w: sequences.simple_rnn(x, *w, *([] if bias else [None]), "tanh"),
            )
        case 1:
            layer = keras.layers.LSTM(units, use_bias=bias)
            check(layer, shape, lambda x, *w: sequences.lstm(x, *w, *([] if bias else [None])))
        case other:
            after = other == 2
            layer = keras.layers.GRU(units, use_bias=bias, reset_after=after)
            check(
                layer,
                shape,
                lambda x, *w: sequences.gru(x, *w, *([] if bias else [None]), after),
            )


@pytest.mark.parametrize("case", range(CASES))
def test_normalization(case):
    rng = rng_of(case)
    scale, center = bool(rng.integers(2)), bool(rng.integers(2))
    shape = (*map(int, rng.integers(2, 5, rng.integers(1, 3))),)
    if case % 2:
        layer = keras.layers.LayerNormalization(scale=scale, center=center)

        def execute(x, *w):
            w = list(w)
            gamma = w.pop(0) if scale else None
            beta = w.pop(0) if center else None
            rows = x.reshape(-1, x.shape[-1])
            out = [sequences.standardize(row, gamma, beta, layer.epsilon) for row in rows]
            return np.array(out, object).reshape(x.shape)
    else:
        layer = keras.layers.BatchNormalization(scale=scale, center=center)

        def execute(x, *w):
            w = list(w)
            gamma = w.pop(0) if scale else None
            beta = w.pop(0) if center else None
            return sequences.batch_normalize(x, gamma, beta, *w, layer.epsilon)

    check(layer, shape, execute)


@pytest.mark.parametrize("case", range(CASES // 2))
def test_multi_head_attention(case):
    rng = rng_of(case)
    steps, entries, heads = map(int, rng.integers(1, 4, 3))
    # Keras 3.15 adds a bias of shape (heads, 1) along the wrong axis if there are as many steps
    # as heads, so queries and values have at least two entries here.
    size, values = map(int, rng.integers(2, 5, 2))

    class SelfAttention(keras.layers.MultiHeadAttention):
        """Attention of a sequence to itself, with one input like the other layers here."""

        def __call__(self, x, **arguments):
            return super().__call__(x, x, **arguments)

    layer = SelfAttention(heads, size, value_dim=values)
    check(layer, (steps, entries), sequences.self_attention)
