"""Export every form of recurrent model to ONNX and compare it with Keras.

    python scripts/export_variants.py [--only WORD] [--write]

Prints a line a variant: its recurrent ONNX nodes, and the largest difference of ONNX Runtime from
Keras run eagerly over several batch sizes, numbers of steps and masks. Exits with 1 if any differs
by more than 1e-5, has other nodes than it should, or a loop. ``--write`` puts the table into
docs/export-variants.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

from kerasnets._lazy import import_tensorflow, keras
from kerasnets.exporting.onnx import all_nodes, write_onnx
from kerasnets.exporting.signature import serve
from kerasnets.nets.length_mask import LengthMask

import_tensorflow()
layers = keras.layers

FEATURES, UNITS, TIME = 3, 4, 6
LIMIT = 1e-5
TARGET = Path(__file__).parents[1] / "docs" / "export-variants.md"
INTRODUCTION = """\
# Recurrent models as ONNX, variant by variant

Made by `python scripts/export_variants.py --write`. Random weights; ONNX Runtime against Keras run
eagerly, over batches of 1, 2 and 7 with 1, 3 and 6 steps; "masked" rows are full, right-padded,
left-padded, with holes, of one step, and masked altogether. Differences are absolute up to 1, in
parts of the output's largest value above. {count} variants, the largest difference {largest:.1e};
none has a `Loop` or `Scan`.

