"""XOR with a few ReLU units: the share of seeds that learn it (S4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasnets._lazy import keras, tf

POINTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
XOR = np.array([0, 1, 1, 0], np.float32)
_EXACT = 0.01


@dataclass(frozen=True)
class TrainedXorNets:
    """Many trained nets with 2 inputs, ``units`` ReLU units and 1 output, one net per seed.

    Attributes:
        weights: the weights of the two layers: kernel ``(seeds, 2, units)``, bias
            ``(seeds, units)``, kernel ``(seeds, units)`` and bias ``(seeds,)``.
        outputs: outputs for the four points, shape ``(seeds, 4)``.
    """

    weights: tuple[np.ndarray, ...]
    outputs: np.ndarray

    @property
    def exact(self) -> np.ndarray:
        """Whether all outputs of a seed are within 0.01 of 0 or 1, shape ``(seeds,)``."""
        return np.abs(self.outputs - XOR).max(axis=1) <= _EXACT

    def net(self, seed: int) -> keras.Model:
        """Build the catalogue net ``xor`` with the weights of a seed."""
        from kerasnets.nets import build

        kernel, bias, out_kernel, out_bias = (array[seed] for array in self.weights)
        net = build("xor", units=[len(bias)], classes=1)
        net.get_layer("dense_1").set_weights([kernel, bias])
        net.get_layer("logits").set_weights([out_kernel[:, None], out_bias[None]])
        return net


def train_xor_nets(
    units: int, seeds: int = 200, steps: int = 3000, learning_rate: float = 0.02
) -> TrainedXorNets:
    """Train many nets at once on the four points: squared error, Adam, Glorot initial weights.

    Args:
        units: number of hidden ReLU units. At least two are needed to compute XOR.
        seeds: number of nets.
        steps: number of training steps, each on all four points.
        learning_rate: the learning rate.

    Raises:
        ValueError: if ``units``, ``seeds`` or ``steps`` is less than 1.
    """
    if min(units, seeds, steps) < 1:
        raise ValueError(f"units, seeds and steps must be 1 or more, got {units, seeds, steps}.")
    variables = _initial_weights(units, seeds)
    optimizer = keras.optimizers.Adam(learning_rate)
    optimizer.build(variables)

    def run() -> None:
        def step(count: Any) -> tuple[Any]:
            with tf.GradientTape() as tape:
                # The sum over the seeds keeps the gradients of the nets independent.
                loss = tf.reduce_sum(tf.reduce_mean((_outputs(variables) - XOR) ** 2, axis=1))
            gradients = tape.gradient(loss, [variable.value for variable in variables])
            optimizer.apply_gradients(zip(gradients, variables, strict=True))
            return (count + 1,)

        tf.while_loop(lambda count: count < steps, step, [tf.constant(0)])

    tf.function(run, autograph=False).get_concrete_function()()
    weights = tuple(np.array(variable) for variable in variables)
    return TrainedXorNets(weights, np.array(_outputs(variables)))


def _initial_weights(units: int, seeds: int) -> list[keras.Variable]:
    """Glorot weights from one generator per seed, so a net does not depend on the others."""
    generators = [np.random.default_rng(seed) for seed in range(seeds)]
    hidden_limit, output_limit = np.sqrt(6 / (2 + units)), np.sqrt(6 / (units + 1))
    arrays = (
        [rng.uniform(-hidden_limit, hidden_limit, (2, units)) for rng in generators],
        np.zeros((seeds, units)),
        [rng.uniform(-output_limit, output_limit, units) for rng in generators],
        np.zeros(seeds),
    )
    return [keras.Variable(np.array(array, np.float32)) for array in arrays]


def _outputs(variables: list[Any]) -> Any:
    kernel, bias, out_kernel, out_bias = variables
    hidden = tf.nn.relu(tf.einsum("pi,siu->spu", POINTS, kernel) + bias[:, None])
    return tf.einsum("spu,su->sp", hidden, out_kernel) + out_bias[:, None]
