"""Find the rule for a layer or operation in a stream, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kerasnets._lazy import keras
from kerasnets.exporting.streaming import pointwise
from kerasnets.exporting.streaming.chunk import as_rows
from kerasnets.exporting.streaming.flow import AllSteps, Flow, NotCausalError, Shape, is_flow
from kerasnets.exporting.streaming.recurrent import recur
from kerasnets.exporting.streaming.running import reduce_steps
from kerasnets.exporting.streaming.windows import check_channels_last, slide

# What the outputs are, and the function ``(chunk, *args, **kwargs) -> tensors``.
Planned = tuple[Any, Callable[..., Any]]

_WINDOWS = frozenset(
    [
        "AveragePooling1D",
        "Conv1D",
        "DepthwiseConv1D",
        "MaxPooling1D",
        "STFTSpectrogram",
        "SeparableConv1D",
    ]
)
_RECURRENT = frozenset(["GRU", "LSTM", "RNN", "SimpleRNN"])
_REDUCTIONS = {
    "GlobalAveragePooling1D": "mean",
    "GlobalMaxPooling1D": "max",
    "Max": "max",
    "Mean": "mean",
    "Min": "min",
    "Sum": "sum",
}
_ATTENTION = "compares each step with all others, so its state would grow without end"
_WHOLE = "needs the whole sequence"
_REASONS = {
    "Bidirectional": "reads the sequence backwards",
    "Cropping1D": "removes steps, and it is not known which are the last of a stream",
    "Flatten": "joins all steps of a sequence",
    "GroupNormalization": f"{_WHOLE}: its mean is over all steps",
    "Masking": "masks steps. A stream has no padding: leave out the layer, and these steps",
    "Permute": "moves the time axis",
    "UpSampling1D": "has several output steps per input step",
    "Conv1DTranspose": "adds up several windows in each output step",
    "SignalStatistics": f"{_WHOLE}, of which it computes statistics",
    **dict.fromkeys(
        ("AdditiveAttention", "Attention", "GroupQueryAttention", "MultiHeadAttention"), _ATTENTION
    ),
}


@dataclass(frozen=True)
class Call:
    """One call of a layer or an operation in the graph of a model.

    Attributes:
        operation: the layer or operation.
        args: its positional arguments, with a flow in place of each tensor.
        kwargs: its keyword arguments.
        outputs: the shapes of its outputs in the model, without batch.
        add_state: the function ``(suffix, initial) -> name`` that adds a state.
    """

    operation: Any
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    outputs: Sequence[Shape]
    add_state: Callable[..., str]

    @property
    def leaves(self) -> list[Any]:
        """All arguments, without the structures that hold them."""
        leaves: list[Any] = keras.tree.flatten((self.args, self.kwargs))
        return leaves

    @property
    def flows(self) -> list[Flow]:
        """The tensors among the arguments."""
        return [value for value in self.leaves if is_flow(value)]


def plan_call(call: Call) -> Planned:
    """Plan one call.

    Returns:
        The outputs, and the function that runs the call on a chunk.

    Raises:
        NotCausalError: it cannot run on a stream.
    """
    name = _known_name(call.operation)
    if (masks := _plan_masks(name, call.leaves)) is not None:
        return masks
    if any(isinstance(value, AllSteps) for value in keras.tree.flatten(call.args)):
        raise NotCausalError("uses the length of the sequences, and a stream has none")
    flows = call.flows
    if not flows:
        raise NotCausalError("has inputs that do not depend on the stream")
    _check_in_step(flows)
    if flows[0].is_sequence:
        return _plan_sequence(name, call, flows[0])
    results = [Flow(shape, flows[0].timing, is_sequence=False) for shape in call.outputs]
    return results, _call(call.operation)


def _plan_sequence(name: str, call: Call, flow: Flow) -> Planned:
    """Plan a call whose inputs are sequences."""
    layer, out = call.operation, call.outputs[0]
    if name == "ZeroPadding1D":
        return _pad_before(layer, flow, out)
    if name in _WINDOWS:
        return slide(layer, flow, out, call.add_state)
    if flow.zeros_before:
        raise NotCausalError("gets zeros before the first step, which only a convolution can use")
    if name in _RECURRENT:
        return _recur(call, flow, out)
    result = Flow(out, flow.timing, is_sequence=True)
    if name in _REDUCTIONS:
        if _is_over_time(layer, len(flow.shape) + 1):
            return reduce_steps(_REDUCTIONS[name], flow, out, call.add_state)
        return result, _call(layer)
    if name == "GetItem":
        return _index(call, flow, out)
    if pointwise.keeps_time(name, flow, out):
        return result, _reshape(out)
    others = [value for value in call.leaves if not is_flow(value)]
    if pointwise.is_pointwise(name, layer, call.flows, others):
        return result, _call(layer)
    raise NotCausalError(_REASONS.get(name, _UNKNOWN))


_UNKNOWN = (
    "is not known to compute each step from earlier ones. If it computes each step separately, "
    "wrap it in keras.layers.TimeDistributed"
)


def _known_name(operation: Any) -> str:
    """The name of the class of Keras or kerasnets whose ``call`` an operation has, if any."""
    classes = type(operation).__mro__
    known = [cls for cls in classes if cls.__module__.partition(".")[0] in ("keras", "kerasnets")]
    defining = next(cls for cls in classes if "call" in vars(cls))
    return known[0].__name__ if defining in known else ""


def _plan_masks(name: str, leaves: Sequence[Any]) -> Planned | None:
    """Plan the layers that make masks of ``length``: in a stream, every step is valid."""
    inputs = [value for value in leaves if is_flow(value) or isinstance(value, AllSteps)]
    if name == "LengthMask":
        return inputs[0], lambda chunk, x: x[0]
    if name == "StepsWithin" or (inputs and all(isinstance(value, AllSteps) for value in inputs)):
        return AllSteps(), lambda chunk, *args, **kwargs: None
    return None


def _check_in_step(flows: Sequence[Flow]) -> None:
    """Check that the inputs of a call have equally many steps after every chunk.

    Raises:
        NotCausalError: they have not.
    """
    if len({flow.is_sequence for flow in flows}) > 1:
        raise NotCausalError("combines a sequence with a value of the whole sequence")
    if len({flow.timing for flow in flows}) > 1:
        texts = sorted({f"one step per {f.timing.stride}, from {f.timing.first} on" for f in flows})
        raise NotCausalError(f"combines sequences that are not in step: {'; '.join(texts)}")
    if len({flow.zeros_before for flow in flows}) > 1:
        raise NotCausalError("combines a padded sequence with another")


def _call(operation: Any) -> Callable[..., Any]:
    return lambda chunk, *args, **kwargs: operation(*args, **kwargs)


def _recur(call: Call, flow: Flow, out: Shape) -> Planned:
    if len(call.flows) > 1:
        raise NotCausalError("gets its initial state from another layer")
    return recur(call.operation, flow, out, call.add_state)


def _pad_before(layer: Any, flow: Flow, out: Shape) -> Planned:
    before, after = layer.padding
    if after:
        raise NotCausalError(f"adds {after} zeros after the last step, and a stream has no last")
    zeros = flow.zeros_before + before
    result = Flow((flow.shape[0], *out[1:]), flow.timing, is_sequence=True, zeros_before=zeros)
    return result, lambda chunk, x: x


def _is_over_time(operation: Any, rank: int) -> bool:
    """Whether an operation reduces the time axis; if not, it reduces what is at each step.

    Raises:
        NotCausalError: it reduces time together with other axes, or its second axis is not time.
    """
    if isinstance(operation, keras.layers.Layer):
        check_channels_last(operation)
        return True
    axis = operation.axis
    axes = axis if isinstance(axis, list | tuple) else [axis]
    if None in axes or (len(axes) > 1 and 1 in [one % rank for one in axes]):
        raise NotCausalError("reduces time together with other axes")
    return bool(axes[0] % rank == 1)


def _index(call: Call, flow: Flow, out: Shape) -> Planned:
    key = call.args[1] if len(call.args) > 1 else call.kwargs["key"]
    key = tuple(key) if isinstance(key, list) else key
    if pointwise.is_last_step(key):
        rest = (slice(None), *key[2:])
        result = Flow(out, flow.timing, is_sequence=False)
        return result, lambda chunk, x, *args, **kwargs: as_rows(x)[rest]
    if pointwise.is_feature_slice(key, len(flow.shape) + 1):
        return Flow(out, flow.timing, is_sequence=True), _call(call.operation)
    raise NotCausalError("takes some of the steps by their position")


def _reshape(out: Shape) -> Callable[..., Any]:
    def run(chunk: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
        del chunk, args, kwargs
        batch, steps = keras.ops.shape(x)[:2]
        return keras.ops.reshape(x, (batch, steps, *(size or 1 for size in out[1:])))

    return run
