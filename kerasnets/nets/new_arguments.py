"""Leave out arguments that older versions of Keras do not have.

Keras writes every argument of a layer into a ``.keras`` file, also those with their default value.
An older version of Keras that does not have such an argument refuses the whole file. With the
default values below, the arguments mean what the older versions do anyway, so they can be left out.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from kerasnets._lazy import keras

CONFIG = "config.json"
METADATA = "metadata.json"

NEW_ARGUMENTS: dict[str, Any] = {
    # Keras 3.12
    "gptq_unpacked_column_size": None,
    # Keras 3.13
    "quantization_config": None,
    # Keras 3.14
    "ignore_class": None,
    "oov_method": "floormod",
    "renorm": False,
    "renorm_clipping": None,
    "renorm_momentum": 0.99,
    "salt": None,
    "use_gate": False,
    # Keras 3.15
    "input_axes": None,
    "output_axes": None,
    "sliding_window": None,
}
"""Arguments that were added after Keras 3.11, with their defaults. Not those whose default does
something else than Keras 3.11, such as ``adam_weight_decay`` of ``Muon``."""


def without_new_arguments(config: str) -> str:
    """Return the content of ``config.json`` without new arguments that have their default value."""
    return json.dumps(_trimmed(json.loads(config)))


def remove_new_arguments(path: Path) -> None:
    """Rewrite a ``.keras`` file so that versions of Keras since 3.11 can load it.

    The weights and everything else in the file stay the same. A file in which Keras 3.11 already
    has all arguments is not changed.
    """
    with zipfile.ZipFile(path) as file:
        text = file.read(CONFIG).decode()
    if without_new_arguments(text) == text:
        return
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as folder:
        new = Path(folder) / path.name
        _copy_without_new_arguments(path, new)
        new.replace(path)


@contextlib.contextmanager
def loadable(path: Path) -> Iterator[Path]:
    """Yield a file that the installed Keras can load: ``path``, or a temporary copy.

    A copy is made of a file that a newer version of Keras saved.

    Raises:
        OSError, ValueError: if there is no space for the copy, or the file is damaged.
    """
    if not saved_by_newer_keras(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="kerasnets-") as folder:
        copied = Path(folder) / path.name
        _copy_without_new_arguments(path, copied)
        yield copied


def saved_by_newer_keras(path: Path) -> str:
    """Return the version of Keras that saved a file if it is newer than this one, otherwise ""."""
    try:
        with zipfile.ZipFile(path) as file:
            saved_by = str(json.loads(file.read(METADATA))["keras_version"])
        return saved_by if _minor(saved_by) > _minor(keras.__version__) else ""
    except (KeyError, TypeError, ValueError, OSError, zipfile.BadZipFile):
        return ""  # a damaged file, which Keras refuses


def _minor(version: str) -> tuple[int, ...]:
    found = re.match(r"(\d+)\.(\d+)", version)
    return tuple(map(int, found.groups())) if found else ()


def _copy_without_new_arguments(source: Path, target: Path) -> None:
    copy_members(source, target, {CONFIG: without_new_arguments})


def copy_members(
    source: Path,
    target: Path,
    edits: Mapping[str, Callable[[str], str]],
    header: Callable[[zipfile.ZipInfo], zipfile.ZipInfo] = copy.copy,
) -> None:
    """Copy a ``.keras`` file, which is a zip archive, and edit some of its members.

    Args:
        source: the file.
        target: the copy.
        edits: functions that return the new text of a member, by the name of the member.
        header: returns the header of a member in the copy; not the same object, because writing
            changes it. Default: an equal one.
    """
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for member in old.infolist():
            if edit := edits.get(member.filename):
                new.writestr(header(member), edit(old.read(member).decode()))
            else:
                with old.open(member) as content, new.open(header(member), "w") as copied:
                    shutil.copyfileobj(content, copied)


def _trimmed(value: Any) -> Any:
    if isinstance(value, list):
        return [_trimmed(item) for item in value]
    if not isinstance(value, dict):
        return value
    trimmed = {key: _trimmed(item) for key, item in value.items()}
    if isinstance(trimmed.get("config"), dict) and "class_name" in trimmed:
        kept = _own_arguments(trimmed)
        trimmed["config"] = {
            name: argument
            for name, argument in trimmed["config"].items()
            if name in kept or not _is_new_default(name, argument)
        }
    return trimmed


def _is_new_default(name: str, value: Any) -> bool:
    if name not in NEW_ARGUMENTS:
        return False
    default = NEW_ARGUMENTS[name]
    return type(value) is type(default) and value == default


def _own_arguments(item: dict[str, Any]) -> set[str]:
    """The new arguments that an object must keep: those that a user's class itself has.

    A user's class may derive from one of Keras's and pass its arguments on as ``**kwargs``.
    """
    if str(item.get("module")).partition(".")[0] == "keras":
        return set()
    found = keras.saving.get_registered_object(item.get("registered_name"))
    if not inspect.isclass(found):
        return set(NEW_ARGUMENTS)
    return set(NEW_ARGUMENTS) & set(inspect.signature(found.__init__).parameters)
