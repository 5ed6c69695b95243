"""Every kind of model is counted: shared layers, nested, several inputs, subclassed, custom."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import kerasnets as kn
from kerasnets.profiling import elementwise, ignore, rule, unsupported


def dense(inputs, units, positions=1):
    return 2 * inputs * units * positions


def test_a_shared_layer_counts_every_call_but_its_parameters_once():
    layer, inputs = layers.Dense(4), keras.Input((4,))
    cost = kn.profile(keras.Model(inputs, layer(layer(inputs))))
    assert cost.flops == 2 * dense(4, 4)
    assert cost.params == 4 * 4 + 4
    assert [row.params for row in cost.layers] == [20, 0]


def test_layers_of_nested_models_have_rows_with_paths():
    inner = keras.Sequential([keras.Input((6,)), layers.Dense(3, name="d")], name="inner")
    middle_in = keras.Input((6,))
    middle = keras.Model(middle_in, inner(middle_in), name="middle")
    inputs = keras.Input((6,))
    cost = kn.profile(keras.Model(inputs, layers.Dense(2, name="head")(middle(inputs))))
    assert [row.path for row in cost.layers] == ["middle/inner/d", "head"]
    assert cost.flops == dense(6, 3) + dense(3, 2)


def test_a_nested_model_is_counted_with_the_sizes_of_its_call():
    inner_in = keras.Input((None, 6))
    inner = keras.Model(inner_in, layers.Conv1D(3, 3)(inner_in))
    inputs = keras.Input((20, 6))
    assert kn.profile(keras.Model(inputs, inner(inputs))).flops == 2 * 3 * 6 * 3 * (20 - 3 + 1)


def test_several_inputs_and_outputs():
    first, second = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    joined = layers.Concatenate()([first, second])
    model = keras.Model({"a": first, "b": second}, {"x": layers.Dense(2)(joined), "y": joined * 2})
    assert kn.profile(model).flops == dense(6, 2) + 6


def test_a_model_that_starts_inside_another_counts_only_its_own_layers():
    inputs = keras.Input((5,))
    middle = layers.Dense(7)(inputs)
    outputs = layers.Dense(2)(middle)
    assert kn.profile(keras.Model(middle, outputs)).flops == dense(7, 2)


class Branches(keras.Model):
    def __init__(self):
        super().__init__()
        self.first, self.second = layers.Dense(3), layers.Dense(2)

    def build(self, shape):
        self.first.build(shape)
        self.second.build((None, 3))
        self.offset = self.add_weight((2,))

    def call(self, x):
        return self.second(ops.relu(self.first(x))) + self.second(self.first(x)) + self.offset


@pytest.mark.parametrize("build", [lambda m: m.build((None, 7)), lambda m: m(np.zeros((5, 7)))])
def test_a_subclassed_model_is_traced_and_left_unchanged(build):
    model = Branches()
    build(model)
    cost = kn.profile(model)
    assert cost.unsupported == ()
    assert cost.flops == 2 * (dense(7, 3) + dense(3, 2)) + 3 + 2 + 2
    assert cost.params == (7 + 1) * 3 + (3 + 1) * 2 + 2 == model.count_params()
    assert sum(row.params for row in cost.layers) == cost.params
    assert model.first._inbound_nodes == []
    assert kn.profile(model).flops == cost.flops


def test_a_subclassed_model_inside_a_functional_one():
    inputs = keras.Input((7,))
    model = keras.Model(inputs, Branches()(inputs))
    assert kn.profile(model).flops == 2 * (dense(7, 3) + dense(3, 2)) + 3 + 2 + 2


class Projected(layers.Layer):
    """A custom layer with a sublayer and its own weight."""

    def __init__(self):
        super().__init__()
        self.inside = layers.Dense(3)

    def build(self, shape):
        self.inside.build(shape)
        self.kernel = self.add_weight((3, 5))

    def call(self, x):
        return ops.matmul(self.inside(x), self.kernel)


def test_a_custom_layer_without_a_rule_is_traced():
    inputs = keras.Input((7,))
    cost = kn.profile(keras.Model(inputs, Projected()(inputs)))
    assert cost.flops == dense(7, 3) + (2 * 3 - 1) * 5
    assert [row.type for row in cost.layers] == ["Projected"]
    assert cost.params == (7 + 1) * 3 + 3 * 5


def test_a_custom_activation_function_is_traced():
    inputs = keras.Input((7,))
    model = keras.Model(inputs, layers.Dense(3, lambda x: x * ops.sigmoid(1.7 * x))(inputs))
    assert kn.profile(model).flops == dense(7, 3) + 3 * (1 + 4 + 1)


class Opaque(layers.Layer):
    """A layer that calls TensorFlow, which does not work on symbolic tensors."""

    def call(self, x):
        return tf.math.cumsum(x)

    def compute_output_shape(self, shape):
        return shape


def test_a_layer_that_cannot_be_traced_is_reported_until_it_has_a_rule():
    inputs = keras.Input((4,))
    model = keras.Model(inputs, Opaque(name="odd")(inputs))
    (missing,) = kn.profile(model).unsupported
    assert missing.startswith("odd: no rule for Opaque")

    @rule(Opaque)
    def opaque(layer, call):
        return [elementwise("running sum", call.sample(call.output), additions=1)]

    assert kn.profile(model).flops == 4
    assert kn.profile(model).unsupported == ()
    ignore("copies values only", Opaque)
    assert kn.profile(model).flops == 0
    assert kn.profile(model).unsupported == ()
    unsupported("unknown algorithm", Opaque)
    assert kn.profile(model).unsupported == ("odd: unknown algorithm",)


def test_a_subclass_uses_the_rule_of_its_parent_unless_it_has_its_own_call():
    class Named(layers.Dense):
        pass

    class Doubled(layers.Dense):
        def call(self, x):
            return 2 * super().call(x)

    inputs = keras.Input((4,))
    assert kn.profile(keras.Model(inputs, Named(3)(inputs))).flops == dense(4, 3)
    assert kn.profile(keras.Model(inputs, Doubled(3)(inputs))).flops == dense(4, 3) + 3


class Cell(layers.Layer):
    """h ← tanh(W·x + b + h)."""

    def __init__(self, units):
        super().__init__()
        self.state_size = units
        self.inside = layers.Dense(units)

    def build(self, shape):
        self.inside.build(shape)

    def call(self, x, states):
        h = ops.tanh(self.inside(x) + states[0])
        return h, [h]


def test_recurrent_layers_with_custom_and_stacked_cells():
    inputs = keras.Input((10, 3))
    custom = keras.Model(inputs, layers.RNN(Cell(4))(inputs))
    assert kn.profile(custom).flops == 10 * (dense(3, 4) + 4 + 6 * 4)
    stacked = keras.Model(
        inputs, layers.RNN([layers.SimpleRNNCell(4), layers.SimpleRNNCell(2)])(inputs)
    )
    assert kn.profile(stacked).flops == 10 * ((2 * (3 + 4) + 6) * 4 + (2 * (4 + 2) + 6) * 2)


def test_wrappers_count_the_wrapped_layer():
    inputs = keras.Input((10, 3))
    distributed = keras.Model(inputs, layers.TimeDistributed(layers.Dense(4, "relu"))(inputs))
    assert kn.profile(distributed).flops == 10 * (dense(3, 4) + 4)
    one = (2 * (3 + 4) + 6) * 4 * 10
    for mode, merging in (("concat", 0), ("sum", 4), ("mul", 4), ("ave", 8), (None, 0)):
        layer = layers.Bidirectional(layers.SimpleRNN(4), merge_mode=mode)
        assert kn.profile(keras.Model(inputs, layer(inputs))).flops == 2 * one + merging


@pytest.mark.parametrize(
    ("operation", "flops"),
    [
        (lambda x: ops.exp(x) + 1.0, 2 * 6 * 4),
        (lambda x: ops.mean(x, axis=1), 6 * 4),
        (lambda x: ops.max(x, axis=-1), 6 * 3),
        (lambda x: ops.matmul(x, ops.transpose(x, (0, 2, 1))), (2 * 4 - 1) * 6 * 6),
        (lambda x: ops.einsum("btf,bsf->bts", x, x), (2 * 4 - 1) * 6 * 6),
        (lambda x: ops.softmax(x), 6 * (3 * 4 - 1)),
        (lambda x: ops.var(x, axis=-1), 6 * (4 + 4 + 4 + 4)),
        (lambda x: ops.concatenate([x, x], axis=1), 0),
        (lambda x: ops.clip(x, 0, 1), 2 * 6 * 4),
        (lambda x: ops.cumsum(x, axis=1), 4 * 5),
        (lambda x: ops.logsumexp(x, axis=-1), 6 * (3 + 4 + 4 + 3 + 1 + 1)),
        (lambda x: ops.conv(x, np.ones((3, 4, 2), "float32")), (2 * 12 - 1) * 4 * 2),
        (lambda x: ops.max_pool(x, 2), 3 * 4),
        (lambda x: layers.Dense(2)(ops.reshape(x, (-1, 4))), 6 * 2 * 2 * 4),
        # (6×4)·(4×3) takes fewer operations than (4×3)·(3×5) first.
        (
            lambda x: ops.einsum("btf,fg,gh->bth", x, np.ones((4, 3)), np.ones((3, 5))),
            6 * 3 * (2 * 4 - 1) + 6 * 5 * (2 * 3 - 1),
        ),
        (
            lambda x: ops.separable_conv(
                x, np.ones((3, 4, 2), "float32"), np.ones((1, 8, 5), "float32")
            ),
            4 * 8 * (2 * 3 - 1) + 4 * 5 * (2 * 8 - 1),
        ),
        # Merge sort of 6: two runs of 3 with at most 3 comparisons each, merged with at most 5.
        (lambda x: ops.sort(x, axis=1), 4 * (3 + 3 + 5)),
        (lambda x: ops.argsort(x, axis=-1), 6 * (1 + 1 + 3)),
    ],
)
def test_operations_of_keras_ops(operation, flops):
    inputs = keras.Input((6, 4))
    cost = kn.profile(keras.Model(inputs, operation(inputs)))
    assert cost.flops == flops
    assert cost.unsupported == ()


def test_a_model_with_a_fixed_batch_size_counts_one_sample():
    inputs = keras.Input(batch_shape=(4, 10, 3))
    model = keras.Model(inputs, layers.SimpleRNN(5, stateful=True)(inputs))
    assert kn.profile(model).flops == 10 * (2 * (3 + 5) + 6) * 5


def test_profiling_does_not_change_a_model():
    model = kn.build("seizure-gru")
    before = [w.numpy() for w in model.weights]
    nodes = [len(layer._inbound_nodes) for layer in model.layers]
    kn.profile(model)
    assert [len(layer._inbound_nodes) for layer in model.layers] == nodes
    for old, weight in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(old, weight.numpy())


def test_sorting_an_unknown_number_of_steps():
    inputs = keras.Input((None, 4))
    cost = kn.profile(keras.Model(inputs, ops.sort(inputs, axis=1)))
    assert cost.unsupported == ()
    assert [cost.at(T=steps).flops for steps in (1, 2, 6, 8)] == [0, 4 * 1, 4 * 11, 4 * 17]


@pytest.mark.parametrize(
    ("build", "kernel"),
    [
        (lambda: layers.Dense(5), (6, 5)),
        (lambda: layers.EinsumDense("abc,cd->abd", (3, 5)), (6, 5)),
        (lambda: layers.Conv1D(5, 2, padding="same"), (2 * 6, 5)),
    ],
)
def test_lora_adds_a_low_rank_product_to_the_kernel(build, kernel):
    inputs = keras.Input((3, 6))
    layer = build()
    model = keras.Model(inputs, layer(inputs))
    before = kn.profile(model)
    layer.enable_lora(2)
    after = kn.profile(model)
    size = kernel[0] * kernel[1]
    assert after.macs == before.macs + size * 2
    assert after.flops == before.flops + size * (2 * 2 - 1) + 2 * size
    assert after.unsupported == ()


def test_an_embedding_with_lora_updates_all_of_its_rows():
    inputs = keras.Input((3,), dtype="int32")
    layer = layers.Embedding(7, 5)
    model = keras.Model(inputs, layer(inputs))
    assert kn.profile(model).flops == 0
    layer.enable_lora(4)
    assert kn.profile(model).macs == 7 * 5 * 4


class TwoInputs(keras.Model):
    """A subclassed model whose inputs are a dict."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(5)

    def call(self, inputs):
        return self.dense(inputs["visits"]) + inputs["offset"]


