"""``keras.ops`` that work element by element: what each element of the output takes."""

from __future__ import annotations

from kerasnets.profiling.counts import Counts

_ADD = Counts(additions=1)
_MULTIPLY = Counts(multiplications=1)
_COMPARE = Counts(comparisons=1)
_DIVIDE = Counts(divisions=1)
_FUNCTION = Counts(transcendentals=1)

_GROUPS: dict[str, tuple[Counts, str]] = {
    "sum or sign": (_ADD, "Add Subtract Negative"),
    "product": (_MULTIPLY, "Multiply Square Deg2rad Rad2deg"),
    "quotient": (_DIVIDE, "Divide TrueDivide DivideNoNan FloorDivide Reciprocal Mod Fmod"),
    "comparison": (
        _COMPARE,
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
# What each element of the output takes.
ELEMENTWISE = {
    name: (kind, each) for kind, (each, names) in _GROUPS.items() for name in names.split()
}
