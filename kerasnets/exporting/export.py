"""A trained network as files that run without Keras, checked before anyone sees them."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from kerasnets._errors import unknown_name
from kerasnets._files import atomic_folder, write_json
from kerasnets._lazy import import_tensorflow, keras
from kerasnets.exporting.card import About, make_card, metadata_props, readme, summary
from kerasnets.exporting.keras_file import check_no_lambda, write_keras_file
from kerasnets.exporting.onnx.weights import check_kinds, write_small_weights
from kerasnets.exporting.onnx.write import OPSET, OPSETS, add_metadata, write_onnx
from kerasnets.exporting.saved_model.write import write_saved_model
from kerasnets.exporting.serving.requests import write_requests, write_triton_config
from kerasnets.exporting.signature import Served, serve
from kerasnets.exporting.tracing import check_keras_version
from kerasnets.exporting.verification.labelled import Labelled
from kerasnets.exporting.verification.reference import write_reference
from kerasnets.exporting.verification.samples import Arrays, as_samples, draw_samples
from kerasnets.exporting.verification.verify import (
    TOLERANCE,
    VerificationError,
    check_tolerance,
    list_versions,
    run_verification,
    write_verification,
)

FORMATS = ("saved_model", "onnx")


class Trained(Protocol):
    """What :func:`export` needs of a run.

    It also takes, where there are any, ``class_names``, ``units``, ``name``,
    ``example_inputs`` and ``provenance``.
    """

    @property
    def model(self) -> keras.Model:
        """The trained model."""


def export(
    model: keras.Model | Trained,
    folder: str | os.PathLike[str],
    formats: Sequence[str] = FORMATS,
    version: int | None = None,
    *,
    class_names: Sequence[str] | None = None,
    input_units: str | None = None,
    samples: object = None,
    metadata: Mapping[str, Any] | None = None,
    classifier: bool | None = None,
    opset: int = OPSET,
    allow_loops: bool = False,
    weights: Sequence[str] = (),
    keras_file: bool = True,
    verify: bool = True,
    tolerance: float = TOLERANCE,
    test: Labelled | None = None,
) -> Path:
    """Write a model to ``folder/version/`` for TensorFlow Serving, ONNX Runtime and Triton.

    The folder gets ``saved_model.pb`` and ``variables/``, ``model.onnx``, ``model.keras``,
    ``card.json``, the card in words as ``README.md``, ``reference.npz``, inputs of several batch
    sizes with Keras's own outputs, and ``verification.json``; for TensorFlow Serving, example
    requests and, in ``assets.extra``, warm-up requests. It appears whole, after verification, or
    not at all. Beside the versions stands ``config.pbtxt`` for Triton.

    Names of inputs and outputs are those of :func:`kerasnets.exporting.signature.serve`: a
    model with the single output ``logits`` is a classifier and gives ``probabilities`` too.

    Args:
        model: any built Keras model, or a run with one as ``.model``. A run's ``class_names``,
            ``units``, ``name``, ``example_inputs`` and ``provenance`` are used where the
            arguments do not say otherwise. Nothing of the examples leaves with the model: inputs
            of their form and scale are drawn.
        folder: the parent of the versions, such as ``exported/seizure-gru``.
        formats: any of ``"saved_model"`` and ``"onnx"``.
        version: a whole number from 1; the next free one by default.
        class_names: one name a class.
        input_units: the unit of the raw inputs, such as ``"µV"``.
        samples: raw inputs to verify on, an array or a mapping of arrays by input name, each of
            shape ``(examples, …)``. Without any, some are drawn. They stand in
            ``reference.npz``, so give none that must not leave with the model.
        metadata: more to tell in the card; anything JSON can say, by name.
        classifier: ``True`` to treat a model's only output as logits whatever its name,
            ``False`` to leave the outputs as they are.
        opset: the version of the ONNX operators, 13 to 18.
        allow_loops: export recurrent layers that no ONNX operator computes as loops, which are
            slow, instead of refusing them.
        weights: ONNX files with smaller weights to write too, ``"float16"`` or ``"int8"``; the
            card compares their sizes and outputs.
        keras_file: write ``model.keras`` too.
        verify: compare the files with Keras before they are put in place.
        tolerance: the largest difference allowed, as in :func:`verify`.
        test: labelled examples, such as ``data.test``, on which accuracy and AUROC of each
            runtime must equal Keras's; the card has them, and those of smaller weights.

    Returns:
        The version folder.

    Raises:
        FileExistsError: the version exists; none is ever overwritten.
        NotADirectoryError: ``folder`` is a file.
        ValueError: an argument is not allowed, the model cannot be exported, or ``verify`` is
            false with a version of Keras that export was not tested with.
        VerificationError: the files do not give what Keras gives; nothing is left behind.
    """
    plan = _Plan(_check_formats(formats), opset, allow_loops, check_kinds(weights), keras_file)
    check_tolerance(tolerance)
    if opset not in OPSETS:
        raise ValueError(f"opset must be in [{OPSETS[0]}, {OPSETS[-1]}]; got {opset!r}.")
    if plan.weights and "onnx" not in plan.formats:
        raise ValueError("weights are those of the ONNX file. Add 'onnx' to formats.")
    target = _target(Path(folder), version)
    _check_metadata(metadata)
    import_tensorflow()
    if not check_keras_version() and not verify:
        raise ValueError(
            f"verify=False needs a tested version of Keras; {keras.__version__} is installed. "
            "Leave verify=False out, or install a tested version of Keras."
        )
    net, run = (model, None) if isinstance(model, keras.Model) else (_model_of(model), model)
    served = serve(net, classifier)
    check_no_lambda(net)
    about = About(
        name=str(getattr(run, "name", None) or net.name),
        version=int(target.name),
        served_as=target.parent.resolve().name,
        class_names=tuple(_first(class_names, getattr(run, "class_names", None), ())),
        input_units=_first(input_units, getattr(run, "units", None), ""),
        provenance=getattr(run, "provenance", None) or {},
        metadata=metadata or {},
    )
    _check_class_names(served, about.class_names)
    drawn = draw_samples(served, _first(getattr(run, "example_inputs", None), samples))
    given = drawn if samples is None else as_samples(served, samples)
    with _no_empty_parent(target.parent), atomic_folder(target) as temporary:
        card = _write(served, about, given, plan, temporary, test)
        if "saved_model" in plan.formats:
            write_requests(served, drawn, about.served_as, temporary)
        if verify:
            _verify(card, temporary, target, tolerance, test)
        (temporary / "README.md").write_text(readme(card), encoding="utf-8")
    if "onnx" in plan.formats:
        write_triton_config(served, target.parent)
    return target


@dataclasses.dataclass(frozen=True)
class _Plan:
    formats: tuple[str, ...]
    opset: int
    allow_loops: bool
    weights: tuple[str, ...]
    keras_file: bool


def _write(
    served: Served,
    about: About,
    samples: Arrays,
    plan: _Plan,
    folder: Path,
    test: Labelled | None,
) -> dict[str, Any]:
    """Fill the folder, and return the card."""
    card = make_card(served, about, plan.formats)
    card["cases"] = write_reference(served, samples, folder / "reference.npz")
    left_out = {"left_out": "it was not asked for"}
    card["keras"] = write_keras_file(served.model, folder) if plan.keras_file else left_out
    if "saved_model" in plan.formats:
        card["signatures"] = write_saved_model(served, folder, about.class_names)
    if "onnx" in plan.formats:
        path = folder / "model.onnx"
        card["onnx"] = write_onnx(
            served,
            path,
            opset=plan.opset,
            allow_loops=plan.allow_loops,
            metadata=metadata_props(card),
            doc=summary(card),
        )
        if plan.weights:
            card["weights"] = write_small_weights(served, path, plan.weights, samples, test)
    write_json(folder / "card.json", card)
    return card


def _verify(
    card: dict[str, Any], folder: Path, target: Path, tolerance: float, test: Labelled | None
) -> None:
    """Verify what is in ``folder`` and write down the largest differences.

    Raises:
        VerificationError: it names the version folder, which will not come to be.
    """
    verification = run_verification(folder, tolerance, test)
    if not verification.ok:
        raise VerificationError(dataclasses.replace(verification, path=target))
    card["verification"] = {
        "tolerance": tolerance,
        "max_abs_diff": verification.max_abs_diff,
        "test_metrics": verification.test_metrics,
    }
    write_json(folder / "card.json", card)
    write_verification(folder, verification, tolerance)
    if "onnx" in card["formats"]:
        add_metadata(
            folder / "model.onnx",
            {
                "tolerance": repr(tolerance),
                "max_abs_diff": repr(verification.max_abs_diff["onnx"]),
            },
        )


def _check_formats(formats: Sequence[str]) -> tuple[str, ...]:
    names = (formats,) if isinstance(formats, str) else tuple(formats)
    for name in names:
        if name not in FORMATS:
            raise unknown_name("export format", name, FORMATS)
    if not names:
        raise ValueError(f"formats is empty. Give one or more of {', '.join(FORMATS)}.")
    return tuple(name for name in FORMATS if name in names)


def _target(folder: Path, version: int | None) -> Path:
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file. Give a folder to hold the versions.")
    if version is None:
        version = max(list_versions(folder), default=0) + 1
    elif isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise ValueError(f"version must be a whole number from 1; got {version!r}.")
    target = folder / str(version)
    if target.exists():
        raise FileExistsError(
            f"{target} exists, and an exported version is never overwritten. Leave version out "
            f"for the next one, {max(list_versions(folder), default=0) + 1}."
        )
    return target


def _check_metadata(metadata: Mapping[str, Any] | None) -> None:
    try:
        json.dumps(dict(metadata or {}), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"metadata must hold only what JSON can say, by name: {error}. Convert it to plain "
            "numbers, strings, lists and dicts."
        ) from error


def _model_of(run: object) -> Any:
    model = getattr(run, "model", None)
    if not isinstance(model, keras.Model):
        raise ValueError(
            f"model must be a keras.Model, or a run that has one as .model; "
            f"got {type(run).__name__}."
        )
    return model


def _check_class_names(served: Served, class_names: Sequence[str]) -> None:
    if not class_names or (len(served.outputs) > 1 and not served.classifier):
        return
    classes = served.outputs[0].shape[-1]
    # One column is the probability of the second of two classes.
    if len(class_names) != (2 if classes == 1 else classes):
        raise ValueError(
            f"class_names has {len(class_names)} names ({', '.join(class_names)}); the model "
            f"gives {classes} columns. Name each of them."
        )


def _first(*values: Any) -> Any:
    """The first that is not ``None``, or ``None``."""
    return next((value for value in values if value is not None), None)


@contextlib.contextmanager
def _no_empty_parent(parent: Path) -> Iterator[None]:
    """Remove the folders above the version again if the block raises and made them."""
    made = [folder for folder in (parent, *parent.parents) if not folder.exists()]
    try:
        yield
    except BaseException:
        for folder in made:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise
