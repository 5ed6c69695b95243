"""The registry of counting rules: how each layer class is counted, or why it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from kerasnets.profiling.counts import Op
from kerasnets.profiling.sizes import Shape


@dataclass(frozen=True)
class Call:
    """One call of a layer as a rule sees it: the input and output shapes for one sample.

    Attributes:
        inputs: the shapes of the input tensors, with a batch axis of 1.
        outputs: the shapes of the output tensors, with a batch axis of 1.
        inner: function that returns the steps of a layer or function inside this layer:
            ``inner(layer, input_shapes, output_shapes)``.
        operands: the shapes of all arrays among the arguments, including weights and constants.
        args: the positional arguments of the call, including symbolic tensors.
        kwargs: the keyword arguments of the call.
    """

    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    inner: Callable[..., list[Op]]
    operands: tuple[Shape, ...] = ()
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    def single(self) -> Call:
        """The same call with every batch axis set to 1."""
        return replace(
            self,
            inputs=tuple((1, *shape[1:]) for shape in self.inputs),
            outputs=tuple((1, *shape[1:]) for shape in self.outputs),
        )

    def named(self, *names: str) -> dict[str, Shape]:
        """The shapes of the tensor arguments by name.

        Args:
            names: the names of the arguments of the layer's ``call``, in order.
        """
        shapes = iter(self.inputs)
        if not self.args and not self.kwargs:
            return dict(zip(names, shapes, strict=False))
        # Inputs are in this order: positional arguments, then keyword arguments sorted by name.
        named = [*zip(names, self.args, strict=False), *sorted(self.kwargs.items())]
        return {name: next(shapes) for name, x in named if hasattr(x, "_keras_history")}

    @property
    def input(self) -> Shape:
        """The shape of the first input."""
        return self.inputs[0]

    @property
    def output(self) -> Shape:
        """The shape of the first output."""
        return self.outputs[0]

    @staticmethod
    def sample(shape: Shape) -> Shape:
        """A shape without its batch axis of 1; ``(1,)`` for a scalar."""
        return (shape if shape and shape[0] != 1 else shape[1:]) or (1,)


Rule: TypeAlias = Callable[[Any, Call], Iterable[Op]]


class UnsupportedError(Exception):
    """A layer cannot be counted; the message says why."""


@dataclass(frozen=True)
class Uncounted:
    """Why the operations of a layer are not counted.

    Attributes:
        reason: the reason in words.
        ignored: ``True`` if the layer does nothing that counts, ``False`` if it cannot be
            counted and is missing from the totals.
    """

    reason: str
    ignored: bool


# The keys are classes or, for Keras's own classes, names: registration does not import Keras.
_RULES: dict[type | str, Rule | Uncounted] = {}


def rule(*layers: type | str) -> Callable[[Rule], Rule]:
    """Register the decorated function as the counting rule of layer classes.

    The function takes the layer and a :class:`Call` and returns the steps of the layer::

        @rule(MyLayer)
        def my_layer(layer, call):
            return [elementwise("my_layer", call.sample(call.output), additions=2)]

    It replaces any rule that was registered before for the same class.

    Args:
        layers: classes, or names of Keras's own classes: ``"Dense"`` for a layer,
            ``"ops.Matmul"`` for an operation.
    """

    def register(function: Rule) -> Rule:
        _RULES.update(dict.fromkeys(layers, function))
        return function

    return register


def ignore(reason: str, *layers: type | str) -> None:
    """Register layer classes as free of cost.

    Args:
        reason: why they cost nothing; shown in profiles and by ``coverage``.
        layers: classes, or names of Keras's own classes.
    """
    _RULES.update(dict.fromkeys(layers, Uncounted(reason, ignored=True)))


def unsupported(reason: str, *layers: type | str) -> None:
    """Register layer classes that cannot be counted; totals with them are lower bounds.

    Args:
        reason: why they cannot be counted; shown in profiles and by ``coverage``.
        layers: classes, or names of Keras's own classes.
    """
    _RULES.update(dict.fromkeys(layers, Uncounted(reason, ignored=False)))


def keras_name(cls: type) -> str | None:
    """The name that Keras's own classes are registered by; ``None`` for other classes."""
    parts = cls.__module__.split(".")
    if parts[0] != "keras" or len(parts) < 3:
        return None
    return cls.__name__ if parts[2] == "layers" else f"{parts[2]}.{cls.__name__}"


def find_rule(cls: type) -> Rule | Uncounted | None:
    """The rule of a layer class, the reason why it has none, or ``None`` if it is unknown.

    A subclass uses the rule of its parent class, unless it defines its own ``call``.
    """
    for parent in cls.__mro__:
        for key in (parent, keras_name(parent)):
            if key in _RULES:
                return _RULES[key]
        if "call" in vars(parent):
            return None
    return None