def test_a_subclassed_model_with_dict_inputs():
    model = TwoInputs()
    model({"visits": np.ones((2, 4, 3), "float32"), "offset": np.ones((2, 1, 5), "float32")})
    cost = kn.profile(model)
    assert cost.flops == 4 * 5 * 2 * 3 + 4 * 5
    assert cost.unsupported == ()


class TwoArguments(keras.Model):
    """Adds the outputs of two dense layers for the arguments of its call."""

    def __init__(self):
        super().__init__()
        self.first, self.second = layers.Dense(3), layers.Dense(3)

    def call(self, a, b):
        return self.first(a) + self.second(b)


class TwoShapes(TwoArguments):
    """Keras records the shapes that ``build`` takes."""

    def build(self, a_shape, b_shape):
        self.first.build(a_shape)
        self.second.build(b_shape)


def test_a_subclassed_model_whose_call_takes_two_arguments():
    a, b = np.zeros((2, 4), "float32"), np.zeros((2, 5), "float32")
    built = TwoShapes()
    built(a, b)
    assert kn.profile(built).macs == 4 * 3 + 5 * 3
    model = TwoArguments()
    model(a, b)
    with pytest.raises(ValueError, match=r"takes a, b, and Keras has recorded .* a only"):
        kn.profile(model)
    first, second = keras.Input((4,)), keras.Input((5,))
    wrapped = keras.Model([first, second], model(first, second))
    assert kn.profile(wrapped).macs == 4 * 3 + 5 * 3
