"""Elementwise operations of ``keras.ops``, with their scalar operations per output element."""

from __future__ import annotations

from kerasnets.profiling.counts import Counts

_FUNCTION = Counts(transcendentals=1)

_GROUPS: dict[str, tuple[Counts, str]] = {
    "sum or sign": (Counts(additions=1), "Add Subtract Negative"),
    "product": (Counts(multiplications=1), "Multiply Square Deg2rad Rad2deg"),
    "quotient": (
        Counts(divisions=1),
        "Divide TrueDivide DivideNoNan FloorDivide Reciprocal Mod Fmod",
    ),
    "comparison": (
        Counts(comparisons=1),
        (
            "Absolute Abs Fabs Maximum Minimum Fmax Fmin Greater GreaterEqual Less LessEqual Equal "
            "NotEqual Where Sign Round Floor Ceil Trunc LogicalAnd LogicalOr LogicalNot LogicalXor "
            "Isnan Isinf Isfinite Heaviside NanToNum Tril Triu Signbit Select"
        ),
    ),
    "two comparisons": (Counts(comparisons=2), "Clip"),
    "function": (
        _FUNCTION,
        (
            "Exp Exp2 Expm1 Log Log1p Log2 Log10 Sqrt Cbrt Power Sin Cos Tan Sinh Cosh Arcsin "
            "Arccos Arctan Arctan2 Arcsinh Arccosh Arctanh Erf Erfc Erfinv Hypot"
        ),
    ),
    "rsqrt": (_FUNCTION, "Rsqrt"),
    "logaddexp": (Counts(additions=3, comparisons=1, transcendentals=2), "Logaddexp"),
}

# By class name: the kind of step, and the scalar operations per output element.
ELEMENTWISE = {
    name: (kind, each) for kind, (each, names) in _GROUPS.items() for name in names.split()
}
