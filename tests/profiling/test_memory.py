"""Memory of parameters and activations, and arithmetic intensity."""

import keras
import pytest
from keras import layers

import kerasnets as kn
from kerasnets.profiling.memory import itemsize


@pytest.mark.parametrize(
    ("dtype", "size"),
    [("float32", 4), ("bfloat16", 2), ("float64", 8), ("int8", 1), ("bool", 1), ("string", 0),
     ("float8_e4m3fn", 1)],
)  # fmt: skip
def test_bytes_per_element(dtype, size):
    assert itemsize(dtype) == size


def test_bytes_of_parameters_by_data_type():
    model = keras.Sequential(
        [
            keras.Input((7,)),
            layers.Dense(4),
            layers.Dense(3, dtype="float16"),
            layers.BatchNormalization(),
        ]
    )
    cost = kn.profile(model)
    assert cost.param_bytes == {"float32": 4 * (7 * 4 + 4 + 4 * 3), "float16": 2 * (4 * 3 + 3)}
    assert cost.non_trainable_params == 2 * 3
    assert cost.trainable_params + cost.non_trainable_params == cost.params


def test_a_sequential_model_keeps_two_tensors_alive():
    model = keras.Sequential(
        [keras.Input((7,)), layers.Dense(40), layers.Dense(30), layers.Dense(2)]
    )
    cost = kn.profile(model)
    assert [row.activation_bytes for row in cost.layers] == [4 * 40, 4 * 30, 4 * 2]
    assert [row.live_bytes for row in cost.layers] == [4 * (7 + 40), 4 * (40 + 30), 4 * (30 + 2)]
    assert cost.peak_bytes == 4 * 70
    assert cost.activation_bytes == 4 * 72


def test_a_skip_connection_keeps_its_tensor_alive():
    inputs = keras.Input((10,))
    x = layers.Dense(10)(inputs)
    y = layers.Dense(10)(layers.Dense(10)(x))
    cost = kn.profile(keras.Model(inputs, layers.Add()([x, y])))
    assert [row.live_bytes // 40 for row in cost.layers] == [2, 2, 3, 3]


def test_model_outputs_stay_alive_until_the_end():
    inputs = keras.Input((10,))
    early = layers.Dense(10)(inputs)
    late = layers.Dense(10)(layers.Dense(10)(inputs))
    cost = kn.profile(keras.Model(inputs, [early, late]))
    assert max(row.live_bytes // 40 for row in cost.layers) == 3


def test_intensity_is_flops_per_byte_moved():
    model = keras.Sequential([keras.Input((7,)), layers.Dense(4)])
    cost = kn.profile(model)
    moved = 4 * (7 + 4 + (7 + 1) * 4)
    assert cost.layers[0].moved_bytes == moved
    assert cost.intensity == cost.layers[0].intensity == (2 * 7 * 4) / moved


def test_memory_of_unknown_sizes_is_an_expression():
    model = keras.Sequential([keras.Input((None, 7)), layers.Dense(4), layers.Dense(9)])
    cost = kn.profile(model)
    assert cost.peak_bytes.subs(dict.fromkeys(cost.peak_bytes.free_symbols, 10)) == 4 * 10 * (4 + 9)
    assert cost.at(T=10).peak_bytes == 4 * 10 * (4 + 9)
