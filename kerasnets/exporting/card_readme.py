"""The model card as a Markdown page, with the header that model catalogues read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kerasnets._tables import markdown_table, percent
from kerasnets.exporting.card import card_task
from kerasnets.exporting.card_header import header
from kerasnets.exporting.card_verification import METRIC_NAMES, verification_section
from kerasnets.exporting.licenses import FILE
from kerasnets.exporting.streaming.card_section import streaming_section

_URL = "http://localhost:8501/v1/models/{name}:predict"
_TASKS = {
    "classification": "Classification: one class per row.",
    "binary": "Binary classification: `probabilities` is the probability of the second class.",
    "multilabel": "Multilabel classification: each label has its own probability.",
    "regression": "Regression: the output is the predicted value.",
}


def readme(card: Mapping[str, Any]) -> str:
    """Write the card as Markdown.

    Args:
        card: the content of ``card.json``, before or after verification.
    """
    sections = [
        header(card),
        f"# {card['name']}, version {card['version']}",
        f"{card['parameters']:,} parameters. Exported on {card['created']}.",
        _license(card.get("license", "unknown")),
        _tensors("Inputs", card["inputs"]),
        _input_units(card["input_units"]),
        _tensors("Outputs", card["outputs"]),
        _TASKS.get(card_task(card) or "", ""),
        _names("Classes" if card_task(card) != "multilabel" else "Labels", card["class_names"]),
        _targets(card),
        _limits(card),
        _how_to_run(card),
        _openvino(card),
        _invalid_inputs(card),
        verification_section(card),
        _small_weights("ONNX", card.get("weights", {})),
        _litert(card.get("litert")),
        _small_weights("LiteRT", card.get("litert_weights", {})),
        _c_arrays(card.get("c_arrays")),
        streaming_section(card.get("streaming")),
        _pairs("Provenance", card["provenance"]),
        _pairs("Metadata", card["metadata"]),
        _pairs("Library versions", card["libraries"]),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _license(identifier: str) -> str:
    if identifier == "unknown":
        return "Licence: unknown. Ask the owner of the model before you use it."
    return f"Licence: see [{FILE}]({FILE})." if identifier == "other" else f"Licence: {identifier}."


def _tensors(title: str, tensors: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for tensor in tensors:
        axes = ", ".join("any" if axis is None else str(axis) for axis in tensor["shape"])
        rows.append((f"`{tensor['name']}`", tensor["dtype"], f"({axes})"))
    return f"## {title}\n\n" + markdown_table(("name", "type", "shape"), rows)


def _input_units(units: str) -> str:
    if not units:
        return ""
    return f"Input unit: {units}. Pass raw values: if they need rescaling, the graph does it."


def _names(title: str, names: Sequence[str]) -> str:
    if not names:
        return ""
    rows = [f"{index}. {name}" for index, name in enumerate(names)]
    return "\n".join([f"{title}, in the order of the last axis:", "", *rows])


def _targets(card: Mapping[str, Any]) -> str:
    parts = [_names("Targets", card.get("target_names", ()))]
    if card.get("target_units"):
        parts.append(f"Predictions are in {card['target_units']}.")
    return "\n\n".join(part for part in parts if part)


def _how_to_run(card: Mapping[str, Any]) -> str:
    lines = ["## How to run it", ""]
    feeds = ", ".join(f'"{tensor["name"]}": {tensor["name"]}' for tensor in card["inputs"])
    if "onnx" in card["formats"]:
        outputs = [tensor["name"] for tensor in card["outputs"]]
        left = f"{outputs[0]}," if len(outputs) == 1 else ", ".join(outputs)
        lines += [
            "Without TensorFlow:",
            "",
            "```python",
            "import onnxruntime",
            "",
            'session = onnxruntime.InferenceSession("model.onnx")',
            f"{left} = session.run({outputs!r}, {{{feeds}}})",
            "```",
            "",
        ]
    if "saved_model" in card["formats"]:
        lines += [
            "With TensorFlow, where `folder` is the path of this folder:",
            "",
            "```python",
            "import tensorflow as tf",
            "",
            "model = tf.saved_model.load(folder)",
            f'outputs = model.signatures["serving_default"](**{{{feeds}}})',
            "```",
            *_classify_signature(card),
            "",
            "With TensorFlow Serving, whose base path is the parent folder:",
            "",
            "```sh",
            f"curl --max-time 10 -d @request.json {_URL.format(name=card['served_as'])}",
            "```",
        ]
    return "\n".join(lines).rstrip()


def _classify_signature(card: Mapping[str, Any]) -> list[str]:
    if "classify" not in card["signatures"]:
        return []
    which = "of each label" if card_task(card) == "multilabel" else "of the most probable class"
    return ["", f"The signature `classify` returns `class_name` and `probability` {which}."]


def _limits(card: Mapping[str, Any]) -> str:
    """What the model computes in, and the smallest number of steps."""
    lines = []
    if card.get("converted_from"):
        policies = ", ".join(f"`{name}`" for name in card["converted_from"])
        lines.append(f"The files compute in float32; the Keras model computed in {policies}.")
    if card.get("min_steps", 1) > 1:
        lines.append(f"Sequences must have at least {card['min_steps']} steps.")
    if card.get("onnx", {}).get("sequence_lens"):
        lines.append(
            "tract lacks the input `sequence_lens` of recurrent nodes in `model.onnx`. Export with "
            "`sequence_lens=False` for it."
        )
    if "left_out" in card.get("onnx", {}):
        lines.append(f"There is no `model.onnx`: {card['onnx']['left_out']}.")
    return "\n".join(lines)


def _invalid_inputs(card: Mapping[str, Any]) -> str:
    lines = ["## Invalid inputs", ""]
    values = "NaN or infinity"
    if any(tensor["name"] == "length" for tensor in card["inputs"]):
        values += ", or a `length` that is negative or larger than the number of steps"
    if "saved_model" in card["formats"]:
        lines.append(f"The SavedModel rejects inputs with {values}, and names the rows.")
    if "onnx" in card["formats"] and card.get("checks_rows"):
        lines.append(f"In the ONNX file, the outputs of a row with {values} are NaN.")
    elif "onnx" in card["formats"]:
        lines.append("The ONNX file does not check: its outputs for such rows are meaningless.")
    if card.get("checks_rows"):
        lines.append("Without rows, the outputs have no rows.")
    elif "checks_rows" in card:
        lines.append("The outputs for a row depend on the other rows of its batch.")
    return "\n".join(lines)


def _openvino(card: Mapping[str, Any]) -> str:
    if "onnx" not in card["formats"]:
        return ""
    return (
        "OpenVINO computes in bfloat16 on processors that have it, which changed probabilities by "
        "up to 0.3.\nVerification uses float32, and so should you: pass "
        '`{"INFERENCE_PRECISION_HINT": "f32"}` to `compile_model`.'
    )


def _small_weights(format_name: str, kinds: Mapping[str, Mapping[str, Any]]) -> str:
    if not kinds:
        return ""
    formats = {
        "same_class": percent,
        "accuracy": percent,
        "agreement": percent,
        "mae": "{:.4g}".format,
    }
    titles = {"same_class": "same prediction", "agreement": "same test prediction"}
    titles |= {name: f"test {METRIC_NAMES[name]}" for name in ("accuracy", "mae")}
    found = [key for key in formats if any(key in entry for entry in kinds.values())]
    rows = [
        (
            entry["file"],
            f"{entry['bytes']:,}",
            f"{max(entry['max_abs_diff'].values()):.2g}",
            *(formats[key](entry[key]) for key in found),
        )
        for entry in kinds.values()
    ]
    headers = ["file", "bytes", "largest difference", *(titles[key] for key in found)]
    return (
        f"## {format_name} files with smaller weights\n\nOutputs compared with Keras:\n\n"
        + markdown_table(headers, rows, "l" + "r" * (len(headers) - 1))
    )


def _litert(written: Mapping[str, Any] | None) -> str:
    if not written:
        return ""
    batch = (
        "takes any number of examples per call"
        if written["batch"] is None
        else "takes one example per call"
    )
    names = ", ".join(f"{name} ({count})" for name, count in written["operators"].items())
    return (
        f"## LiteRT\n\n`{written['file']}` ({written['bytes']:,} bytes) {batch}. It has built-in "
        f"operators only: {names}."
    )


def _c_arrays(arrays: Mapping[str, Any] | None) -> str:
    if not arrays:
        return ""
    rows = [(entry["file"], entry["of"], _arena(entry)) for entry in arrays["headers"]]
    examples = " and ".join(f"`{name}`" for name in arrays["examples"])
    return (
        "## C arrays\n\nHeaders for C and C++ with the bytes of the LiteRT files, the sizes of "
        f"inputs and outputs, and the names of classes. {examples} run them. Inputs and outputs "
        "are never quantized: pass raw values.\n\n"
        + markdown_table(("header", "file", "TensorFlow Lite Micro"), rows, "lll")
    )


def _arena(entry: Mapping[str, Any]) -> str:
    if "arena_bytes" in entry:
        return f"needs {entry['arena_bytes']:,} bytes of memory"
    return f"cannot run it: {entry['reason']}" if "reason" in entry else "not tried"


def _pairs(title: str, pairs: Mapping[str, Any]) -> str:
    if not pairs:
        return ""
    return "\n".join([f"## {title}", "", *(f"- {key}: {value}" for key, value in pairs.items())])
