"""A small interpreter that runs layers scalar by scalar and counts each operation.

It does not use the profiler. It computes the output of a layer from its weights by definition,
with numbers that count the operations on them. Tests compare its counts with the profiler and its
output with Keras.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np

DONE: Counter[str] = Counter()


class Num:
    """A number that counts the operations on it."""

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
    """An array of numbers that count."""
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


def running_sum(items, start=None):
    items = iter(items)
    total = next(items) if start is None else start
    for item in items:
        total = total + item
    return total


def mean(items):
    items = list(items)
    return running_sum(items) / len(items)


def relu(x):
    return greater(x, Num(0))


def sigmoid(x):
    return 1 / (1 + exp(-x))


def tanh(x):
    up, down = exp(x), exp(-x)
    return (up - down) / (up + down)


def softmax(row):
    powers = [exp(x) for x in row]
    total = running_sum(powers)
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
    return running_sum((a * b for a, b in zip(x, w, strict=True)), start=bias)


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
    """Pad x (positions…, channels) with zeros as Keras does."""
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
    """Each window of x (positions…, channels) with its position in the output."""
    sides = [(n - d * (k - 1) - 1) // s + 1
             for n, k, s, d in zip(x.shape, kernel, strides, dilations, strict=False)]  # fmt: skip
    for place in itertools.product(*map(range, sides)):
        axes = zip(place, kernel, strides, dilations, strict=True)
        yield place, x[tuple(slice(p * s, p * s + d * (k - 1) + 1, d) for p, k, s, d in axes)]


def convolve(x, kernel, bias, strides, dilations, padding, groups=1):
    """Convolve x (positions…, channels) with kernel (window…, channels / groups, filters)."""
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
    """Depthwise convolution with kernel (window…, channels, multiplier)."""
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
