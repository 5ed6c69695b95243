"""Which files an export writes, checked before any work starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kerasnets._errors import unknown_name
from kerasnets.exporting.litert.c_array import check_fixed_axes
from kerasnets.exporting.litert.small_weights import KINDS
from kerasnets.exporting.litert.write_litert import check_installed
from kerasnets.exporting.onnx.small_weights import KINDS as ONNX_KINDS
from kerasnets.exporting.onnx.write_onnx import OPSETS
from kerasnets.exporting.signature import Served
from kerasnets.exporting.verification.verify import check_tolerance

FORMATS = ("saved_model", "onnx", "litert")
DEFAULT_FORMATS = ("saved_model", "onnx")


@dataclass(frozen=True)
class Options:
    """The arguments of :func:`kerasnets.export` that do not depend on the model.

    Attributes:
        formats: any of ``FORMATS``, in that order; ``None`` for all that the model allows.
        opset: the version of the ONNX operators.
        allow_loops: whether ONNX loops are allowed.
        weights: the files with smaller weights: ``"float16"``, ``"int8"``, ``"full-int8"``,
            ``"int16x8"``.
        keras_file: whether ``model.keras`` is written.
        tolerance: the largest difference from Keras that verification allows.
        c_array: whether the LiteRT files are also written as C arrays.
        sequence_lens: whether recurrent nodes in ONNX get the number of steps of each row.
        left_out: why ONNX is not among the formats, if the caller did not decide that.
    """

    formats: tuple[str, ...] | None
    opset: int
    allow_loops: bool
    weights: tuple[str, ...]
    keras_file: bool
    tolerance: float
    c_array: bool = False
    sequence_lens: bool = True
    left_out: str = ""

    @classmethod
    def checked(
        cls,
        formats: Sequence[str] | None,
        opset: int,
        allow_loops: bool,
        weights: Sequence[str],
        keras_file: bool,
        tolerance: float,
        c_array: bool = False,
        sequence_lens: bool = True,
    ) -> Options:
        """Check the arguments of :func:`kerasnets.export`.

        Raises:
            ValueError: an argument is not allowed.
        """
        if formats is not None:
            formats = check_names("export format", formats, FORMATS)
            if not formats:
                raise ValueError(f"formats is empty. Pass at least one of {', '.join(FORMATS)}.")
        weights = check_names("kind of weights", weights, KINDS)
        wanted = DEFAULT_FORMATS if formats is None else formats
        if weights and not {"onnx", "litert"} & set(wanted):
            raise ValueError("weights applies to the ONNX and LiteRT files. Add one to formats.")
        if not set(weights) <= set(ONNX_KINDS) and "litert" not in wanted:
            other = next(kind for kind in weights if kind not in ONNX_KINDS)
            raise ValueError(f"{other} applies to the LiteRT file only. Add 'litert' to formats.")
        if c_array and "litert" not in wanted:
            raise ValueError("c_array applies to the LiteRT file only. Add 'litert' to formats.")
        if "litert" in wanted:
            check_installed()
        if opset not in OPSETS:
            raise ValueError(f"opset must be in [{OPSETS[0]}, {OPSETS[-1]}]; got {opset!r}.")
        check_tolerance(tolerance)
        return cls(
            formats, opset, allow_loops, weights, keras_file, tolerance, c_array, sequence_lens
        )

    def for_model(self, served: Served) -> Options:
        """The options with the formats that a model allows, if the caller chose none.

        Raises:
            ValueError: the options need ONNX, and the model takes text; or they need fixed sizes.
        """
        if self.c_array:
            check_fixed_axes(served)
        if self.formats is not None:
            return self
        text = [info.name for info in (*served.inputs, *served.outputs) if info.dtype == "string"]
        if not text:
            return replace(self, formats=DEFAULT_FORMATS)
        if self.weights:
            raise ValueError(
                f"weights applies to ONNX, which has no operators for text ({text[0]!r})."
            )
        reason = f"ONNX has no operators for text, the type of {', '.join(map(repr, text))}"
        return replace(self, formats=("saved_model",), left_out=reason)


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
