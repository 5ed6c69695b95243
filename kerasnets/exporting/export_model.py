"""Export a trained model to files that run without Keras, verified before they appear."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kerasnets._files import atomic_folder, write_json
from kerasnets._lazy import import_tensorflow, keras
from kerasnets.exporting.card import About, check_metadata, make_card, metadata_props, summary
from kerasnets.exporting.card_readme import readme
from kerasnets.exporting.keras_file import check_no_lambda, write_keras_file
from kerasnets.exporting.licenses import License
from kerasnets.exporting.litert.files import write_litert_files
from kerasnets.exporting.onnx.small_weights import KINDS as ONNX_KINDS
from kerasnets.exporting.onnx.small_weights import write_small_weights
from kerasnets.exporting.onnx.write_onnx import OPSET, add_metadata, write_onnx
from kerasnets.exporting.options import Options
from kerasnets.exporting.precision import in_float32, policies_of
from kerasnets.exporting.samples import Arrays, as_samples
from kerasnets.exporting.saved_model.write_saved_model import write_saved_model
from kerasnets.exporting.serving.requests import write_requests
from kerasnets.exporting.serving.triton import write_triton_config
from kerasnets.exporting.signature import Served, serve
from kerasnets.exporting.signing import Signer
from kerasnets.exporting.steps import runnable_samples
from kerasnets.exporting.streaming.step_model import StepModel, plan_stream
from kerasnets.exporting.streaming.write_step import write_step
from kerasnets.exporting.tasks import choose_task
from kerasnets.exporting.tracing import check_keras_version
from kerasnets.exporting.trained import Trained, model_of
from kerasnets.exporting.verification.reference import write_cases
from kerasnets.exporting.verification.rounding import verify_with_rounding
from kerasnets.exporting.verification.runtimes import write_checksums
from kerasnets.exporting.verification.task_metrics import Labelled
from kerasnets.exporting.verification.verify import (
    TOLERANCE,
    VerificationError,
    write_verification,
)
from kerasnets.exporting.versions import new_version, remove_new_parents_on_error


def export(
    model: keras.Model | Trained,
    folder: str | os.PathLike[str],
    formats: Sequence[str] | None = None,
    version: int | None = None,
    *,
    task: str | None = None,
    class_names: Sequence[str] | None = None,
    target_names: Sequence[str] | None = None,
    target_units: str | None = None,
    input_units: str | None = None,
    license: str | os.PathLike[str] | None = None,  # noqa: A002  the name that the Hub uses
    samples: object = None,
    metadata: Mapping[str, Any] | None = None,
    classifier: bool | None = None,
    opset: int = OPSET,
    allow_loops: bool = False,
    sequence_lens: bool = True,
    weights: Sequence[str] = (),
    c_array: bool = False,
    keras_file: bool = True,
    verify: bool = True,
    tolerance: float = TOLERANCE,
    test: Labelled | None = None,
    calibration: object = None,
    streaming: bool = False,
    sign: str | os.PathLike[str] | None = None,
) -> Path:
    """Export a model to ``folder/version/``: for TensorFlow Serving, ONNX Runtime, Triton, LiteRT.

    The version folder contains ``saved_model.pb`` and ``variables/``; ``model.onnx``;
    ``model.keras``; the model card, as ``card.json`` and ``README.md``; ``reference.npz``, which
    holds inputs of several batch sizes and the outputs of Keras; ``verification.json``;
    ``SHA256SUMS``, the checksums of all other files; and, for TensorFlow Serving, example requests
    and warm-up requests (in ``assets.extra``). The folder
    appears after verification, with all its files, or not at all. ``config.pbtxt`` for Triton is
    written to the parent folder.

    The task decides the outputs. ``classification``, ``binary`` and ``multilabel`` models have
    the outputs ``probabilities`` (softmax for classification, sigmoid for the others) and
    ``logits``. If the last layer already applies that function, the only output is
    ``probabilities``. A ``regression`` model has the output ``prediction``, or the name that you
    chose for its last layer. The outputs of other models are named as in
    :mod:`kerasnets.exporting.tensor_names`.

    Args:
        model: any built Keras model, or a run, which has one as ``.model``. The ``task``,
            ``class_names``, ``target_names``, ``target_units``, ``units``, ``name``,
            ``example_inputs``, ``provenance`` and ``license`` of a run are used unless the
            arguments below replace them. The examples themselves are not exported, only random
            inputs with the same shape and scale.
        folder: the parent of the version folders, such as ``exported/seizure-gru``.
        formats: any of ``"saved_model"``, ``"onnx"`` and ``"litert"``. Default: the first two;
            ``"onnx"`` is left out if the model takes text, for which ONNX has no operators; the
            card says so. ``"litert"`` writes ``model.tflite``, and needs the extra ``litert``.
        version: a positive integer. Default: the next free number.
        task: ``"classification"``, ``"binary"``, ``"multilabel"`` or ``"regression"``. Default:
            the task of the run; otherwise a model whose only output is ``logits`` is a
            classifier (binary if it has one column), and any other model has no task.
        class_names: one name per class, or per label of a multilabel model.
        target_names: for regression, one name per output column.
        target_units: for regression, the unit of the predictions, such as ``"mmol/L"``.
        input_units: the unit of the raw inputs, such as ``"µV"``.
        license: the licence of the model for the card, such as ``"apache-2.0"`` or
            ``"cc-by-4.0"`` (an identifier of the Hugging Face Hub), or the path of a file with
            the text of another licence, which is copied to ``LICENSE``. Default: unknown.
        samples: raw inputs for verification, an array or a mapping of arrays by input name, each
            of shape ``(examples, …)``. Default: random inputs. The samples are saved in
            ``reference.npz``, so do not pass data that must stay private.
        metadata: more information for the card, a mapping that can be written as JSON.
        classifier: an alternative to ``task``: ``True`` treats the only output as logits
            regardless of its name, ``False`` exports the outputs as they are.
        opset: the version of the ONNX operators, 13 to 22.
        allow_loops: export recurrent layers that no ONNX operator can compute as loops, which
            are slow, instead of raising an error.
        sequence_lens: whether the nodes of masked recurrent layers in ``model.onnx`` have the input
            ``sequence_lens``, which tract lacks. Without it, they also compute the masked steps.
        weights: additional ONNX and LiteRT files with smaller weights, ``"float16"`` or
            ``"int8"``; for LiteRT also ``"full-int8"`` and ``"int16x8"``, with activations of 8 and
            16 bits. The card compares their sizes and outputs. A file is refused if its predictions
            on ``test`` agree with Keras for less than 98 % of the examples.
        c_array: also write every LiteRT file as a C array (``model.h``), with examples in C++. All
            axes but the batch must be fixed; the files take one example per call. With the extra
            ``micro`` installed, they are also run in TensorFlow Lite Micro.
        keras_file: whether to write ``model.keras``.
        verify: whether to compare the files with Keras before the folder appears.
        tolerance: the largest difference allowed, as in :func:`verify`.
        test: labelled examples, such as ``data.test``. Verification computes the metrics of each
            runtime on them, which must equal those of Keras: accuracy and AUROC for
            classifiers, mean absolute error and R² for regression. The card includes them.
        streaming: also write a step model for live signals in each format: it takes a chunk and
            states, and returns the outputs at its steps and new states. :class:`kerasnets.Stream`
            runs it. All layers must compute each step from earlier steps.
        calibration: raw training examples, in the form of ``samples``, for weights with integer
            activations. They are not saved.
        sign: a private key (PEM, elliptic curve) with which the files are signed; the signature is
            ``model.sig``. It needs the extra ``signing``.

    Returns:
        The version folder.

    Raises:
        FileExistsError: the version exists. Existing versions are never overwritten.
        NotADirectoryError: ``folder`` is a file.
        ValueError: an argument is not allowed, the model cannot be exported, a layer cannot run on
            a stream, or ``verify`` is false with a version of Keras that export was not tested
            with.
        VerificationError: the outputs of the files differ from Keras. No files are left behind.
    """
    options = Options.checked(
        formats, opset, allow_loops, weights, keras_file, tolerance, c_array, sequence_lens
    )
    signer = None if sign is None else Signer(sign)
    target = new_version(Path(folder), version)
    check_metadata(metadata)
    licence = License.checked(_first(license, getattr(model, "license", None)))
    import_tensorflow()
    if not check_keras_version() and not verify:
        raise ValueError(
            f"verify=False needs a tested version of Keras; {keras.__version__} is installed. "
            "Leave verify=False out, or install a tested version of Keras."
        )
    net, run = (model, None) if isinstance(model, keras.Model) else (model_of(model), model)
    task = choose_task(task, getattr(run, "task", None), classifier)
    check_no_lambda(net)
    policies = policies_of(net)
    served = serve(in_float32(net), task, classifier=classifier)
    step = plan_stream(served) if streaming else None
    names_of_run = None if served.task == "regression" else getattr(run, "class_names", None)
    targets_of_run = run if served.task == "regression" else None
    about = About(
        name=str(getattr(run, "name", None) or net.name),
        version=int(target.name),
        served_as=target.parent.resolve().name,
        class_names=tuple(_first(class_names, names_of_run, ())),
        target_names=tuple(_first(target_names, getattr(targets_of_run, "target_names", None), ())),
        target_units=_first(target_units, getattr(targets_of_run, "target_units", None), ""),
        input_units=_first(input_units, getattr(run, "units", None), ""),
        provenance=getattr(run, "provenance", None) or {},
        license=licence.identifier,
        metadata=metadata or {},
    )
    about.check(served)
    published = runnable_samples(served, _first(getattr(run, "example_inputs", None), samples))
    ranges = None if calibration is None else as_samples(served, calibration)
    verified_on = published if samples is None else as_samples(served, samples)
    options = options.for_model(served)
    with remove_new_parents_on_error(target.parent), atomic_folder(target) as temporary:
        licence.write(temporary)
        card = _write_files(served, about, verified_on, options, temporary, test, ranges, step)
        if policies:
            card["converted_from"] = policies
            write_json(temporary / "card.json", card)
        if "saved_model" in card["formats"]:
            write_requests(served, published, about.served_as, temporary)
        if verify:
            write_checksums(temporary)
            _verify(served, card, temporary, target, tolerance, test)
        (temporary / "README.md").write_text(readme(card), encoding="utf-8")
        if signer is not None:
            signer.sign(temporary)
        write_checksums(temporary)
    if "onnx" in card["formats"]:
        write_triton_config(served, target.parent)
    return target


def _write_files(
    served: Served,
    about: About,
    samples: Arrays,
    options: Options,
    folder: Path,
    test: Labelled | None,
    calibration: Arrays | None,
    step: StepModel | None,
) -> dict[str, Any]:
    """Write the exported files and ``card.json``; return the card."""
    formats = options.formats or ()
    card = make_card(served, about, formats)
    if options.left_out:
        card["onnx"] = {"left_out": options.left_out}
    card |= write_cases(served, samples, folder / "reference.npz")
    guarded = card["checks_rows"]
    if options.keras_file:
        card["keras"] = write_keras_file(served.model, folder)
    else:
        card["keras"] = {"left_out": "it was not requested"}
    if "saved_model" in formats:
        names = about.class_names
        card["signatures"] = write_saved_model(served, folder, names, guarded=guarded)
    if "onnx" in formats:
        path = folder / "model.onnx"
        card["onnx"] = write_onnx(
            served,
            path,
            opset=options.opset,
            allow_loops=options.allow_loops,
            sequence_lens=options.sequence_lens,
            guarded=guarded,
            metadata=metadata_props(card),
            doc=summary(card),
        )
        if kinds := [kind for kind in options.weights if kind in ONNX_KINDS]:
            card["weights"] = write_small_weights(served, path, kinds, test)
    if "litert" in formats:
        card |= write_litert_files(served, folder, card, options, calibration, test)
    if step is not None:
        card["streaming"] = write_step(
            step, folder, formats, samples, metadata_props(card),
            opset=options.opset, allow_loops=options.allow_loops, guarded=guarded,
        )  # fmt: skip
    write_json(folder / "card.json", card)
    return card


def _verify(
    served: Served,
    card: dict[str, Any],
    folder: Path,
    target: Path,
    tolerance: float,
    test: Labelled | None,
) -> None:
    """Verify the files in ``folder`` and add the result to the card.

    Raises:
        VerificationError: verification failed. It names ``target``, which will not be created.
    """
    verification = verify_with_rounding(served, card, folder, tolerance, test)
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


def _first(*values: Any) -> Any:
    """The first value that is not ``None``, or ``None``."""
    return next((value for value in values if value is not None), None)
