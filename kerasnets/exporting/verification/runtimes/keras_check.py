"""Find what Keras must not load from a ``.keras`` file: Python code and other files."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

_MEMBERS = ("config.json", "metadata.json", "model.weights.h5")
# The modules of Keras whose classes and functions only compute. For example, keras.utils.get_file
# downloads, and keras.saving.load_model reads another file.
_KERAS_MODULES = frozenset(
    (
        *("builtins", "keras", "keras.activations", "keras.constraints", "keras.dtype_policies"),
        *("keras.initializers", "keras.layers", "keras.losses", "keras.metrics", "keras.models"),
        *(
            "keras.ops",
            "keras.optimizers",
            "keras.quantizers",
            "keras.random",
            "keras.regularizers",
        ),
    )
)
# Classes of Keras that contain Python code, or read other files or programs.
_REFUSED = frozenset(
    ("FlaxLayer", "JaxLayer", "Lambda", "TFSMLayer", "TorchModuleWrapper", "__lambda__")
)


def keras_failures(path: Path, modules: Collection[str]) -> Iterator[str]:
    """The reasons not to load a ``.keras`` file.

    Args:
        path: the file.
        modules: the modules other than those of Keras and kerasnets whose classes may be used,
            with their submodules.
    """
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name not in _MEMBERS and (not name.startswith("assets/") or ".." in name):
                yield f"it has the member {name!r}; Keras only writes {', '.join(_MEMBERS)}"
        config = json.loads(archive.read("config.json"))
        with archive.open("model.weights.h5") as weights:
            yield from _weight_failures(weights)
    for item in _dicts(config):
        yield from _object_failures(item, modules)


def _dicts(config: Any) -> Iterator[dict[str, Any]]:
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _object_failures(item: dict[str, Any], modules: Collection[str]) -> Iterator[str]:
    """The reasons not to create the object that a dict of the configuration describes."""
    name, module = item.get("class_name"), item.get("module")
    if name in _REFUSED:
        yield f"it has a {name}, which may contain Python code or read other files"
    elif name is not None and module is not None and not _is_allowed(str(module), modules):
        used = item.get("config") if name == "function" else name
        yield f"it needs {module}.{used}, from a module that is not in custom_modules"
    if isinstance(item.get("vocabulary"), str):
        yield f"its vocabulary is in another file, {item['vocabulary']!r}"


def _is_allowed(module: str, modules: Collection[str]) -> bool:
    if module in _KERAS_MODULES:
        return True
    packages = ("keras.src", "kerasnets", *modules)
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def _weight_failures(file: Any) -> Iterator[str]:
    """The parts of an HDF5 file that are in other files."""
    import h5py

    with h5py.File(file, "r") as weights:
        waiting, seen = [weights], set()
        while waiting:
            group = waiting.pop()
            address = h5py.h5o.get_info(group.id).addr
            if address in seen:  # a group may contain itself
                continue
            seen.add(address)
            for name in group:
                link = group.get(name, getlink=True)
                if not isinstance(link, h5py.HardLink):
                    yield f"its weights {name!r} are a link"
                    continue
                item = group[name]
                if isinstance(item, h5py.Group):
                    waiting.append(item)
                elif item.external or item.is_virtual:
                    yield f"its weights {name!r} are in another file"