| variant | recurrent nodes | largest difference |
|---|---|---:|
"""
MASKS = np.array(
    [
        [1, 1, 1, 1, 1, 1],
        [1, 1, 1, 0, 0, 0],
        [0, 0, 1, 1, 1, 1],
        [1, 0, 1, 0, 0, 1],
        [0, 0, 0, 1, 0, 0],
        [0, 0, 0, 0, 0, 0],
        [0, 1, 1, 1, 1, 0],
    ],
    bool,
)
Build = Callable[[Any], Any]
Feed = dict[str, np.ndarray]


@dataclass
class Variant:
    """A model, what it is fed with, and the recurrent nodes it must have.

    Attributes:
        name: what is special about it.
        model: the model; its weights are random.
        nodes: how many nodes of each kind.
        feeds: inputs to compare on.
    """

    name: str
    model: keras.Model
    nodes: dict[str, int]
    feeds: list[Feed] = field(default_factory=list)


@keras.saving.register_keras_serializable(package="kerasnets-variants")
class MaskFrom(layers.Layer):
    """Takes ``(x, mask)`` and passes ``x`` on under that mask."""

    def call(self, inputs: Any) -> Any:
        """``x`` as it is."""
        return keras.ops.copy(inputs[0])

    def compute_mask(self, inputs: Any, previous: Any = None) -> Any:
        """The second input."""
        return keras.ops.cast(inputs[1], "bool")


def signals(batch: int, time: int, features: int = FEATURES) -> np.ndarray:
    """Normal noise."""
    return np.random.default_rng(time).normal(size=(batch, time, features)).astype("float32")


def plain(name: str, build: Build, time: int | None = None, **nodes: int) -> Variant:
    """A layer or function on sequences without a mask."""
    x = keras.Input((time, FEATURES), name="x")
    feeds = [{"x": signals(b, time or t)} for b, t in ((1, 6), (2, 1), (7, 3), (7, 6))]
    return Variant(name, keras.Model(x, build(x)), nodes, feeds)


def masked(name: str, build: Build, **nodes: int) -> Variant:
    """The same under every kind of mask."""
    x = keras.Input((None, FEATURES), name="x")
    mask = keras.Input((None,), dtype="bool", name="mask")
    model = keras.Model([x, mask], build(MaskFrom()([x, mask])))
    feeds = [{"x": signals(7, t), "mask": MASKS[:, :t]} for t in (1, 3, 6)]
    return Variant(f"{name}, masked", model, nodes, feeds)


def both(name: str, build: Callable[[], Build], **nodes: int) -> Iterator[Variant]:
    """Plain and masked, each of layers of its own."""
    yield plain(name, build(), **nodes)
    yield masked(name, build(), **nodes)


STACK = {"GRU": 1, "LSTM": 1, "RNN": 1}
KINDS: dict[str, tuple[Callable[..., Any], dict[str, int]]] = {
    "GRU": (lambda **a: layers.GRU(UNITS, **a), {"GRU": 1}),
    "GRU, reset before": (lambda **a: layers.GRU(UNITS, reset_after=False, **a), {"GRU": 1}),
    "LSTM": (lambda **a: layers.LSTM(UNITS, **a), {"LSTM": 1}),
    "SimpleRNN": (lambda **a: layers.SimpleRNN(UNITS, **a), {"RNN": 1}),
    "RNN of a GRUCell": (lambda **a: layers.RNN(layers.GRUCell(UNITS), **a), {"GRU": 1}),
    "RNN of an LSTMCell": (lambda **a: layers.RNN(layers.LSTMCell(UNITS), **a), {"LSTM": 1}),
    "RNN of three cells": (lambda **a: layers.RNN(_cells(), **a), STACK),
    "StackedRNNCells": (lambda **a: layers.RNN(layers.StackedRNNCells(_cells()), **a), STACK),
}
FORMS: dict[str, dict[str, Any]] = {
    "last output": {},
    "sequences": {"return_sequences": True},
    "sequences and states": {"return_sequences": True, "return_state": True},
    "last output and states": {"return_state": True},
    "backwards": {"go_backwards": True, "return_state": True},
    "backwards, sequences": {"go_backwards": True, "return_sequences": True},
}
ZERO = {
    "zero output": {"zero_output_for_mask": True},
    "zero output, sequences": {"zero_output_for_mask": True, "return_sequences": True},
    "zero output, backwards": {
        "zero_output_for_mask": True,
        "go_backwards": True,
        "return_sequences": True,
    },
}


def _cells() -> list[Any]:
    return [
        layers.LSTMCell(5),
        layers.GRUCell(UNITS, reset_after=False),
        layers.SimpleRNNCell(2, activation="relu"),
    ]


def every_form() -> Iterator[Variant]:
    """Each kind of layer in each form."""
    for kind, (layer, nodes) in KINDS.items():
        for form, arguments in FORMS.items():
            yield from both(f"{kind}, {form}", lambda a=arguments, f=layer: f(**a), **nodes)
        for form, arguments in ZERO.items():
            yield masked(f"{kind}, {form}", layer(**arguments), **nodes)


def bias_and_dropout() -> Iterator[Variant]:
    """What the layers have besides."""
    for kind in ("GRU", "GRU, reset before", "LSTM", "SimpleRNN"):
        layer, nodes = KINDS[kind]
        yield from both(f"{kind}, no bias", lambda f=layer: f(use_bias=False), **nodes)
        yield plain(f"{kind}, unrolled", layer(unroll=True), time=5, **nodes)
        yield plain(f"{kind}, one step", layer(return_sequences=True), time=1, **nodes)
        dropout = layer(dropout=0.5, recurrent_dropout=0.5)
        yield plain(f"{kind}, dropout", dropout, **nodes)


def initial_states() -> Iterator[Variant]:
    """States that come from the inputs."""
    for kind, (layer, nodes) in KINDS.items():
        if "three" in kind or "Stacked" in kind:
            continue

        def build(f: Any = layer, pair: bool = "LSTM" in kind) -> Build:
            rnn = f(return_sequences=True, return_state=True)

            def start(x: Any) -> Any:
                first, other = layers.Dense(UNITS)(x[:, 0]), layers.Dense(UNITS)(x[:, -1])
                return rnn(x, initial_state=[first, other] if pair else first)

            return start

        yield from both(f"{kind}, initial state", build, **nodes)


def bidirectional() -> Iterator[Variant]:
    """Every merge mode."""
    for kind in ("GRU", "LSTM", "SimpleRNN", "RNN of three cells"):
        layer, nodes = KINDS[kind]
        twice = {op: 2 * count for op, count in nodes.items()}
        for merge in ("concat", "sum", "ave", "mul", None):
            for form in ("last output", "sequences"):

                def build(f: Any = layer, m: Any = merge, a: Any = FORMS[form]) -> Build:
                    return layers.Bidirectional(f(**a), merge_mode=m)

                yield from both(f"Bidirectional {kind}, merge {merge}, {form}", build, **twice)

    def own() -> Build:
        backward = layers.SimpleRNN(2, go_backwards=True, return_sequences=True, return_state=True)
        forward = layers.GRU(UNITS, return_sequences=True, return_state=True)
        return layers.Bidirectional(forward, backward_layer=backward)

    yield from both("Bidirectional, a backward layer of its own, states", own, GRU=1, RNN=1)

    def zero() -> Build:
        layer = layers.GRU(UNITS, zero_output_for_mask=True, return_sequences=True)
        return layers.Bidirectional(layer)

    yield masked("Bidirectional GRU, zero output", zero(), GRU=2)

    def from_states(x: Any) -> Any:
        start = [layers.Dense(UNITS)(x[:, 0]) for _ in range(4)]
        return layers.Bidirectional(layers.LSTM(UNITS))(x, initial_state=start)

    yield from both("Bidirectional LSTM, initial states", lambda: from_states, LSTM=2)


def activations() -> Iterator[Variant]:
    """Every activation ONNX knows, of cell and gates."""
    names = ("tanh", "sigmoid", "relu", "linear", "hard_sigmoid")
    for name in (*names, "leaky_relu", "elu", "softsign", "softplus"):
        gates = "sigmoid" if name == "hard_sigmoid" else "hard_sigmoid"

        def build(x: Any, a: str = name, g: str = gates) -> Any:
            return [
                layers.SimpleRNN(2, activation=a)(x),
                layers.GRU(2, activation=a, recurrent_activation=g)(x),
                layers.GRU(2, activation=g, recurrent_activation=a)(x),
                layers.LSTM(2, activation=a, recurrent_activation=g)(x),
                layers.LSTM(2, activation=g, recurrent_activation=a)(x),
            ]

        yield plain(f"activation {name}", build, GRU=2, LSTM=2, RNN=1)


class Subclassed(keras.Model):
    """Layers in a list and in a layer of the user's own, called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = [layers.GRU(UNITS, return_sequences=True), layers.LSTM(UNITS)]
        self.first = layers.Bidirectional(layers.GRU(2, return_sequences=True), name="first")

    def call(self, x: Any) -> Any:
        """The stack on both ends."""
        x = self.first(x)
        for layer in self.stack:
            x = layer(x)
        return x


