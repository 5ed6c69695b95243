"""The step model of a stream: inputs ``chunk`` and states, outputs and new states."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kerasnets._lazy import tf
from kerasnets.exporting.samples import Arrays
from kerasnets.exporting.signature import Served, TensorInfo
from kerasnets.exporting.streaming.chunk import Chunk, as_steps, at_least_one_step
from kerasnets.exporting.streaming.flow import AllSteps, Flow, State, Timing
from kerasnets.exporting.streaming.plan import Plan
from kerasnets.exporting.tasks import task_outputs
from kerasnets.exporting.tracing import portable
from kerasnets.exporting.verification.runtimes.stream_check import NEW, run_chunks

CHUNK = "chunk"


@dataclass(frozen=True, eq=False)
class StepModel(Served):
    """A model as a function of a chunk and the states before it.

    It has the signature of any other exported model, so that it is written in the same way.

    Attributes:
        plan: how the layers run.
        whole: the model on whole sequences.
    """

    plan: Plan
    whole: Served

    @property
    def states(self) -> list[State]:
        """The states."""
        return self.plan.states

    @property
    def results(self) -> list[TensorInfo]:
        """The outputs without the states."""
        return list(self.outputs[: len(self.outputs) - len(self.states)])

    @property
    def timings(self) -> list[Timing]:
        """When the steps of each output exist."""
        timings = [output.timing for output in self.plan.outputs]
        return timings if self.task is None else timings * len(self.results)

    @property
    def initial_state(self) -> Arrays:
        """The states at the start of a stream, for one row."""
        return {state.name: state.initial for state in self.states}

    def __call__(self, *tensors: Any) -> dict[str, Any]:
        """Run a chunk.

        Args:
            tensors: one tensor per input, in the order of ``inputs``.
        """
        found = {info.name: x for info, x in zip(self.inputs, tensors, strict=True)}
        names = chunk_names(self.whole)
        batch, steps = tf.unstack(tf.shape(tensors[0])[:2])
        chunk = Chunk(found, steps)
        arguments = [
            _in_model(found[names[info.name]], info, steps) if info.name in names else None
            for info in self.whole.inputs
        ]
        with contextlib.nullcontext() if tf.executing_eagerly() else portable(self.model):
            outputs = self.plan.run(chunk, arguments)
        new = [
            as_steps(x, flow, chunk, batch)
            for x, flow in zip(outputs, self.plan.outputs, strict=True)
        ]
        results = [info.name for info in self.results]
        named = (
            dict(zip(results, new, strict=True))
            if self.task is None
            else task_outputs(self.task, results, new[0])
        )
        named |= {NEW + state.name: chunk.new_states[state.name] for state in self.states}
        return {name: tf.identity(tensor, name=name) for name, tensor in named.items()}


def plan_stream(served: Served) -> StepModel:
    """Plan the step model of an exported model.

    Args:
        served: the model and its signature.

    Raises:
        ValueError: the model cannot run on a stream. The message names the layer.
    """
    plan = Plan(served.model, [_as_flow(served, info) for info in served.inputs])
    names = chunk_names(served)
    chunks = [
        TensorInfo(names[info.name], info.dtype, (None, None, *(info.shape[2:] or (1,))))
        for info in served.inputs
        if info.name in names
    ]
    states = [
        TensorInfo(state.name, state.initial.dtype.name, (None, *state.initial.shape[1:]))
        for state in plan.states
    ]
    flows = plan.outputs if served.task is None else plan.outputs * len(served.outputs)
    results = [
        TensorInfo(info.name, info.dtype, (None, None, *flow.features))
        for info, flow in zip(served.outputs, flows, strict=True)
    ]
    results += [replace(info, name=NEW + info.name) for info in states]
    return StepModel(
        model=served.model,
        arguments=served.arguments,
        inputs=(*chunks, *states),
        outputs=tuple(results),
        task=served.task,
        plan=plan,
        whole=served,
    )


def chunk_names(served: Served) -> dict[str, str]:
    """The inputs of a step model by the inputs of the model: ``chunk``, if there is only one."""
    names = [info.name for info in served.inputs if not info.is_length]
    return {names[0]: CHUNK} if len(names) == 1 else {name: name for name in names}


def _as_flow(served: Served, info: TensorInfo) -> Flow | AllSteps:
    if info.is_length:
        return AllSteps()
    if len(info.shape) < 2:
        raise ValueError(
            f"{served.model.name!r} cannot run on a live stream: its input {info.name!r} has no "
            "time axis. Export without streaming."
        )
    return Flow(info.shape[1:], Timing(), is_sequence=True)


def run_in_chunks(model: StepModel, chunks: Sequence[Arrays]) -> Arrays:
    """Run chunks one after the other in TensorFlow; return the outputs of all steps.

    Args:
        model: the step model.
        chunks: the chunks, each with an array per input, and the same number of rows.
    """
    rows = len(next(iter(chunks[0].values())))
    state = {name: np.repeat(x, rows, axis=0) for name, x in model.initial_state.items()}
    return run_chunks(model.run, chunks, state)[0]


def as_chunk(model: StepModel, inputs: Arrays) -> Arrays:
    """The inputs of the model as one chunk of its step model.

    Args:
        model: the step model.
        inputs: arrays by the names of the inputs of the model.
    """
    return {
        new: inputs[name][..., np.newaxis] if inputs[name].ndim == 2 else inputs[name]
        for name, new in chunk_names(model.whole).items()
    }


def _in_model(chunk: Any, info: TensorInfo, steps: Any) -> Any:
    """A chunk with the axes of the input of the model."""
    chunk = at_least_one_step(chunk, steps)
    return chunk if len(info.shape) > 2 else chunk[..., 0]
