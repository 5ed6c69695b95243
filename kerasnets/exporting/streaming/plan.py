"""Plan how a model runs on a stream, or find the layer that cannot.

The graph of the model is walked once, without numbers. For each layer a rule says what its output
is in a stream, which states it needs, and how it runs on a chunk.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from kerasnets._lazy import keras
from kerasnets.exporting.streaming.chunk import Chunk
from kerasnets.exporting.streaming.flow import AllSteps, Flow, NotCausalError, State, is_flow
from kerasnets.exporting.streaming.rules import Call, Planned, plan_call
from kerasnets.profiling.graph import graph_of, nodes_of

Run = Callable[..., list[Any]]


class Plan:
    """How a model runs on a stream.

    Attributes:
        states: the states, in the order of the layers.
        outputs: the outputs of the model.
        run: the function ``(chunk, inputs) -> outputs`` that runs the model on a chunk. Inputs are
            in the order of the inputs of the model.
    """

    def __init__(self, model: keras.Model, inputs: Sequence[Flow | AllSteps]) -> None:
        """Plan a model.

        Args:
            model: a functional or Sequential model.
            inputs: what its inputs are in a stream.

        Raises:
            ValueError: a layer cannot run on a stream. The message names it and says why.
        """
        self.states: list[State] = []
        self._model = model
        self.outputs, self.run = self._walk(model, inputs)
        for name, output in zip(_names(model), self.outputs, strict=True):
            if not is_flow(output):
                self._refuse(name, "does not depend on the stream")
            if output.zeros_before:
                self._refuse(name, "adds zeros before the first step, and no convolution follows")

    def _walk(self, model: Any, inputs: Sequence[Any]) -> tuple[list[Any], Run]:
        """Plan a model or a nested model."""
        graph = graph_of(model)
        if graph is None:
            self._refuse(
                f"{model.name!r} ({type(model).__name__})",
                "has a call of its own. Build it with the functional API, or as a Sequential model",
            )
        flows = {id(tensor): flow for tensor, flow in zip(graph.inputs, inputs, strict=True)}
        calls: list[tuple[Any, Callable[..., Any], list[int]]] = []
        for node in nodes_of(graph):
            planned, run = self._plan_node(node, *node.arguments.fill_in(flows))
            outputs = [id(tensor) for tensor in node.outputs]
            flows |= zip(outputs, keras.tree.flatten(planned), strict=True)
            calls.append((node.arguments, run, outputs))
        results = [id(tensor) for tensor in graph.outputs]

        def run_all(chunk: Chunk, tensors: Sequence[Any]) -> list[Any]:
            found = dict(zip(map(id, graph.inputs), tensors, strict=True))
            for arguments, run, outputs in calls:
                args, kwargs = arguments.fill_in(found)
                found |= zip(outputs, keras.tree.flatten(run(chunk, *args, **kwargs)), strict=True)
            return [found[result] for result in results]

        return [flows[result] for result in results], run_all

    def _plan_node(
        self, node: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[Any, Callable[..., Any]]:
        operation = node.operation
        leaves = keras.tree.flatten((args, kwargs))
        flows = [value for value in leaves if is_flow(value)]
        if graph_of(operation) is not None and any(flow.is_sequence for flow in flows):
            nested, run_nested = self._walk(operation, keras.tree.flatten(args))
            return nested, lambda chunk, *x, **_: run_nested(chunk, keras.tree.flatten(x))
        outputs = [tensor.shape[1:] for tensor in node.outputs]
        try:
            planned: Planned = plan_call(
                Call(
                    operation, args, kwargs, outputs, functools.partial(self._add_state, operation)
                )
            )
        except NotCausalError as error:
            self._refuse(f"{operation.name!r} ({type(operation).__name__})", str(error))
        return planned

    def _add_state(self, layer: Any, suffix: str, initial: np.ndarray) -> str:
        """Add a state; return its name, which can be an argument of a function."""
        stem = re.sub(r"\W", "_", f"{layer.name}_{suffix}", flags=re.ASCII)
        taken = {state.name for state in self.states}
        name, number = stem, 1
        while name in taken:
            number += 1
            name = f"{stem}_{number}"
        self.states.append(State(name, initial))
        return name

    def _refuse(self, layer: str, reason: str) -> NoReturn:
        """Raise the error that names a layer."""
        raise ValueError(
            f"{self._model.name!r} cannot run on a live stream: the layer {layer} {reason}. Change "
            "the layer, or export without streaming."
        )


def _names(model: keras.Model) -> list[str]:
    if isinstance(model, keras.Sequential):
        return [repr(model.layers[-1].name)]
    return [repr(name) for name in model.output_names]