def compositions() -> Iterator[Variant]:
    """Shared, nested, subclassed, wrapped layers, and several of them."""
    shared = layers.GRU(FEATURES, return_sequences=True)
    yield plain("one layer called three times", lambda x: shared(shared(shared(x))), GRU=3)
    cell = layers.LSTMCell(UNITS)
    yield plain(
        "one cell in two layers", lambda x: [layers.RNN(cell)(x), layers.RNN(cell)(2 * x)], LSTM=2
    )
    half = layers.GRU(UNITS, return_sequences=True)
    yield masked("one layer, with and without the mask", lambda x: [half(x), half(x + 1)], GRU=2)
    inner = keras.Sequential(
        [keras.Input((None, FEATURES)), layers.GRU(UNITS, return_sequences=True)]
    )
    deep = keras.Sequential([keras.Input((None, FEATURES)), inner, layers.LSTM(2)])
    yield from both("Sequential in Sequential", lambda: deep, GRU=1, LSTM=1)
    model = Subclassed()
    model(signals(2, 5))
    feeds = [{"input": signals(b, 5)} for b in (1, 2, 7)]
    yield Variant("subclassed", model, {"GRU": 3, "LSTM": 1}, feeds)

    def coder() -> Build:
        encode = layers.LSTM(UNITS, return_state=True)
        decode = layers.LSTM(UNITS, return_sequences=True)
        return lambda x: decode(x, initial_state=encode(x)[1:])

    yield from both("an encoder's states to a decoder", coder, LSTM=2)

    def mixed() -> Build:
        def build(x: Any) -> Any:
            x = layers.LayerNormalization()(layers.GRU(UNITS, return_sequences=True)(x))
            x = layers.MultiHeadAttention(2, 2)(x, x)
            return layers.LSTM(2)(layers.Dropout(0.5)(layers.Dense(UNITS, "gelu")(x)))

        return build

    yield from both("between normalization, attention and dense layers", mixed, GRU=1, LSTM=1)

    def explicit(x: Any) -> Any:
        return layers.GRU(UNITS)(x, mask=keras.ops.sum(x, axis=2) > 0)

    yield plain("a mask computed from the values", explicit, GRU=1)


def sources_of_masks() -> Iterator[Variant]:
    """Keras's own layers that make masks, and ours."""
    x = keras.Input((None, FEATURES), name="x")
    y = layers.LSTM(2)(layers.GRU(UNITS, return_sequences=True)(layers.Masking(0.0)(x)))
    feeds = [{"x": signals(7, 6) * MASKS[..., None]}]
    yield Variant("Masking", keras.Model(x, y), {"GRU": 1, "LSTM": 1}, feeds)
    words = keras.Input((None,), dtype="int32", name="words")
    y = layers.Embedding(9, FEATURES, mask_zero=True)(words)
    y = layers.Bidirectional(layers.GRU(UNITS, return_sequences=True))(y)
    ids = np.random.default_rng(0).integers(1, 9, MASKS.shape) * MASKS
    yield Variant(
        "Embedding(mask_zero=True)",
        keras.Model(words, layers.LSTM(2)(y)),
        {"GRU": 2, "LSTM": 1},
        [{"words": ids.astype("int32")}],
    )
    visits, length = keras.Input((None, FEATURES), name="visits"), keras.Input((), dtype="int32")
    y = layers.GRU(UNITS, return_sequences=True)(LengthMask()([visits, length]))
    lengths = np.array([0, 1, 2, 3, 4, 5, 6], "int32")
    feeds = [{"visits": signals(7, 6), length.name: lengths}]
    yield Variant("LengthMask", keras.Model([visits, length], layers.LSTM(2)(y)), {}, feeds)
    feeds[0]["visits"][np.arange(6) >= lengths[:, None]] = np.nan
    model = keras.Model([visits, length], layers.Bidirectional(layers.GRU(2))(y))
    yield Variant("LengthMask, padding of NaN", model, {"GRU": 3}, feeds)


