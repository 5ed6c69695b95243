"""LoRA: two low-rank factors whose product is added to the kernel of a layer."""

from __future__ import annotations

from typing import Any

from kerasnets.profiling.counts import Op, elementwise, sum_of_products
from kerasnets.profiling.registry import Call, rule


def lora_update(layer: Any) -> list[Op]:
    """The low-rank product, scaled and added to the kernel before it is used.

    Keras adds it to the kernel in every call, whatever the number of inputs. So it costs
    rank products per element of the kernel.
    """
    if not getattr(layer, "lora_enabled", False):
        return []
    name = "embeddings" if hasattr(layer, "lora_embeddings_a") else "kernel"
    first, second = (getattr(layer, f"lora_{name}_{side}") for side in "ab")
    kernel = (*first.shape[:-1], second.shape[-1])
    return [
        sum_of_products("dense", kernel, (first.shape[-1],), label="LoRA product"),
        elementwise("scale", kernel, "LoRA scale and sum", additions=1, multiplications=1),
    ]


def quantized_lora(layer: Any, call: Call) -> list[Op]:
    """Next to a quantized kernel, Keras multiplies the inputs by both factors instead."""
    positions, outputs = call.sample(call.input)[:-1], call.sample(call.output)
    rank = layer.lora_rank
    return [
        sum_of_products("dense", (*positions, rank), call.input[-1:], label="LoRA down"),
        sum_of_products("dense", outputs, (rank,), label="LoRA up"),
        elementwise("scale", outputs, "LoRA scale and sum", additions=1, multiplications=1),
    ]


@rule("Embedding")
def embedding(layer: Any, call: Call) -> list[Op]:
    """A lookup, which is free. With LoRA, the whole table of embeddings is updated first."""
    return lora_update(layer)
