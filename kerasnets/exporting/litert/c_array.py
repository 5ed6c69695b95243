"""LiteRT files as C arrays, for programs without a file system, with examples in C++."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kerasnets.exporting.litert.c_examples import (
    c_literal,
    litert_example,
    macro,
    micro_example,
    tensor_macros,
)
from kerasnets.exporting.litert.flatbuffer import (
    FileTensor,
    describe_operators,
    read_tensors,
)
from kerasnets.exporting.litert.micro import measure_arena
from kerasnets.exporting.samples import Arrays
from kerasnets.exporting.signature import Served

LITERT_EXAMPLE, MICRO_EXAMPLE = "example_litert.cc", "example_micro.cc"
_BYTES_PER_LINE = 16


def check_fixed_axes(served: Served) -> None:
    """Check that only the batch axis is free.

    Raises:
        ValueError: another axis is free, so that its size is not known when a program is compiled.
    """
    for info in (*served.inputs, *served.outputs):
        if None in info.shape[1:]:
            raise ValueError(
                f"c_array needs fixed sizes, and {info.name!r} has the shape {info.shape}. Build "
                "the model with a fixed number of steps, or leave c_array out."
            )


def write_c_arrays(folder: Path, card: Mapping[str, Any], inputs: Arrays) -> dict[str, Any]:
    """Write ``model.h`` next to ``model.tflite``, one for each smaller file, and the examples.

    Args:
        folder: the version folder.
        card: the content of ``card.json``, with the entries of the LiteRT files.
        inputs: some examples by input name, with which TensorFlow Lite Micro is tried.

    Returns:
        An entry for the card: ``headers``, with the ``file`` of each header, the LiteRT file that
        it is made ``of``, and for TensorFlow Lite Micro ``arena_bytes`` or the ``reason`` why it
        cannot run it; and the names of the ``examples``. Without the package ``tflite-micro``,
        nothing is known about TensorFlow Lite Micro.
    """
    files = [card["litert"]["file"]]
    files += [entry["file"] for entry in card.get("litert_weights", {}).values()]
    contents = {name: (folder / name).read_bytes() for name in dict.fromkeys(files)}
    headers = []
    for name, content in contents.items():
        header = Path(name).with_suffix(".h").name
        # Integers may be rounded to a neighbour.
        arena = measure_arena(content, inputs, 1e-5 if name == files[0] else 0.05)
        (folder / header).write_text(c_header(content, card, name, arena), encoding="utf-8")
        headers.append({"file": header, "of": name, **arena})
    tensors = read_tensors(next(iter(contents.values())))
    examples = {LITERT_EXAMPLE: litert_example(*tensors, headers[0]["file"])}
    micro = [entry for entry in headers if "arena_bytes" in entry]
    if micro:
        operators = {name for entry in micro for name in describe_operators(contents[entry["of"]])}
        examples[MICRO_EXAMPLE] = micro_example(*tensors, micro[0]["file"], sorted(operators))
    for name, text in examples.items():
        (folder / name).write_text(text, encoding="utf-8")
    return {"headers": headers, "examples": list(examples)}


def c_header(content: bytes, card: Mapping[str, Any], file: str, arena: Mapping[str, Any]) -> str:
    """A LiteRT file as the text of a header for C and C++.

    Args:
        content: the LiteRT file.
        card: the content of ``card.json``.
        file: the name of the LiteRT file.
        arena: the result of :func:`~kerasnets.exporting.litert.micro.measure_arena`.
    """
    guard = macro(f"KERASNETS_{card['name']}_{Path(file).stem}_H")
    inputs, outputs = read_tensors(content)
    lines = [
        _comment(f"{card['name']}, version {card['version']}: the bytes of {file} as an array."),
        _comment(f"Licence: {card['license']}. Written by kerasnets."),
        _comment("The model takes one example per call, with raw values."),
        *_descriptions("Input", inputs, card["input_units"]),
        *_descriptions("Output", outputs, card.get("target_units", "")),
        "",
        f"#ifndef {guard}",
        f"#define {guard}",
        "",
        *_sizes("INPUT", inputs),
        *_sizes("OUTPUT", outputs),
        *_arena(arena),
        "",
        *_names(card["class_names"]),
        f"static const unsigned int model_size = {len(content)};",
        "#ifdef __cplusplus",
        "alignas(16)",
        "#else",
        "_Alignas(16)",
        "#endif",
        "static const unsigned char model_data[] = {",
        *_bytes(content),
        "};",
        "",
        f"#endif  // {guard}",
    ]
    return "\n".join(lines) + "\n"


def _descriptions(side: str, tensors: Iterable[FileTensor], units: str) -> Iterable[str]:
    for index, tensor in enumerate(tensors):
        unit = f", in {units}" if units and tensor.name != "length" else ""
        yield _comment(f"{side} {index}: {tensor.name}, {tensor.dtype} {tensor.shape}{unit}.")


def _sizes(side: str, tensors: Sequence[FileTensor]) -> Iterable[str]:
    """The index of each tensor, and its number of values."""
    names = tensor_macros(side, tensors)
    for index, (name, tensor) in enumerate(zip(names, tensors, strict=True)):
        yield f"#define {name} {index}"
        yield f"#define {name}_SIZE {tensor.size}"


def _arena(arena: Mapping[str, Any]) -> Iterable[str]:
    if "arena_bytes" in arena:
        yield _comment("Memory that TensorFlow Lite Micro needs on a machine with 64 bits; less on")
        yield _comment("smaller machines.")
        yield f"#define MODEL_ARENA_BYTES {arena['arena_bytes']}"


def _names(names: Iterable[str]) -> Iterable[str]:
    texts = [c_literal(name) for name in names]
    if texts:
        yield "static const char* const model_class_names[] = {"
        yield from (f"    {text}," for text in texts)
        yield "};"


def _bytes(content: bytes) -> Iterable[str]:
    for start in range(0, len(content), _BYTES_PER_LINE):
        yield "".join(f"0x{byte:02x}," for byte in content[start : start + _BYTES_PER_LINE])


def _comment(text: str) -> str:
    """A text as a comment of one line: no character in it can end or continue the line."""
    printable = "".join(x if x.isprintable() else " " for x in text)
    return "// " + printable.replace("\\", "/").replace("??/", "?? /")
