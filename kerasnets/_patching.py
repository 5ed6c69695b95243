"""Replace attributes of Keras objects for a limited time, and list the private names in use.

Training and export trace some layers and optimizers with other functions than Keras's own. Every
such replacement goes through :func:`patched`, so that it is always undone. :data:`PRIVATE_NAMES`
lists each private name of Keras that the package uses, because Keras may change it in any version.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import threading
from collections.abc import Callable, Iterator
from typing import Any

TESTED_KERAS = ("3.11", "3.12", "3.13", "3.14", "3.15")
"""Minor versions of Keras that the test suite passes with; see ``scripts/keras_versions.py``."""

_LOCK = threading.RLock()
_MISSING = object()


@contextlib.contextmanager
def patched(*changes: tuple[Any, str, Any]) -> Iterator[None]:
    """Set attributes of objects while the block runs, and restore them afterwards.

    A replaced method is called only in the thread that replaced it. Other threads call the method
    that was there before, so that two threads can trace the same model. Any other value is visible
    in all threads. Blocks can be nested, and blocks of several threads can end in any order:
    after the last one, each object has exactly the attributes that it had before the first one.
    The lock is held only while attributes change. A block may therefore wait for another thread
    that patches objects too.

    Args:
        changes: Tuples of an object, the name of its attribute, and the value to set. The value
            becomes an attribute of the object itself, not of its class. ``__setattr__`` is not
            called, because Keras would track the value as a part of the model.

    Raises:
        ValueError: If the attribute is a property of the class, which would hide the value.
    """
    with contextlib.ExitStack() as stack:
        for target, name, value in changes:
            stack.enter_context(_patch(target, name, value))
        yield


def own_attributes(target: Any) -> dict[str, Any]:
    """Return the attributes of an object itself as they are without any patch.

    Args:
        target: Any object with a ``__dict__``.
    """
    with _LOCK:
        attributes = dict(vars(target))
        for (identity, name), slot in _SLOTS.items():
            if identity == id(target):
                attributes.pop(name, None)
                if slot.original is not _MISSING:
                    attributes[name] = slot.original
        return attributes


@dataclasses.dataclass
class _Slot:
    """A patched attribute: its value before all patches, and the values of the current patches."""

    target: Any  # keeps the object alive, so that its id is not used again
    original: Any
    values: list[Any] = dataclasses.field(default_factory=list)


_SLOTS: dict[tuple[int, str], _Slot] = {}


@contextlib.contextmanager
def _patch(target: Any, name: str, value: Any) -> Iterator[None]:
    if hasattr(getattr(type(target), name, None), "__set__"):
        raise ValueError(
            f"{type(target).__name__}.{name} is a property, so the object cannot have a value of "
            "its own. Patch the attribute that the property reads."
        )
    with contextlib.ExitStack() as stack:
        with _LOCK:
            current = getattr(target, name, None)
            if callable(value) and callable(current):
                value = stack.enter_context(_only_in_this_thread(value, current))
            original = vars(target).get(name, _MISSING)
            slot = _SLOTS.setdefault((id(target), name), _Slot(target, original))
            slot.values.append(value)
            vars(target)[name] = value
            stack.callback(_remove, slot, name, value)
        yield


def _remove(slot: _Slot, name: str, value: Any) -> None:
    """End one patch: the latest remaining patch applies, or the original value."""
    attributes = vars(slot.target)
    with _LOCK:
        # By identity: values such as arrays do not compare to a bool.
        del slot.values[next(i for i, kept in enumerate(slot.values) if kept is value)]
        if slot.values:
            attributes[name] = slot.values[-1]
            return
        del _SLOTS[id(slot.target), name]
        if slot.original is _MISSING:
            attributes.pop(name, None)
        else:
            attributes[name] = slot.original


@contextlib.contextmanager
def _only_in_this_thread(
    replacement: Callable[..., Any], current: Callable[..., Any]
) -> Iterator[Callable[..., Any]]:
    """Yield a function that calls ``replacement`` in this thread while the block runs.

    In other threads and after the block, it calls ``current``. Another thread that patched the
    same method later still calls this function when it falls back.
    """
    owner: int | None = threading.get_ident()

    @functools.wraps(replacement)
    def call(*args: Any, **kwargs: Any) -> Any:
        function = replacement if threading.get_ident() == owner else current
        return function(*args, **kwargs)

    try:
        yield call
    finally:
        owner = None


@dataclasses.dataclass(frozen=True)
class PrivateName:
    """A private name of Keras or TensorFlow that this package uses.

    Attributes:
        owner: Import path of the module or class that has the name.
        name: The attribute, or the public name inside a private module.
        used_by: Subpackages of ``kerasnets`` that use it.
        versions: Minor versions of Keras that it was tested with.
    """

    owner: str
    name: str
    used_by: tuple[str, ...]
    versions: tuple[str, ...] = TESTED_KERAS


_ATTENTION = "keras.layers.MultiHeadAttention"
_GROUPED_ATTENTION = "keras.layers.GroupQueryAttention"
_DATA_ADAPTERS = "keras.src.trainers.data_adapters"
_ENGINE = ("engine",)
_EXPORTING = ("exporting",)
_PROFILING = ("profiling",)

PRIVATE_NAMES = (
    PrivateName("argparse.ArgumentParser", "_option_string_actions", ("commands",)),
    PrivateName("keras.KerasTensor", "_keras_history", _PROFILING),
    PrivateName("keras.Model", "_assert_compile_called", _ENGINE),
    PrivateName("keras.Model", "_build_shapes_dict", ("engine", "profiling")),
    PrivateName("keras.Model", "_compile_loss", _ENGINE),
    PrivateName("keras.Model", "_compile_metrics", _ENGINE),
    PrivateName("keras.Model", "_distribute_strategy", _ENGINE),
    PrivateName("keras.Model", "_flatten_layers", ("engine", "exporting", "profiling")),
    PrivateName("keras.Model", "_get_metrics_result_or_logs", _ENGINE),
    PrivateName("keras.Model", "_initial_epoch", _ENGINE),
    PrivateName("keras.Model", "_nodes_by_depth", _PROFILING),
    PrivateName("keras.Model", "_symbolic_build", _ENGINE),
    PrivateName("keras.Sequential", "_functional", _PROFILING),
    PrivateName("keras.layers.Conv1D", "_compute_causal_padding", _EXPORTING),
    PrivateName(_GROUPED_ATTENTION, "_gate_dense", _PROFILING, ("3.14", "3.15")),
    PrivateName(_GROUPED_ATTENTION, "_key_dense", _PROFILING),
    PrivateName(_GROUPED_ATTENTION, "_output_dense", _PROFILING),
    PrivateName(_GROUPED_ATTENTION, "_query_dense", _PROFILING),
    PrivateName(_GROUPED_ATTENTION, "_value_dense", _PROFILING),
    PrivateName("keras.layers.Layer", "_call_has_mask_arg", _EXPORTING),
    PrivateName("keras.layers.Layer", "_call_has_training_arg", ("engine", "exporting")),
    PrivateName("keras.layers.Layer", "_inbound_nodes", _PROFILING),
    PrivateName("keras.layers.Layer", "_outbound_nodes", _PROFILING),
    PrivateName(_ATTENTION, "_attention_axes", _PROFILING),
    PrivateName(_ATTENTION, "_key_dense", _PROFILING),
    PrivateName(_ATTENTION, "_key_dim", _PROFILING),
    PrivateName(_ATTENTION, "_output_dense", _PROFILING),
    PrivateName(_ATTENTION, "_query_dense", _PROFILING),
    PrivateName(_ATTENTION, "_value_dense", _PROFILING),
    PrivateName(_ATTENTION, "_value_dim", _PROFILING),
    PrivateName("keras.layers.Normalization", "_keep_axis", _PROFILING),
    PrivateName("keras.optimizers.Adam", "_backend_update_step", _ENGINE),
    PrivateName("keras.optimizers.Adam", "_clip_gradients", _ENGINE),
    PrivateName("keras.optimizers.Adam", "_get_variable_index", _ENGINE),
    PrivateName("keras.optimizers.Adam", "_iterations", ("engine", "training")),
    PrivateName("keras.optimizers.Adam", "_momentums", _ENGINE),
    PrivateName("keras.optimizers.Adam", "_velocities", _ENGINE),
    PrivateName("keras.src.export.export_utils", "get_input_signature", _EXPORTING),
    PrivateName("keras.src.export.tf2onnx_lib", "patch_tf2onnx", _EXPORTING),
    PrivateName(
        "keras.src.ops.symbolic_arguments.SymbolicArguments", "_flat_arguments", _PROFILING
    ),
    PrivateName(_DATA_ADAPTERS, "array_slicing", _ENGINE),
    PrivateName(f"{_DATA_ADAPTERS}.array_data_adapter", "ArrayDataAdapter", _ENGINE),
    PrivateName(f"{_DATA_ADAPTERS}.array_data_adapter.ArrayDataAdapter", "_inputs", _ENGINE),
    PrivateName(f"{_DATA_ADAPTERS}.array_slicing", "convert_to_sliceable", _ENGINE),
    PrivateName(f"{_DATA_ADAPTERS}.array_slicing", "train_validation_split", _ENGINE),
    PrivateName("tensorflow.core.protobuf", "saved_model_pb2", _EXPORTING),
    PrivateName("tensorflow.core.protobuf.saved_model_pb2", "SavedModel", _EXPORTING),
    PrivateName("os", "_exit", ("cli", "studies")),
    PrivateName("tensorflow.python.eager", "context", _ENGINE),
    PrivateName("tensorflow.python.eager.context", "coordination_config_pb2", _ENGINE),
    PrivateName("tensorflow.python.eager.context.Context", "_initialized", ("_lazy", "engine")),
    PrivateName(
        "tensorflow.python.framework.convert_to_constants",
        "convert_variables_to_constants_v2",
        _EXPORTING,
    ),
)
