"""Which files an export writes, checked before any work starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kerasnets._errors import unknown_name
from kerasnets.exporting.litert.small_weights import KINDS
from kerasnets.exporting.litert.write_litert import check_installed
from kerasnets.exporting.onnx.small_weights import KINDS as ONNX_KINDS
from kerasnets.exporting.onnx.write_onnx import OPSETS
from kerasnets.exporting.verification.verify import check_tolerance

FORMATS = ("saved_model", "onnx", "litert")
DEFAULT_FORMATS = ("saved_model", "onnx")


@dataclass(frozen=True)
class Options:
    """The arguments of :func:`kerasnets.export` that do not depend on the model.

    Attributes:
        formats: any of ``FORMATS``, in that order.
        opset: the version of the ONNX operators.
        allow_loops: whether ONNX loops are allowed.
        weights: the files with smaller weights: ``"float16"``, ``"int8"``, ``"full-int8"``.
        keras_file: whether ``model.keras`` is written.
        tolerance: the largest difference from Keras that verification allows.
    """

    formats: tuple[str, ...]
    opset: int
    allow_loops: bool
    weights: tuple[str, ...]
    keras_file: bool
    tolerance: float

    @classmethod
    def checked(
        cls,
        formats: Sequence[str],
        opset: int,
        allow_loops: bool,
        weights: Sequence[str],
        keras_file: bool,
        tolerance: float,
    ) -> Options:
        """Check the arguments of :func:`kerasnets.export`.

        Raises:
            ValueError: an argument is not allowed.
        """
        formats = check_names("export format", formats, FORMATS)
        if not formats:
            raise ValueError(f"formats is empty. Pass at least one of {', '.join(FORMATS)}.")
        weights = check_names("kind of weights", weights, KINDS)
        if weights and not {"onnx", "litert"} & set(formats):
            raise ValueError("weights applies to the ONNX and LiteRT files. Add one to formats.")
        if not set(weights) <= set(ONNX_KINDS) and "litert" not in formats:
            raise ValueError("full-int8 applies to the LiteRT file only. Add 'litert' to formats.")
        if "litert" in formats:
            check_installed()
        if opset not in OPSETS:
            raise ValueError(f"opset must be in [{OPSETS[0]}, {OPSETS[-1]}]; got {opset!r}.")
        check_tolerance(tolerance)
        return cls(formats, opset, allow_loops, weights, keras_file, tolerance)


def check_names(kind: str, names: Sequence[str], allowed: Sequence[str]) -> tuple[str, ...]:
    """The names, without duplicates, in the order of ``allowed``.

    Args:
        kind: what the names are, for the error message.
        names: one name or several.
        allowed: every valid name.

    Raises:
        ValueError: a name is not allowed.
    """
    requested = (names,) if isinstance(names, str) else tuple(names)
    for name in requested:
        if name not in allowed:
            raise unknown_name(kind, name, allowed)
    return tuple(name for name in allowed if name in requested)
