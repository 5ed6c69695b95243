"""GRU and LSTM over time, and their gradients, with as little as possible inside the loops.

What goes in has been multiplied by the kernel for all steps at once; what comes out of the
backward loop is multiplied with the states for all steps at once. Left to itself, automatic
differentiation does both a step at a time. Features stand before the batch, so that a gate is a
slice in one piece.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kerasnets._lazy import tf

_OVER_STEPS = "tib,tjb->ij"


def gru_states(
    given: Any, start: Any, kernel: Any, bias: Any, valid: Any, *, reset_after: bool
) -> Any:
    """Every state of a GRU with sigmoid gates and tanh candidates.

    Args:
        given: inputs times kernel plus bias, shape ``(time, 3 units, batch)``.
        start: the first state, shape ``(units, batch)``.
        kernel: the recurrent kernel, transposed, shape ``(3 units, units)``.
        bias: the recurrent bias, shape ``(3 units, 1)``; used with ``reset_after`` alone.
        valid: which steps count, shape ``(time, 1, batch)``, or None for all.
        reset_after: apply the reset gate after the matrix product.

    Returns:
        Shape ``(time, units, batch)``; a step that does not count repeats the state before it.
    """
    time, units, two = given.shape[0], kernel.shape[1], 2 * kernel.shape[1]

    def forward(given: Any, start: Any, kernel: Any, bias: Any) -> Any:
        def step(t: Any, h: Any) -> Any:
            x = given[t]
            inner = kernel @ h + bias if reset_after else kernel[:two] @ h
            gates = _sigmoid(x[:two] + inner[:two])
            z, r = gates[:units], gates[units:]
            third = inner[two:] if reset_after else r * h
            pushed = r * third if reset_after else kernel[two:] @ third
            candidate = tf.tanh(x[two:] + pushed)
            new = _where(valid, t, z * h + (1 - z) * candidate, h)
            return new, (new, gates, candidate, third)

        return _loop(step, start, range(time), (units, two, units, units))[1]

    @tf.custom_gradient
    def run(given: Any, start: Any, kernel: Any, bias: Any) -> Any:
        states, gates, candidates, thirds = forward(given, start, kernel, bias)
        before = tf.concat([start[tf.newaxis], states[:-1]], 0)

        def step_back(d_states: Any) -> Callable[[Any, Any], Any]:
            across = tf.transpose(kernel)

            def step(t: Any, later: Any) -> Any:
                dh = later + d_states[t]
                h, c, third = before[t], candidates[t], thirds[t]
                z, r = gates[t][:units], gates[t][units:]
                new = _where(valid, t, dh, tf.zeros_like(dh))
                dc = new * (1 - z) * (1 - c * c)
                d_third = dc if reset_after else across[:, two:] @ dc
                d_update = new * (h - c) * z * (1 - z)
                d_reset = d_third * (third if reset_after else h) * r * (1 - r)
                d_gates = tf.concat([d_update, d_reset], 0)
                kept = _where(valid, t, dh * z, dh)
                if reset_after:
                    inner = tf.concat([d_gates, dc * r], 0)
                    return kept + across @ inner, (inner, dc)
                return kept + d_third * r + across[:, :two] @ d_gates, (d_gates, dc)

            return step

        def grad(d_states: Any) -> Any:
            sizes = (3 * units if reset_after else two, units)
            d_start, (inner, dc) = _loop(
                step_back(d_states), tf.zeros_like(start), range(time - 1, -1, -1), sizes
            )
            d_given = tf.concat([inner[:, :two], dc], 1)
            if reset_after:
                d_kernel = tf.einsum(_OVER_STEPS, inner, before)
                return d_given, d_start, d_kernel, tf.reduce_sum(inner, (0, 2))[:, tf.newaxis]
            parts = [tf.einsum(_OVER_STEPS, inner, before), tf.einsum(_OVER_STEPS, dc, thirds)]
            return d_given, d_start, tf.concat(parts, 0), tf.zeros_like(bias)

        return states, grad

    return run(given, start, kernel, bias)


def lstm_states(given: Any, start: Any, start_cell: Any, kernel: Any, valid: Any) -> Any:
    """Every state and cell of an LSTM with sigmoid gates and tanh candidates.

    Args:
        given: inputs times kernel plus bias, shape ``(time, 4 units, batch)``, the gates in the
            order input, forget, candidate, output.
        start: the first state, shape ``(units, batch)``.
        start_cell: the first cell, of the same shape.
        kernel: the recurrent kernel, transposed, shape ``(4 units, units)``.
        valid: which steps count, shape ``(time, 1, batch)``, or None for all.

    Returns:
        Two arrays of shape ``(time, units, batch)``; a step that does not count repeats what was
        before it.
    """
    time, units = given.shape[0], kernel.shape[1]

    def parts(gates: Any) -> Sequence[Any]:
        return [gates[at * units : (at + 1) * units] for at in range(4)]

    def forward(given: Any, start: Any, start_cell: Any, kernel: Any) -> Any:
        def step(t: Any, state: Any) -> Any:
            h, c = state
            raw = given[t] + kernel @ h
            i, f, g, o = parts(raw)
            gates = tf.concat([_sigmoid(raw[: 2 * units]), tf.tanh(g), _sigmoid(o)], 0)
            i, f, g, o = parts(gates)
            cell = f * c + i * g
            squashed = tf.tanh(cell)
            new = _where(valid, t, o * squashed, h)
            cell = _where(valid, t, cell, c)
            return (new, cell), (new, cell, gates, squashed)

        return _loop(step, (start, start_cell), range(time), (units, units, 4 * units, units))[1]

    @tf.custom_gradient
    def run(given: Any, start: Any, start_cell: Any, kernel: Any) -> Any:
        states, cells, gates, squashed = forward(given, start, start_cell, kernel)
        before = tf.concat([start[tf.newaxis], states[:-1]], 0)
        cells_before = tf.concat([start_cell[tf.newaxis], cells[:-1]], 0)

        def grad(d_states: Any, d_cells: Any) -> Any:
            across = tf.transpose(kernel)

            def step(t: Any, later: Any) -> Any:
                dh, dc = later[0] + d_states[t], later[1] + d_cells[t]
                i, f, g, o = parts(gates[t])
                s, nothing = squashed[t], tf.zeros_like(dh)
                new = _where(valid, t, dh, nothing)
                d_cell = new * o * (1 - s * s) + _where(valid, t, dc, nothing)
                inner = tf.concat(
                    [
                        d_cell * g * i * (1 - i),
                        d_cell * cells_before[t] * f * (1 - f),
                        d_cell * i * (1 - g * g),
                        new * s * o * (1 - o),
                    ],
                    0,
                )
                earlier = across @ inner + _where(valid, t, nothing, dh)
                return (earlier, d_cell * f + _where(valid, t, nothing, dc)), (inner,)

            ends = (tf.zeros_like(start), tf.zeros_like(start))
            (d_start, d_start_cell), (inner,) = _loop(
                step, ends, range(time - 1, -1, -1), (4 * units,)
            )
            return inner, d_start, d_start_cell, tf.einsum(_OVER_STEPS, inner, before)

        return (states, cells), grad

    return run(given, start, start_cell, kernel)


def _loop(
    step: Callable[[Any, Any], Any], state: Any, over: range, sizes: Sequence[int]
) -> tuple[Any, Sequence[Any]]:
    """Run ``step`` over time; give the last state and what was saved at each time.

    Args:
        step: takes time and state, gives the next state and arrays to save.
        state: the first.
        over: the times, rising or falling by 1 over all of them.
        sizes: the features of each array to save.
    """
    first = tf.nest.flatten(state)[0]
    arrays = tuple(
        tf.TensorArray(first.dtype, size=len(over), element_shape=(size, first.shape[1]))
        for size in sizes
    )

    def body(count: Any, state: Any, arrays: Any) -> Any:
        t = over.start + over.step * count
        state, saved = step(t, state)
        written = (array.write(t, value) for array, value in zip(arrays, saved, strict=True))
        return count + 1, state, tuple(written)

    _, state, arrays = tf.while_loop(
        lambda count, *_: count < len(over),
        body,
        (0, state, arrays),
        maximum_iterations=len(over),
    )
    return state, [array.stack() for array in arrays]


def _where(valid: Any, t: Any, yes: Any, no: Any) -> Any:
    return yes if valid is None else tf.where(valid[t], yes, no)


def _sigmoid(x: Any) -> Any:
    # XLA computes it so in one pass; with an exponential it does the work once for each use.
    return 0.5 + 0.5 * tf.tanh(0.5 * x)
