"""A tiny interpreter that runs small layers scalar by scalar and counts each operation.

It knows nothing of the profiler: it computes a layer's output from its weights with the plain
definitions, on numbers that count what is done to them. Tests compare both the counts with the
profiler's and the output with Keras's.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np

DONE: Counter[str] = Counter()


class Num:
    """A number that counts."""

    __slots__ = ("value",)

    def __init__(self, value):
        self.value = float(value)

    def _binary(self, other, kind, result):
        DONE[kind] += 1
        return Num(result(self.value, other.value if isinstance(other, Num) else other))

    def __add__(self, other):
        return self._binary(other, "additions", lambda a, b: a + b)

    def __sub__(self, other):
        return self._binary(other, "additions", lambda a, b: a - b)

    def __rsub__(self, other):
        return self._binary(other, "additions", lambda a, b: b - a)

    def __mul__(self, other):
        return self._binary(other, "multiplications", lambda a, b: a * b)

    def __truediv__(self, other):
        return self._binary(other, "divisions", lambda a, b: a / b)

    def __rtruediv__(self, other):
        return self._binary(other, "divisions", lambda a, b: b / a)

    def __neg__(self):
        DONE["additions"] += 1
        return Num(-self.value)

    __radd__ = __add__
    __rmul__ = __mul__


def greater(a, b):
    DONE["comparisons"] += 1
    return a if a.value > b.value else b


def function(name):
    def apply(x):
        DONE["transcendentals"] += 1
        return Num(getattr(math, name)(x.value))

    return apply


exp, log, sqrt, erf = (function(name) for name in ("exp", "log", "sqrt", "erf"))


def nums(array):
    """An array of counting numbers."""
    array = np.asarray(array, "float64")
    result = np.empty(array.shape, object)
    for at in np.ndindex(array.shape):
        result[at] = Num(array[at])
    return result


def values(array):
    return np.vectorize(lambda x: x.value, otypes=[float])(array)


def each(apply, array):
    result = np.empty(array.shape, object)
    for at in np.ndindex(array.shape):
        result[at] = apply(array[at])
    return result


def added_up(items, start=None):
    items = iter(items)
    total = next(items) if start is None else start
    for item in items:
        total = total + item
    return total


def mean(items):
    items = list(items)
    return added_up(items) / len(items)


def relu(x):
    return greater(x, Num(0))


def sigmoid(x):
    return 1 / (1 + exp(-x))


def tanh(x):
    up, down = exp(x), exp(-x)
    return (up - down) / (up + down)


def softmax(row):
    powers = [exp(x) for x in row]
    total = added_up(powers)
    return np.array([power / total for power in powers], object)


ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": relu,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "softplus": lambda x: log(1 + exp(x)),
    "silu": lambda x: x * sigmoid(x),
    "gelu": lambda x: (0.5 * x) * (1 + erf(x * (1 / math.sqrt(2)))),
    "exponential": exp,
    "mish": lambda x: x * tanh(log(1 + exp(x))),
    "softsign": lambda x: x / (greater(x, Num(-x.value)) + 1),
}


def activate(name, array):
    if name == "softmax":
        rows = array.reshape(-1, array.shape[-1])
        return np.array([softmax(row) for row in rows], object).reshape(array.shape)
    return each(ACTIVATIONS[name], array)


def dot(x, w, bias=None):
    return added_up((a * b for a, b in zip(x, w, strict=True)), start=bias)


def dense(x, kernel, bias=None):
    rows = x.reshape(-1, x.shape[-1])
    out = [
        [
            dot(row, kernel[:, unit], None if bias is None else bias[unit])
            for unit in range(kernel.shape[1])
        ]
        for row in rows
    ]
    return np.array(out, object).reshape(*x.shape[:-1], kernel.shape[1])


def padded(x, kernel, strides, dilations, padding):
    """x (positions…, channels) with zeros around it as Keras puts them."""
    amounts = []
    for size, k, s, d in zip(x.shape, kernel, strides, dilations, strict=False):
        reach = d * (k - 1) + 1
        if padding == "same":
            need = max((-(-size // s) - 1) * s + reach - size, 0)
            amounts.append((need // 2, need - need // 2))
        else:
            amounts.append((reach - 1, 0) if padding == "causal" else (0, 0))
    wide = np.empty(
        [n + a + b for n, (a, b) in zip(x.shape, amounts, strict=False)] + [x.shape[-1]], object
    )
    wide[...] = nums(np.zeros(wide.shape))
    wide[tuple(slice(a, a + n) for n, (a, _) in zip(x.shape, amounts, strict=False))] = x
    return wide


def windows(x, kernel, strides, dilations):
    """Every window of x (positions…, channels) with its place in the output."""
    sides = [(n - d * (k - 1) - 1) // s + 1
             for n, k, s, d in zip(x.shape, kernel, strides, dilations, strict=False)]  # fmt: skip
    for place in itertools.product(*map(range, sides)):
        axes = zip(place, kernel, strides, dilations, strict=True)
        yield place, x[tuple(slice(p * s, p * s + d * (k - 1) + 1, d) for p, k, s, d in axes)]


def convolve(x, kernel, bias, strides, dilations, padding, groups=1):
    """x (positions…, channels), kernel (window…, channels / groups, filters)."""
    size = kernel.shape[:-2]
    x = padded(x, size, strides, dilations, padding)
    found = list(windows(x, size, strides, dilations))
    filters, share = kernel.shape[-1], x.shape[-1] // groups
    out = np.empty([n + 1 for n in found[-1][0]] + [filters], object)
    for place, window in found:
        for at in range(filters):
            first = at // (filters // groups) * share
            part = window[..., first : first + share]
            out[(*place, at)] = dot(
                part.ravel(), kernel[..., at].ravel(), None if bias is None else bias[at]
            )
    return out


def depthwise(x, kernel, bias, strides, dilations, padding):
    """kernel (window…, channels, multiplier)."""
    parts = [
        convolve(x[..., c : c + 1], kernel[..., c : c + 1, :],
                 None if bias is None else bias[c * kernel.shape[-1] : (c + 1) * kernel.shape[-1]],
                 strides, dilations, padding)
        for c in range(x.shape[-1])
    ]  # fmt: skip
    return np.concatenate(parts, axis=-1)


def pool(x, size, strides, combine):
    found = list(windows(x, size, strides, (1,) * len(size)))
    out = np.empty([n + 1 for n in found[-1][0]] + [x.shape[-1]], object)
    for place, window in found:
        for channel in range(x.shape[-1]):
            out[(*place, channel)] = combine(list(window[..., channel].ravel()))
    return out


def largest(items):
    result = items[0]
    for item in items[1:]:
        result = greater(result, item)
    return result


def simple_rnn(x, kernel, recurrent, bias, activation):
    h = nums(np.zeros(recurrent.shape[0]))
    for row in x:
        h = each(ACTIVATIONS[activation], np.array(
            [_gate(row, h, kernel[:, u], recurrent[:, u], None if bias is None else bias[u])
             for u in range(len(h))], object))  # fmt: skip
    return h


def _gate(x, h, w, u, bias):
    """w · x + u · h onto the bias, one running sum."""
    return dot([*x, *h], [*w, *u], bias)


def gru(x, kernel, recurrent, bias, reset_after):
    units = recurrent.shape[0]
    first = bias if bias is None or not reset_after else bias[0]
    second = bias[1] if bias is not None and reset_after else None
    h = nums(np.zeros(units))
    for row in x:
        gates = []
        for gate in range(2):
            at = [gate * units + unit for unit in range(units)]
            sums = [
                _gate(row, h, kernel[:, i], recurrent[:, i], None if first is None else first[i])
                for i in at
            ]
            if second is not None:
                sums = [s + second[i] for s, i in zip(sums, at, strict=True)]
            gates.append([sigmoid(s) for s in sums])
        z, r = gates
        candidate = []
        for unit in range(units):
            i = 2 * units + unit
            start = None if first is None else first[i]
            if reset_after:
                inner = dot(h, recurrent[:, i], None if second is None else second[i])
                candidate.append(dot(row, kernel[:, i], start) + r[unit] * inner)
            else:
                # r · h once for each unit, outside this sum
                candidate.append((row, start, i))
        if not reset_after:
            reset = [a * b for a, b in zip(r, h, strict=True)]
            candidate = [
                _gate(row, reset, kernel[:, i], recurrent[:, i], start)
                for row, start, i in candidate
            ]
        g = [tanh(s) for s in candidate]
        h = np.array([(1 - z[u]) * g[u] + z[u] * h[u] for u in range(units)], object)
    return h


def lstm(x, kernel, recurrent, bias):
    units = recurrent.shape[0]
    h, c = nums(np.zeros(units)), nums(np.zeros(units))
    for row in x:
        i, f, g, o = (
            [
                (tanh if part == 2 else sigmoid)(
                    _gate(
                        row, h, kernel[:, at], recurrent[:, at], None if bias is None else bias[at]
                    )
                )
                for at in range(part * units, (part + 1) * units)
            ]
            for part in range(4)
        )
        c = np.array([f[u] * c[u] + i[u] * g[u] for u in range(units)], object)
        h = np.array([o[u] * tanh(c[u]) for u in range(units)], object)
    return h


def standardize(row, gamma, beta, epsilon):
    """Layer normalisation of one row."""
    m = mean(row)
    off = [x - m for x in row]
    inverse = Num(1 / math.sqrt((mean(d * d for d in off) + epsilon).value))
    DONE["transcendentals"] += 1  # 1 / √ is one function
    back = -m
    scale = [inverse] * len(row) if gamma is None else [inverse * g for g in gamma]
    shift = [back * inverse] * len(row) if gamma is None else [back * s for s in scale]
    if beta is not None:
        shift = [t + b for t, b in zip(shift, beta, strict=True)]
    return [x * s + t for x, s, t in zip(row, scale, shift, strict=True)]


def batch_normalize(x, gamma, beta, moving_mean, variance, epsilon):
    scale, shift = [], []
    for c in range(x.shape[-1]):
        inverse = Num(1 / math.sqrt((variance[c] + epsilon).value))
        DONE["transcendentals"] += 1
        scale.append(inverse if gamma is None else inverse * gamma[c])
        center = moving_mean[c] * scale[-1]
        shift.append(-center if beta is None else beta[c] - center)
    rows = x.reshape(-1, x.shape[-1])
    out = [[v * s + t for v, s, t in zip(row, scale, shift, strict=True)] for row in rows]
    return np.array(out, object).reshape(x.shape)


def attention(q, v, k):
    """softmax(q · kᵀ) · v."""
    weights = [softmax([dot(a, b) for b in k]) for a in q]
    return np.array([[dot(row, v[:, c]) for c in range(v.shape[1])] for row in weights], object)


def self_attention(x, *weights):
    """Multi-head attention of x (steps, entries) on itself, each projection with a bias."""
    (wq, bq), (wk, bk), (wv, bv), (wo, bo) = zip(weights[::2], weights[1::2], strict=True)
    heads = []
    for head in range(wq.shape[1]):
        q, k, v = (dense(x, w[:, head], b[head]) for w, b in ((wq, bq), (wk, bk), (wv, bv)))
        q = each(lambda value: value * (1 / math.sqrt(wq.shape[-1])), q)
        heads.append(attention(q, v, k))
    joined = np.concatenate(heads, axis=-1)
    return dense(joined, wo.reshape(-1, wo.shape[-1]), bo)
