"""Memory: the size of tensors, and how much is alive at one time."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kerasnets.profiling.sizes import Size, product, total
from kerasnets.profiling.walk import LayerCall, Tensor


def itemsize(dtype: str) -> int:
    """The bytes of one element; 0 for strings, which have no fixed size.

    >>> itemsize("bfloat16"), itemsize("int64"), itemsize("bool")
    (2, 8, 1)
    """
    if dtype == "bool":
        return 1
    bits = re.search(r"\d+$|\d+(?=_)", dtype)
    return -(-int(bits.group()) // 8) if bits else 0


def tensor_bytes(tensors: Sequence[Tensor]) -> Size:
    """The bytes of the tensors together, for one sample."""
    return total(product(x.shape) * itemsize(x.dtype) for x in tensors)


def live_bytes(
    calls: Sequence[LayerCall], inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> list[Size]:
    """The bytes of all activations that are alive during each call.

    In the order in which Keras runs the calls, a tensor is alive from the call that computes it
    to the last call that reads it. Model inputs are alive from the start, model outputs to the
    end.
    """
    last_use = {x.key: index for index, call in enumerate(calls) for x in call.inputs}
    last_use |= {x.key: len(calls) for x in outputs}
    live = {x.key: x for x in inputs}
    result = []
    for index, call in enumerate(calls):
        live |= {x.key: x for x in call.outputs}
        result.append(tensor_bytes(list(live.values())))
        live = {key: x for key, x in live.items() if last_use.get(key, -1) > index}
    return result
