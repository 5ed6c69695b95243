"""Sum a vector over the workers, inside a compiled function and with few messages.

Each way sends 2 (W - 1) times the bytes of the vector in total for W workers, which is the least
possible. The ways differ in the number of messages, each of which costs about half a kilobyte of
headers and a part of a millisecond, and in the load of the first worker:

====  ===========  ==========  ===================================================================
way   messages     rounds      use
====  ===========  ==========  ===================================================================
swap  2            1           two workers, which send each other the vector
hub   2 (W - 1)    2           small vectors: the first worker adds them, and sends the sum to all
ring  2 W (W - 1)  2 (W - 1)   large vectors: every worker sends and receives equally many bytes
====  ===========  ==========  ===================================================================

The messages of a round are sent at the same time. All workers get the same bits.
"""

from __future__ import annotations

from typing import Any

from kerasnets._lazy import tf
from kerasnets.engine.collectives import Group

# Most bytes that the first worker sends to all others. Above, its network is the bottleneck.
HUB_BYTES = 2**18


def sum_vector(group: Group, vector: Any, largest: int) -> Any:
    """Return the sum of the vectors of all workers.

    Args:
        group: the connected workers.
        vector: a tensor of shape ``(n,)``, of the same type and size on every worker. The size may
            be known only when the step runs.
        largest: the size, or a larger number; the same on every worker.
    """
    if vector.dtype not in (tf.float32, tf.float64, tf.float16):
        return group.reduce(vector)  # the only operation of TensorFlow for bfloat16
    if group.size == 2:
        return _swap(group, vector)
    if (group.size - 1) * largest * vector.dtype.size > HUB_BYTES:
        return group.reduce(vector)
    return _hub(group, vector)


def _swap(group: Group, vector: Any) -> Any:
    first, second = tf.split(group.concatenate(vector), 2)
    return first + second


def _hub(group: Group, vector: Any) -> Any:
    others = range(1, group.size)
    keys = {other: (group.new_key(), group.new_key()) for other in others}
    if group.index:
        there, back = keys[group.index]
        with tf.control_dependencies([group.send(vector, group.index, there)]):
            return group.receive(vector, group.index, back)
    total = tf.add_n([vector, *(group.receive(vector, other, keys[other][0]) for other in others)])
    with tf.control_dependencies([group.send(total, other, keys[other][1]) for other in others]):
        return tf.identity(total)
