"""Where the counting rules are found: by layer class, counted or ignored with a reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from kerasnets.profiling.counts import Op
from kerasnets.profiling.sizes import Shape


@dataclass(frozen=True)
class Call:
    """One call of a layer: the shapes that go in and come out, for a single sample.

    Attributes:
        inputs: the shapes of the input tensors; the batch axis is 1.
        outputs: the shapes of the output tensors.
        inner: counts a layer or function inside this one:
            ``inner(layer, input_shapes, output_shapes)`` gives its steps.
        operands: the shapes of every array among the arguments, weights and constants too.
        args: the positional arguments of the call, symbolic tensors and all.
        kwargs: the named ones.
    """

    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    inner: Callable[..., list[Op]]
    operands: tuple[Shape, ...] = ()
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    def single(self) -> Call:
        """The call with a batch axis of 1 whatever is folded into it."""
        return replace(
            self,
            inputs=tuple((1, *shape[1:]) for shape in self.inputs),
            outputs=tuple((1, *shape[1:]) for shape in self.outputs),
        )

    def named(self, *names: str) -> dict[str, Shape]:
        """The shapes of the tensor arguments by name.

        Args:
            names: the names of the layer's arguments, in the order it takes them.
        """
        shapes = iter(self.inputs)
        if not self.args and not self.kwargs:
            return dict(zip(names, shapes, strict=False))
        # The flat order of tensors: positional ones, then named ones by name.
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
        """A shape without its batch axis of 1; a single number is ``(1,)``."""
        return (shape if shape and shape[0] != 1 else shape[1:]) or (1,)


Rule: TypeAlias = Callable[[Any, Call], Iterable[Op]]


class UnsupportedError(Exception):
    """A layer that no rule counts; its message says why."""


@dataclass(frozen=True)
class Uncounted:
    """Why a layer has no rule.

    Attributes:
        reason: in words.
        complete: whether that is as it should be, because it does nothing that counts.
    """

    reason: str
    complete: bool


# Keyed by class, or by name for Keras's own: registering must not import Keras.
_RULES: dict[type | str, Rule | Uncounted] = {}


def rule(*layers: type | str) -> Callable[[Rule], Rule]:
    """Register the decorated function as the rule of some layer classes.

    The function takes the layer and a :class:`Call` and returns the layer's steps::

        @rule(MyLayer)
        def my_layer(layer, call):
            return [elementwise("my_layer", call.sample(call.output), additions=2)]

    A later rule replaces an earlier one.

    Args:
        layers: the classes; Keras's own may be given by name, operations as ``"ops.Matmul"``.
    """

    def enter(function: Rule) -> Rule:
        _RULES.update(dict.fromkeys(layers, function))
        return function

    return enter


def ignore(reason: str, *layers: type | str) -> None:
    """Say that layers do nothing that counts.

    Args:
        reason: why not, for the table of what is covered.
        layers: the classes; Keras's own may be given by name.
    """
    _RULES.update(dict.fromkeys(layers, Uncounted(reason, complete=True)))


def unsupported(reason: str, *layers: type | str) -> None:
    """Say that layers cannot be counted, so that totals with them are lower bounds.

    Args:
        reason: why not.
        layers: the classes; Keras's own may be given by name.
    """
    _RULES.update(dict.fromkeys(layers, Uncounted(reason, complete=False)))


def keras_name(cls: type) -> str | None:
    """The name Keras's own classes are registered by, ``None`` for a user's class."""
    parts = cls.__module__.split(".")
    if parts[0] != "keras" or len(parts) < 3:
        return None
    return cls.__name__ if parts[2] == "layers" else f"{parts[2]}.{cls.__name__}"


def find(layer: Any) -> Rule | Uncounted | None:
    """The rule of a layer, or why it has none; ``None`` if nothing is known of it.

    A subclass goes by the rule of its parent unless it computes something else, that is, has
    a ``call`` of its own.
    """
    return of_class(type(layer))


def of_class(layer: type) -> Rule | Uncounted | None:
    """As :func:`find`, for a class."""
    for cls in layer.__mro__:
        for key in (cls, keras_name(cls)):
            if key in _RULES:
                return _RULES[key]
        if "call" in vars(cls):
            return None
    return None
