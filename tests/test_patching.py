"""Patches are always undone, and every private name of Keras in use is listed and exists."""

from __future__ import annotations

import argparse
import ast
import importlib
import re
import threading
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kerasnets
from kerasnets._lazy import import_tensorflow, keras, tf
from kerasnets._patching import (
    PRIVATE_NAMES,
    TESTED_KERAS,
    PrivateName,
    own_attributes,
    patched,
)

PACKAGE = Path(kerasnets.__file__).parent
DATA_ADAPTERS = "keras.src.trainers.data_adapters"
SECONDS = 60  # a thread that waits longer is in a deadlock


class Thing:
    kind = "class"

    def __init__(self) -> None:
        self.own = 1

    def method(self) -> str:
        return "original"

    @property
    def fixed(self) -> int:
        return self.own

    @fixed.setter
    def fixed(self, value: int) -> None:
        self.own = value


def in_thread(function: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result(SECONDS)


def test_attributes_are_restored_in_reverse_order() -> None:
    thing = Thing()
    with patched((thing, "own", 2), (thing, "own", 3), (thing, "kind", "object")):
        assert (thing.own, thing.kind) == (3, "object")
        assert vars(thing) == {"own": 3, "kind": "object"}
    assert vars(thing) == {"own": 1}
    assert thing.kind == "class"


def test_attributes_are_restored_after_an_error() -> None:
    thing = Thing()
    with pytest.raises(RuntimeError, match="inside"), patched((thing, "own", 2), (thing, "new", 3)):
        raise RuntimeError("inside")
    assert vars(thing) == {"own": 1}


def test_nested_blocks_restore_the_value_of_the_outer_block() -> None:
    thing = Thing()
    with patched((thing, "own", 2)):
        with patched((thing, "own", 3)):
            assert thing.own == 3
        assert thing.own == 2
    assert thing.own == 1


def test_attributes_are_restored_if_the_block_deletes_or_sets_them() -> None:
    thing = Thing()
    with patched((thing, "own", 2), (thing, "new", 3)):
        del thing.own, thing.new  # type: ignore[attr-defined]
    assert vars(thing) == {"own": 1}
    with patched((thing, "own", 2)):
        thing.own = 5
    assert vars(thing) == {"own": 1}


def test_values_need_not_be_comparable() -> None:
    thing, first, second = Thing(), tf.constant([1, 2]), tf.constant([3, 4])
    with patched((thing, "own", first), (thing, "own", second)):
        assert thing.own is second
    assert thing.own == 1


def test_no_change_is_allowed() -> None:
    with patched():
        pass


def test_setattr_of_the_class_is_not_called() -> None:
    class Tracking(Thing):
        def __setattr__(self, name: str, value: object) -> None:
            if name == "sublayer":
                raise TypeError("tracked")
            super().__setattr__(name, value)

    thing = Tracking()
    with patched((thing, "sublayer", 1)):
        assert thing.sublayer == 1  # type: ignore[attr-defined]


def test_a_property_is_refused_and_earlier_changes_are_undone() -> None:
    thing = Thing()
    with pytest.raises(ValueError, match=r"Thing\.fixed is a property"):  # noqa: SIM117
        with patched((thing, "own", 2), (thing, "fixed", 3)):
            pytest.fail("not reached")
    assert vars(thing) == {"own": 1}


def test_own_attributes_ignore_patches() -> None:
    thing = Thing()
    with patched((thing, "own", 2), (thing, "own", 3), (thing, "method", lambda: "new")):
        assert own_attributes(thing) == {"own": 1}
        assert own_attributes(Thing()) == {"own": 1}
    assert own_attributes(thing) == vars(thing) == {"own": 1}


def test_a_replaced_method_is_called_only_in_its_thread() -> None:
    thing = Thing()
    with patched((thing, "method", lambda: "first")):
        assert thing.method() == "first"
        assert in_thread(thing.method) == "original"
        with patched((thing, "method", lambda: "second")):
            assert thing.method() == "second"
            assert in_thread(thing.method) == "original"
        assert thing.method() == "first"
    assert thing.method() == "original"


def test_two_threads_restore_exactly_in_any_order_of_their_ends() -> None:
    thing, entered, left = Thing(), threading.Event(), threading.Event()

    def other() -> tuple[Any, ...]:
        with patched((thing, "own", 3), (thing, "method", lambda: "other")):
            entered.set()
            assert left.wait(SECONDS)
            return thing.own, thing.method()

    with ThreadPoolExecutor(1) as pool:
        with patched((thing, "own", 2), (thing, "method", lambda: "main")):
            result = pool.submit(other)
            assert entered.wait(SECONDS)
            assert thing.method() == "main"
        # This thread's patch has ended, and that of the other thread still applies.
        assert (thing.own, thing.method()) == (3, "original")
        left.set()
        assert result.result(SECONDS) == (3, "other")
    assert vars(thing) == {"own": 1}


def test_many_threads_leave_no_patches() -> None:
    things = [Thing() for _ in range(3)]

    def work(number: int) -> None:
        for step in range(50):
            changes = [(thing, "method", lambda: number) for thing in things]
            with patched(*changes, (things[step % 3], "own", number)):
                assert [thing.method() for thing in things] == [number] * 3

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert [vars(thing) for thing in things] == [{"own": 1}] * 3


def test_tracing_may_wait_for_a_thread_that_patches_and_traces_the_same_layer() -> None:
    layer = keras.layers.Dense(1)
    layer.build((None, 1))

    def operations(function: Callable[[Any], Any]) -> list[str]:
        graph = tf.function(function, autograph=False).get_concrete_function(tf.TensorSpec((2, 1)))
        return [operation.type for operation in graph.graph.get_operations()]

    def other() -> list[str]:
        with patched((layer, "call", tf.tanh)):
            return operations(layer.call)

    def call(x: Any) -> Any:
        results.append(in_thread(other))
        return tf.sin(x)

    results: list[list[str]] = []
    with patched((layer, "call", call)):
        ours = operations(layer.call)
    assert "Sin" in ours
    assert "Tanh" not in ours
    assert "Tanh" in results[0]
    assert "Sin" not in results[0]
    assert "call" not in vars(layer)


# Private names. Keras may change them in any version, so each one is listed and probed.


def subpackage_of(path: Path) -> str:
    """The subpackage or top-level module of a file."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def is_private(name: str) -> bool:
    if name in ("_asdict", "_fields", "_make", "_replace"):  # public names of named tuples
        return False
    # Names with our prefix are attributes that this package stores on a model.
    return re.fullmatch(r"_(?!kerasnets)[a-z]\w*", name) is not None


def names_defined_in(tree: ast.AST) -> Iterator[str]:
    """Functions, classes and attributes that a file itself defines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
        elif (
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and ast.unparse(node.value) == "self"
        ):
            yield node.attr


def names_used_in(tree: ast.AST) -> Iterator[str]:
    """Names of attributes, also those in ``getattr(x, "name")`` and in tuples."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
        strings: list[ast.expr] = []
        if isinstance(node, ast.Tuple):
            strings = node.elts
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "hasattr"):
            strings = node.args[1:2]
        yield from (str(x.value) for x in strings if isinstance(x, ast.Constant))


def names_from_private_modules(tree: ast.AST) -> Iterator[str]:
    """Names imported from private modules, and the names used of these."""
    imported = {
        alias.name if isinstance(node, ast.Import) else f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    names = {path.rpartition(".")[2] for path in imported if is_private_module(path)}
    yield from names
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in names:
            yield node.attr


def private_names_in(code: str) -> set[str]:
    """The private names of other packages that a file uses as attributes or imports."""
    tree = ast.parse(code)
    found = {name for name in names_used_in(tree) if is_private(name)}
    return found - set(names_defined_in(tree)) | set(names_from_private_modules(tree))


def is_private_module(module: str) -> bool:
    return module.startswith(("keras.src", "tensorflow.python", "tensorflow.core"))


def test_private_names_are_found_however_they_are_written() -> None:
    code = """
from keras.src.a import b
import keras.src.c
b.d, c.e, {"_text"}
class Own:
    _field: int
    def _own(self):
        self._set = 1
        self._own(), self._field, self._set, self._of_keras
        model._x, getattr(model, "_y"), model.__class__, "no _name"
        patched((model, "_z", 1))
"""
    assert private_names_in(code) == {"b", "c", "d", "e", "_of_keras", "_x", "_y", "_z"}


def test_exactly_the_private_names_in_use_are_listed() -> None:
    used = {
        (subpackage_of(path), name)
        for path in PACKAGE.rglob("*.py")
        if path.name != "_patching.py"
        for name in private_names_in(path.read_text(encoding="utf-8"))
    }
    listed = {(package, entry.name) for entry in PRIVATE_NAMES for package in entry.used_by}
    assert used - listed == set(), "Add these to PRIVATE_NAMES in kerasnets/_patching.py."
    assert listed - used == set(), "Remove these from PRIVATE_NAMES; nothing uses them."


def test_only_one_module_replaces_attributes() -> None:
    pattern = re.compile(r"__dict__\[|vars\([^()]*\)\[[^]]*\] =|object\.__(set|del)attr__")
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if pattern.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"_patching.py"}


def test_each_name_is_listed_once_with_tested_versions() -> None:
    keys = [(entry.owner, entry.name) for entry in PRIVATE_NAMES]
    assert len(set(keys)) == len(keys)
    for entry in PRIVATE_NAMES:
        assert entry.used_by
        assert set(entry.versions) <= set(TESTED_KERAS)


def test_installation_allows_exactly_the_tested_versions() -> None:
    project = PACKAGE.parent / "pyproject.toml"
    if not project.is_file():
        pytest.skip("the package is installed without its repository")
    with project.open("rb") as file:
        dependencies = tomllib.load(file)["project"]["dependencies"]
    last = int(TESTED_KERAS[-1].partition(".")[2])
    assert f"keras>={TESTED_KERAS[0]},<3.{last + 1}" in dependencies


def functional_model() -> Any:
    inputs = keras.Input((1,))
    return keras.Model(inputs, keras.layers.Dense(1)(inputs))


def built_adam() -> Any:
    optimizer = keras.optimizers.Adam()
    optimizer.build([keras.Variable([1.0])])
    return optimizer


def built_normalization() -> Any:
    layer = keras.layers.Normalization(mean=0.0, variance=1.0)
    layer.build((None, 1))
    return layer


def attention(layer: Any) -> Any:
    x = keras.Input((2, 2))
    layer(x, x)
    return layer


def grouped_attention() -> Any:
    gate = {"use_gate": True} if installed_minor() not in ("3.11", "3.12", "3.13") else {}
    return attention(keras.layers.GroupQueryAttention(1, 2, 1, **gate))


def symbolic_arguments() -> Any:
    module = importlib.import_module("keras.src.ops.symbolic_arguments")
    return module.SymbolicArguments(keras.Input((1,)))


def array_data_adapter() -> Any:
    module = importlib.import_module(f"{DATA_ADAPTERS}.array_data_adapter")
    return module.ArrayDataAdapter(np.zeros((2, 1)))


def context_of_tensorflow() -> Any:
    return importlib.import_module("tensorflow.python.eager.context").context()


EXAMPLES: dict[str, Callable[[], Any]] = {
    "argparse.ArgumentParser": argparse.ArgumentParser,
    "keras.KerasTensor": lambda: keras.Input((1,)),
    "keras.Model": functional_model,
    "keras.Sequential": lambda: keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]),
    "keras.layers.Conv1D": lambda: keras.layers.Conv1D(1, 2, padding="causal"),
    "keras.layers.GroupQueryAttention": grouped_attention,
    "keras.layers.Layer": lambda: keras.layers.Dense(1),
    "keras.layers.MultiHeadAttention": lambda: attention(keras.layers.MultiHeadAttention(1, 1)),
    "keras.layers.Normalization": built_normalization,
    "keras.optimizers.Adam": built_adam,
    "keras.src.ops.symbolic_arguments.SymbolicArguments": symbolic_arguments,
    f"{DATA_ADAPTERS}.array_data_adapter.ArrayDataAdapter": array_data_adapter,
    "tensorflow.python.eager.context.Context": context_of_tensorflow,
}


def installed_minor() -> str:
    return ".".join(str(keras.__version__).split(".")[:2])


def example_of(owner: str) -> Any:
    """An object that has the private names of an owner: an instance, or the module itself."""
    return EXAMPLES[owner]() if owner in EXAMPLES else importlib.import_module(owner)


@pytest.mark.parametrize("entry", PRIVATE_NAMES, ids=lambda entry: f"{entry.owner}.{entry.name}")
def test_private_name_exists_in_the_installed_keras(entry: PrivateName) -> None:
    import_tensorflow()
    if installed_minor() in TESTED_KERAS and installed_minor() not in entry.versions:
        pytest.skip(f"exists in Keras {', '.join(entry.versions)}")
    assert hasattr(example_of(entry.owner), entry.name), (
        f"Keras {keras.__version__} has no {entry.owner}.{entry.name}, which is used in "
        f"{', '.join(entry.used_by)}. Change the code there, or remove this Keras version from "
        "TESTED_KERAS."
    )
