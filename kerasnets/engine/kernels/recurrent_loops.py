"""The loops of GRU and LSTM over time, with their gradients.

Inputs are multiplied with the kernel for all steps at once, before the forward loop. The gradient
of the recurrent kernel is calculated for all steps at once, after the backward loop. Automatic
differentiation would do both once per step. Features come before the batch axis, so that each gate
is one contiguous slice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kerasnets._lazy import tf

# Sum of the outer products of two tensors of shape (time, features, batch).
_SUM_OVER_STEPS = "tib,tjb->ij"


def gru_states(
    projected: Any, initial_state: Any, kernel: Any, bias: Any, mask: Any, *, reset_after: bool
) -> Any:
    """Return the states of a GRU with sigmoid gates and tanh candidates.

    Args:
        projected: Inputs times kernel plus bias, shape ``(time, 3 * units, batch)``.
        initial_state: Shape ``(units, batch)``.
        kernel: Transposed recurrent kernel, shape ``(3 * units, units)``.
        bias: Recurrent bias, shape ``(3 * units, 1)``; used only with ``reset_after``.
        mask: Which steps are valid, shape ``(time, 1, batch)``, or None if all are.
        reset_after: Whether to apply the reset gate after the matrix product.

    Returns:
        The states, shape ``(time, units, batch)``. A masked step repeats the state before it.
    """
    time, units, two = projected.shape[0], kernel.shape[1], 2 * kernel.shape[1]

    def forward(projected: Any, initial_state: Any, kernel: Any, bias: Any) -> Any:
        def step(t: Any, h: Any) -> Any:
            x = projected[t]
            recurrent = kernel @ h + bias if reset_after else kernel[:two] @ h
            gates = _sigmoid(x[:two] + recurrent[:two])
            z, r = gates[:units], gates[units:]
            # With reset_after the reset gate scales this product, else it scales the state.
            reset = recurrent[two:] if reset_after else r * h
            candidate = tf.tanh(x[two:] + (r * reset if reset_after else kernel[two:] @ reset))
            state = _where(mask, t, z * h + (1 - z) * candidate, h)
            return state, (state, gates, candidate, reset)

        return _loop(step, initial_state, range(time), (units, two, units, units))[1]

    @tf.custom_gradient
    def run(projected: Any, initial_state: Any, kernel: Any, bias: Any) -> Any:
        states, gates, candidates, resets = forward(projected, initial_state, kernel, bias)
        previous = tf.concat([initial_state[tf.newaxis], states[:-1]], 0)

        def backward_step(d_states: Any) -> Callable[[Any, Any], Any]:
            kernel_t = tf.transpose(kernel)

            def step(t: Any, d_next: Any) -> Any:
                dh = d_next + d_states[t]
                h, candidate, reset = previous[t], candidates[t], resets[t]
                z, r = gates[t][:units], gates[t][units:]
                d_valid = _where(mask, t, dh, tf.zeros_like(dh))
                d_candidate = d_valid * (1 - z) * (1 - candidate * candidate)
                d_reset = d_candidate if reset_after else kernel_t[:, two:] @ d_candidate
                d_z = d_valid * (h - candidate) * z * (1 - z)
                d_r = d_reset * (reset if reset_after else h) * r * (1 - r)
                d_gates = tf.concat([d_z, d_r], 0)
                d_direct = _where(mask, t, dh * z, dh)
                if reset_after:
                    d_recurrent = tf.concat([d_gates, d_candidate * r], 0)
                    return d_direct + kernel_t @ d_recurrent, (d_recurrent, d_candidate)
                d_previous = d_direct + d_reset * r + kernel_t[:, :two] @ d_gates
                return d_previous, (d_gates, d_candidate)

            return step

        def grad(d_states: Any) -> Any:
            sizes = (3 * units if reset_after else two, units)
            d_initial, (d_recurrent, d_candidate) = _loop(
                backward_step(d_states),
                tf.zeros_like(initial_state),
                range(time - 1, -1, -1),
                sizes,
            )
            d_projected = tf.concat([d_recurrent[:, :two], d_candidate], 1)
            if reset_after:
                d_kernel = tf.einsum(_SUM_OVER_STEPS, d_recurrent, previous)
                d_bias = tf.reduce_sum(d_recurrent, (0, 2))[:, tf.newaxis]
                return d_projected, d_initial, d_kernel, d_bias
            d_kernel = [
                tf.einsum(_SUM_OVER_STEPS, d_recurrent, previous),
                tf.einsum(_SUM_OVER_STEPS, d_candidate, resets),
            ]
            return d_projected, d_initial, tf.concat(d_kernel, 0), tf.zeros_like(bias)

        return states, grad

    return run(projected, initial_state, kernel, bias)


def lstm_states(
    projected: Any, initial_state: Any, initial_cell: Any, kernel: Any, mask: Any
) -> Any:
    """Return the states and cell states of an LSTM with sigmoid gates and tanh candidates.

    Args:
        projected: Inputs times kernel plus bias, shape ``(time, 4 * units, batch)``, with the
            gates in the order input, forget, candidate, output.
        initial_state: Shape ``(units, batch)``.
        initial_cell: Initial cell state, shape ``(units, batch)``.
        kernel: Transposed recurrent kernel, shape ``(4 * units, units)``.
        mask: Which steps are valid, shape ``(time, 1, batch)``, or None if all are.

    Returns:
        Two tensors of shape ``(time, units, batch)``. A masked step repeats the values before it.
    """
    time, units = projected.shape[0], kernel.shape[1]

    def split_gates(gates: Any) -> Sequence[Any]:
        return [gates[gate * units : (gate + 1) * units] for gate in range(4)]

    def forward(projected: Any, initial_state: Any, initial_cell: Any, kernel: Any) -> Any:
        def step(t: Any, state: Any) -> Any:
            h, c = state
            raw = projected[t] + kernel @ h
            i, f, g, o = split_gates(raw)
            gates = tf.concat([_sigmoid(raw[: 2 * units]), tf.tanh(g), _sigmoid(o)], 0)
            i, f, g, o = split_gates(gates)
            cell = f * c + i * g
            tanh_cell = tf.tanh(cell)
            new = _where(mask, t, o * tanh_cell, h)
            cell = _where(mask, t, cell, c)
            return (new, cell), (new, cell, gates, tanh_cell)

        sizes = (units, units, 4 * units, units)
        return _loop(step, (initial_state, initial_cell), range(time), sizes)[1]

    @tf.custom_gradient
    def run(projected: Any, initial_state: Any, initial_cell: Any, kernel: Any) -> Any:
        states, cells, gates, tanh_cells = forward(projected, initial_state, initial_cell, kernel)
        previous = tf.concat([initial_state[tf.newaxis], states[:-1]], 0)
        previous_cells = tf.concat([initial_cell[tf.newaxis], cells[:-1]], 0)

        def grad(d_states: Any, d_cells: Any) -> Any:
            kernel_t = tf.transpose(kernel)

            def step(t: Any, d_next: Any) -> Any:
                dh, dc = d_next[0] + d_states[t], d_next[1] + d_cells[t]
                i, f, g, o = split_gates(gates[t])
                tanh_cell, zeros = tanh_cells[t], tf.zeros_like(dh)
                d_valid = _where(mask, t, dh, zeros)
                d_cell = d_valid * o * (1 - tanh_cell * tanh_cell) + _where(mask, t, dc, zeros)
                d_gates = tf.concat(
                    [
                        d_cell * g * i * (1 - i),
                        d_cell * previous_cells[t] * f * (1 - f),
                        d_cell * i * (1 - g * g),
                        d_valid * tanh_cell * o * (1 - o),
                    ],
                    0,
                )
                d_previous = kernel_t @ d_gates + _where(mask, t, zeros, dh)
                return (d_previous, d_cell * f + _where(mask, t, zeros, dc)), (d_gates,)

            (d_initial, d_initial_cell), (d_projected,) = _loop(
                step,
                (tf.zeros_like(initial_state), tf.zeros_like(initial_state)),
                range(time - 1, -1, -1),
                (4 * units,),
            )
            d_kernel = tf.einsum(_SUM_OVER_STEPS, d_projected, previous)
            return d_projected, d_initial, d_initial_cell, d_kernel

        return (states, cells), grad

    return run(projected, initial_state, initial_cell, kernel)


def _loop(
    step: Callable[[Any, Any], Any], state: Any, steps: range, sizes: Sequence[int]
) -> tuple[Any, Sequence[Any]]:
    """Run a function over time, and stack what it saves per step.

    Args:
        step: Function of the time step and the state. It returns the next state and a tuple of
            tensors to save.
        state: The initial state.
        steps: The time steps, in increasing or decreasing order. They must cover all steps.
        sizes: Number of features of each saved tensor.

    Returns:
        The last state, and the saved tensors in the order of time.
    """
    first = tf.nest.flatten(state)[0]
    arrays = tuple(
        tf.TensorArray(first.dtype, size=len(steps), element_shape=(size, first.shape[1]))
        for size in sizes
    )

    def body(count: Any, state: Any, arrays: Any) -> Any:
        t = steps.start + steps.step * count
        state, saved = step(t, state)
        written = (array.write(t, value) for array, value in zip(arrays, saved, strict=True))
        return count + 1, state, tuple(written)

    _, state, arrays = tf.while_loop(
        lambda count, *_: count < len(steps),
        body,
        (0, state, arrays),
        maximum_iterations=len(steps),
    )
    return state, [array.stack() for array in arrays]


def _where(mask: Any, t: Any, valid: Any, masked: Any) -> Any:
    return valid if mask is None else tf.where(mask[t], valid, masked)


def _sigmoid(x: Any) -> Any:
    # XLA computes this form in one pass. With an exponential it would repeat the work per use.
    return 0.5 + 0.5 * tf.tanh(0.5 * x)
