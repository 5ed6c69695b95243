"""Bytes: what tensors take, and how much is alive at a time."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kerasnets.profiling.sizes import Size, product, total
from kerasnets.profiling.walk import Tensor, Visit


def itemsize(dtype: str) -> int:
    """Bytes of one element; 0 for strings, whose size is their own.

    >>> itemsize("bfloat16"), itemsize("int64"), itemsize("bool")
    (2, 8, 1)
    """
    if dtype == "bool":
        return 1
    bits = re.search(r"\d+$|\d+(?=_)", dtype)
    return -(-int(bits.group()) // 8) if bits else 0


def tensor_bytes(tensors: Sequence[Tensor]) -> Size:
    """What the tensors take for one sample."""
    return total(product(x.shape) * itemsize(x.dtype) for x in tensors)


def alive(
    visits: Sequence[Visit], inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> list[Size]:
    """The bytes of activations alive while each call runs.

    A tensor lives from the call that makes it to the last that reads it, in the order Keras
    runs them; the model's inputs from the start and its outputs to the end.
    """
    last = {x.key: at for at, visit in enumerate(visits) for x in visit.inputs}
    last |= {x.key: len(visits) for x in outputs}
    living = {x.key: x for x in inputs}
    result = []
    for at, visit in enumerate(visits):
        living |= {x.key: x for x in visit.outputs}
        result.append(tensor_bytes(list(living.values())))
        living = {key: x for key, x in living.items() if last.get(key, -1) > at}
    return result
