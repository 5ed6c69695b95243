"""Learning XOR with few ReLU units: how many of many seeds arrive (S4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasnets._lazy import keras, tf

POINTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
XOR = np.array([0, 1, 1, 0], np.float32)
_EXACT = 0.01


@dataclass(frozen=True)
class Learned:
    """Many nets 2 → ``units`` ReLU → 1 after training, a seed each.

    Attributes:
        weights: kernel ``(seeds, 2, units)``, bias ``(seeds, units)``, kernel ``(seeds, units)``
            and bias ``(seeds,)`` of the two layers.
        outputs: for the four points, shape ``(seeds, 4)``.
    """

    weights: tuple[np.ndarray, ...]
    outputs: np.ndarray

    @property
    def exact(self) -> np.ndarray:
        """Which seeds have every output within 0.01 of 0 or 1, shape ``(seeds,)``."""
        return np.abs(self.outputs - XOR).max(axis=1) <= _EXACT

    def net(self, seed: int) -> keras.Model:
        """The net of a seed, as one of the catalogue."""
        from kerasnets.nets import build

        kernel, bias, out_kernel, out_bias = (array[seed] for array in self.weights)
        net = build("xor", units=[len(bias)], classes=1)
        net.get_layer("dense_1").set_weights([kernel, bias])
        net.get_layer("logits").set_weights([out_kernel[:, None], out_bias[None]])
        return net


def learn_xor(units: int, seeds: int = 200, steps: int = 3000, rate: float = 0.02) -> Learned:
    """Train many nets at once on the four points: squared error, Adam, Glorot's first weights.

    Args:
        units: hidden ReLU units; two are the fewest that can.
        seeds: how many nets.
        steps: each of all four points.
        rate: the learning rate.

    Raises:
        ValueError: if a number is less than 1.
    """
    if min(units, seeds, steps) < 1:
        raise ValueError(f"units, seeds and steps must be 1 or more, got {units, seeds, steps}.")
    draws = [np.random.default_rng(seed) for seed in range(seeds)]
    # Glorot: uniform within the square root of 6 over inputs and outputs.
    first, second = np.sqrt(6 / (2 + units)), np.sqrt(6 / (units + 1))
    variables = [
        keras.Variable(np.array(values, np.float32))
        for values in (
            [draw.uniform(-first, first, (2, units)) for draw in draws],
            np.zeros((seeds, units)),
            [draw.uniform(-second, second, units) for draw in draws],
            np.zeros(seeds),
        )
    ]
    optimizer = keras.optimizers.Adam(rate)
    optimizer.build(variables)

    def run() -> None:
        def step(count: Any) -> tuple[Any]:
            with tf.GradientTape() as tape:
                # A sum over the seeds: no net sees the loss of another.
                loss = tf.reduce_sum(tf.reduce_mean((_outputs(variables) - XOR) ** 2, axis=1))
            gradients = tape.gradient(loss, [variable.value for variable in variables])
            optimizer.apply_gradients(zip(gradients, variables, strict=True))
            return (count + 1,)

        tf.while_loop(lambda count: count < steps, step, [tf.constant(0)])

    tf.function(run, autograph=False).get_concrete_function()()
    arrays = tuple(np.array(variable) for variable in variables)
    return Learned(arrays, np.array(_outputs(variables)))


def _outputs(variables: list[Any]) -> Any:
    kernel, bias, out_kernel, out_bias = variables
    hidden = tf.nn.relu(tf.einsum("pi,siu->spu", POINTS, kernel) + bias[:, None])
    return tf.einsum("spu,su->sp", hidden, out_kernel) + out_bias[:, None]