def time_distributed() -> Iterator[Variant]:
    """Layers applied a step at a time, a known number of steps or not."""
    inner: dict[str, tuple[Callable[[], Any], dict[str, int]]] = {
        "Dense": (lambda: layers.Dense(2), {}),
        "Conv1D": (lambda: layers.Conv1D(2, 2), {}),
        "GRU": (lambda: layers.GRU(2), {"GRU": 1}),
        "Bidirectional LSTM": (
            lambda: layers.Bidirectional(layers.LSTM(2, return_sequences=True)),
            {"LSTM": 2},
        ),
    }
    for name, (layer, nodes) in inner.items():
        for time in (4, None):
            x = keras.Input((time, 5, FEATURES), name="x")
            model = keras.Model(x, layers.TimeDistributed(layer())(x))
            rng = np.random.default_rng(0)
            feeds = [
                {"x": rng.normal(size=(b, t, 5, FEATURES)).astype("float32")}
                for b, t in ((1, 4), (3, time or 2), (7, time or 1))
            ]
            steps = "any number of steps" if time is None else "4 steps"
            yield Variant(f"TimeDistributed {name}, {steps}", model, nodes, feeds)
    x = keras.Input((None, 5, FEATURES), name="x")
    rows = layers.TimeDistributed(layers.GRU(2))(layers.TimeDistributed(layers.Dense(3))(x))
    feeds = [{"x": np.ones((2, t, 5, FEATURES), "float32")} for t in (1, 4)]
    yield Variant("GRU on TimeDistributed GRU", keras.Model(x, layers.GRU(2)(rows)), {}, feeds)


FAMILIES = (
    every_form,
    bias_and_dropout,
    initial_states,
    bidirectional,
    activations,
    compositions,
    sources_of_masks,
    time_distributed,
)


def measure(variant: Variant, folder: Path) -> tuple[str, float, str]:
    """The recurrent nodes in words, the largest difference, and what is wrong."""
    rng = np.random.default_rng(7)
    for weight in variant.model.weights:
        if weight.dtype == "float32":
            weight.assign(rng.normal(0, 0.5, weight.shape))
    served = serve(variant.model)
    path = folder / "model.onnx"
    write_onnx(served, path)
    onnx.checker.check_model(path, full_check=True)
    counts = Counter(node.op_type for node in all_nodes(onnx.load(path).graph))
    found = {op: counts[op] for op in ("GRU", "LSTM", "RNN") if counts[op]}
    session = onnxruntime.InferenceSession(path)
    names = [output.name for output in session.get_outputs()]
    largest = 0.0
    for feed in variant.feeds:
        got = dict(zip(names, session.run(names, feed), strict=True))
        for name, value in served.run(feed).items():
            scale = max(1.0, float(np.abs(value).max(initial=0)))
            largest = max(largest, float(np.abs(got[name] - value).max(initial=0)) / scale)
    wrong = "" if largest <= LIMIT else "differs"
    if counts["Loop"] or counts["Scan"] or (variant.nodes and found != variant.nodes):
        wrong = f"has {dict(counts)}"
    return ", ".join(f"{count} {op}" for op, count in found.items()) or "–", largest, wrong


def main() -> int:
    """Print the table and say whether all is well."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", help="variants with this in their name")
    parser.add_argument("--write", action="store_true", help=f"write {TARGET.name}")
    arguments = parser.parse_args()
    rows, differences, failures = [], [0.0], []
    with tempfile.TemporaryDirectory() as folder:
        for variant in (variant for family in FAMILIES for variant in family()):
            if arguments.only.lower() not in variant.name.lower():
                continue
            try:
                nodes, largest, wrong = measure(variant, Path(folder))
            except Exception as error:  # noqa: BLE001  # go on, and report it with the others
                nodes, largest, wrong = "?", float("nan"), f"{type(error).__name__}: {error}"
            differences.append(largest)
            rows.append(f"| {variant.name} | {nodes} | {largest:.1e} |")
            print(rows[-1], wrong, flush=True)
            failures += [f"{variant.name} {wrong}"] if wrong else []
            keras.backend.clear_session()
    print(f"{len(rows)} variants, largest difference {max(differences):.1e}, {len(failures)} wrong")
    if arguments.write and not failures:
        text = INTRODUCTION.format(count=len(rows), largest=max(differences))
        TARGET.write_text(text + "\n".join(rows) + "\n", encoding="utf-8")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
