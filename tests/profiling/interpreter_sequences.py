"""The interpreter for recurrent layers, normalization and attention; see ``interpreter``."""

from __future__ import annotations

import math

import numpy as np

from tests.profiling.interpreter import (
    ACTIVATIONS,
    DONE,
    Num,
    dense,
    dot,
    each,
    mean,
    nums,
    sigmoid,
    softmax,
    tanh,
)


def simple_rnn(x, kernel, recurrent, bias, activation):
    h = nums(np.zeros(recurrent.shape[0]))
    for row in x:
        h = each(ACTIVATIONS[activation], np.array(
            [_gate(row, h, kernel[:, u], recurrent[:, u], None if bias is None else bias[u])
             for u in range(len(h))], object))  # fmt: skip
    return h


def _gate(x, h, w, u, bias):
    """w · x + u · h plus the bias, as one running sum."""
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
                # r · h is computed once per unit, after this loop
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
    """Layer normalization of one row."""
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
    """Multi-head attention of x (steps, entries) to itself; each projection has a bias."""
    (wq, bq), (wk, bk), (wv, bv), (wo, bo) = zip(weights[::2], weights[1::2], strict=True)
    heads = []
    for head in range(wq.shape[1]):
        q, k, v = (dense(x, w[:, head], b[head]) for w, b in ((wq, bq), (wk, bk), (wv, bv)))
        q = each(lambda value: value * (1 / math.sqrt(wq.shape[-1])), q)
        heads.append(attention(q, v, k))
    joined = np.concatenate(heads, axis=-1)
    return dense(joined, wo.reshape(-1, wo.shape[-1]), bo)
