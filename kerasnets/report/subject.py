"""What a page is about: a run, an exported version, or any Keras model."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerasnets._files import read_json
from kerasnets._lazy import keras
from kerasnets.exporting import export
from kerasnets.exporting.verification.runtimes import compare, largest_case, read_reference
from kerasnets.exporting.verification.runtimes.files import checksum_failures
from kerasnets.exporting.versions import find_version
from kerasnets.nets import load_model
from kerasnets.training.run import Run, load_run

_TOLERANCE = 1e-4
# What a run and its export must have in common.
_SAME = ("net", "data_checksum", "seed")


@dataclass(frozen=True)
class Subject:
    """What a page is about.

    Attributes:
        name: the name of the net.
        run: the run, if there is one.
        version: the exported version folder, if there is one.
        model: the Keras model, if there is one.
        net: a run or a model, for export.
    """

    name: str
    run: Run | None = None
    version: Path | None = None
    model: keras.Model | None = None
    net: Any = None


def find_subject(source: Any, exported: str | os.PathLike[str] | None = None) -> Subject:
    """Load what a page is about.

    Args:
        source: a run or its folder, an exported folder or one of its versions, a Keras model, or
            anything else that :func:`kerasnets.export` takes.
        exported: for a run, a folder to which it was exported.

    Raises:
        FileNotFoundError: there is neither a run nor an export in the folder.
        ValueError: files are damaged, the run is not finished, or ``exported`` belongs to another
            run.
    """
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        if (path / "recipe.toml").is_file():
            source = load_run(path)
        else:
            if exported is not None:
                raise ValueError(
                    f"exported (--exported) is for a run, and {path} is not a run folder."
                )
            return _exported_subject(_checked_version(path))
    if isinstance(source, Run):
        version = None if exported is None else _checked_version(Path(exported))
        if version is not None:
            check_same_net(source, version)
        return Subject(source.name, source, version, source.model, source)
    if exported is not None:
        raise ValueError("exported (--exported) is for a run.")
    model = source if isinstance(source, keras.Model) else getattr(source, "model", None)
    if not isinstance(model, keras.Model):
        raise ValueError(
            "A report is about a run, a folder of a run, an exported folder or a Keras model; got "
            f"{type(source).__name__}."
        )
    return Subject(str(getattr(source, "name", model.name)), model=model, net=source)


def _checked_version(path: Path) -> Path:
    """The version folder of a path, all of whose files are as they were exported."""
    if not path.is_dir():
        raise FileNotFoundError(f"There is no folder {path}.")
    try:
        version = find_version(path)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{path} is neither a run folder, which has a recipe.toml, nor an exported folder."
        ) from error
    if failures := list(checksum_failures(version)):
        raise ValueError(f"{version} is damaged: {failures[0]}. Export the net again.")
    return version


def _exported_subject(version: Path) -> Subject:
    card = read_json(version / "card.json")
    keras_file = card.get("keras", {}).get("file")
    model = None
    # A model with classes of the user can only be loaded where these are imported.
    if keras_file is not None and "needs" not in card["keras"]:
        model = load_model(version / keras_file, compile=False)
    return Subject(card["name"], version=version, model=model)


def check_same_net(run: Run, version: Path) -> None:
    """Check that a version was exported from a run, by running the model of the run.

    Raises:
        ValueError: it was not.
    """
    recorded, provenance = read_json(version / "card.json")["provenance"], run.provenance
    for name in _SAME:
        if recorded.get(name) != provenance[name]:
            raise ValueError(
                f"{version} was not exported from the run in {run.folder}: its card says {name} "
                f"{recorded.get(name)}, the run {provenance[name]}. Export the run again."
            )
    cases = read_reference(version / "reference.npz")
    inputs, outputs = cases[largest_case(cases)]
    (name, expected), *_ = outputs.items()
    x = inputs if len(inputs) > 1 else next(iter(inputs.values()))
    _, failures = compare(name, run.predict(x).astype(expected.dtype), expected, _TOLERANCE)
    if failures:
        raise ValueError(
            f"{version} was not exported from the run in {run.folder}: {failures[0]}. Export the "
            "run again."
        )


@contextlib.contextmanager
def exported_files(subject: Subject) -> Iterator[Path]:
    """Yield a version folder with ``model.onnx``: that of the subject, or a temporary one.

    Raises:
        ValueError: the net cannot be exported to ONNX, or its export has no ONNX file.
        VerificationError: the outputs of the ONNX file differ from Keras.
    """
    if subject.version is not None:
        if not (subject.version / "model.onnx").is_file():
            raise ValueError(f"{subject.version} has no model.onnx")
        yield subject.version
        return
    with tempfile.TemporaryDirectory() as folder:
        yield export(subject.net, Path(folder) / "net", formats=("onnx",), keras_file=False)
