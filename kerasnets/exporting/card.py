"""The model card: what was exported, from what, and how well it was checked."""

from __future__ import annotations

import datetime
import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from kerasnets.exporting.signature import Served

_URL = "http://localhost:8501/v1/models/{name}:predict"
_LIBRARIES = ("kerasnets", "keras", "tensorflow", "numpy", "onnx", "tf2onnx", "onnxruntime")


@dataclass(frozen=True)
class About:
    """What is known of a model beside the model.

    Attributes:
        name: what it is called.
        version: the number of this export.
        served_as: what servers call it: the name of the folder of its versions.
        class_names: one name a class, in the order of the logits; empty if unknown.
        input_units: the physical unit of the raw inputs, such as ``"µV"``.
        provenance: where it comes from: net, data set and its checksum, seed, commit, …
        metadata: whatever else the user wants told.
    """

    name: str
    version: int
    served_as: str
    class_names: tuple[str, ...] = ()
    input_units: str = ""
    provenance: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)


def make_card(served: Served, about: About, formats: Sequence[str]) -> dict[str, Any]:
    """The content of ``card.json``, without what only verification can tell.

    Args:
        served: the model under its serving names.
        about: what is known of it.
        formats: what is exported.
    """
    return {
        "name": about.name,
        "version": about.version,
        "served_as": about.served_as,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "formats": list(formats),
        "inputs": [asdict(info) for info in served.inputs],
        "outputs": [asdict(info) for info in served.outputs],
        "input_units": about.input_units,
        "class_names": list(about.class_names),
        "parameters": served.model.count_params(),
        "libraries": _library_versions(),
        "provenance": dict(about.provenance),
        "metadata": dict(about.metadata),
    }


def metadata_props(card: Mapping[str, Any]) -> dict[str, str]:
    """The card flattened to strings for ``metadata_props`` of an ONNX file.

    Class names are a JSON list; versions and provenance stand under their own keys, as
    ``version.keras`` and ``provenance.seed``.
    """
    props = {key: str(card[key]) for key in ("name", "version", "created", "parameters")}
    props["input_units"] = card["input_units"]
    props["class_names"] = json.dumps(card["class_names"], ensure_ascii=False)
    for section, prefix in (("libraries", "version"), ("provenance", "provenance")):
        props |= {f"{prefix}.{key}": str(value) for key, value in card[section].items()}
    for key, value in card["metadata"].items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        props[f"metadata.{key}"] = text
    return props


def summary(card: Mapping[str, Any]) -> str:
    """The card in two sentences, for the doc string of an ONNX graph."""
    inputs = ", ".join(tensor["name"] for tensor in card["inputs"])
    units = f" in {card['input_units']}" if card["input_units"] else ""
    return f"{card['name']}, version {card['version']}. Takes raw values{units} as {inputs}."


def readme(card: Mapping[str, Any]) -> str:
    """The card in words, as Markdown.

    Args:
        card: the content of ``card.json``, verified or not.
    """
    sections = [
        f"# {card['name']}, version {card['version']}",
        f"{card['parameters']:,} parameters. Exported on {card['created']}.",
        _tensors("What goes in", card["inputs"], card["input_units"]),
        _tensors("What comes out", card["outputs"], ""),
        _classes(card["class_names"]),
        _how_to_call(card),
        _not_finite(card["formats"]),
        _checked(card),
        _weights(card.get("weights", {})),
        _pairs("Where it comes from", card["provenance"]),
        _pairs("More", card["metadata"]),
        _pairs("Made with", card["libraries"]),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _library_versions() -> dict[str, str]:
    versions = {}
    for name in _LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:  # a checkout that is not installed
            versions[name] = "unknown"
    return versions


def _tensors(title: str, tensors: Sequence[Mapping[str, Any]], units: str) -> str:
    lines = [f"## {title}", "", "| name | type | shape |", "|---|---|---|"]
    for tensor in tensors:
        axes = ", ".join("any" if axis is None else str(axis) for axis in tensor["shape"])
        lines.append(f"| `{tensor['name']}` | {tensor['dtype']} | ({axes}) |")
    if units:
        lines += ["", f"Raw values, in {units}: what rescaling there is, is in the graph."]
    return "\n".join(lines)


def _classes(names: Sequence[str]) -> str:
    if not names:
        return ""
    rows = [f"{index}. {name}" for index, name in enumerate(names)]
    return "\n".join(["Classes, in the order of the last axis:", "", *rows])


def _how_to_call(card: Mapping[str, Any]) -> str:
    lines = ["## How to call it", ""]
    feeds = ", ".join(f'"{tensor["name"]}": {tensor["name"]}' for tensor in card["inputs"])
    if "onnx" in card["formats"]:
        outputs = [tensor["name"] for tensor in card["outputs"]]
        lines += [
            "Without TensorFlow:",
            "",
            "```python",
            "import onnxruntime",
            "",
            'session = onnxruntime.InferenceSession("model.onnx")',
            f"{', '.join(outputs)} = session.run({outputs!r}, {{{feeds}}})",
            "```",
            "",
        ]
    if "saved_model" in card["formats"]:
        lines += [
            "With TensorFlow, from this folder's path:",
            "",
            "```python",
            "import tensorflow as tf",
            "",
            "model = tf.saved_model.load(folder)",
            f'outputs = model.signatures["serving_default"](**{{{feeds}}})',
            "```",
            *_signatures(card["signatures"]),
            "",
            "From TensorFlow Serving, which takes the parent's path:",
            "",
            "```sh",
            f"curl --max-time 10 -d @request.json {_URL.format(name=card['served_as'])}",
            "```",
        ]
    return "\n".join(lines).rstrip()


def _signatures(names: Sequence[str]) -> list[str]:
    if "classify" not in names:
        return []
    return ["", "A second signature, `classify`, gives `class_name` and its `probability`."]


def _not_finite(formats: Sequence[str]) -> str:
    lines = ["## NaN and infinity", ""]
    if "saved_model" in formats:
        lines.append("The SavedModel refuses a request that holds any, and names the rows.")
    if "onnx" in formats:
        lines.append("ONNX Runtime does not look: what it gives for such a row means nothing.")
    return "\n".join(lines)


def _checked(card: Mapping[str, Any]) -> str:
    verification = card.get("verification")
    if verification is None:
        return "## How it was checked\n\nIt was not: verification was switched off."
    rows = [f"| {name} | {diff:.2g} |" for name, diff in verification["max_abs_diff"].items()]
    words = (
        f"Loaded in a fresh process, every runtime but Keras without Keras, and run on "
        f"{len(card['cases'])} sets of inputs: {', '.join(card['cases'])}. The tolerance was "
        f"{verification['tolerance']:g}, absolute for values up to 1, in parts of the output's "
        "largest value above that."
    )
    return "\n".join(
        [
            "## How it was checked",
            "",
            textwrap.fill(words, 100, break_on_hyphens=False),
            "",
            "| runtime | largest difference from what Keras gave |",
            "|---|---|",
            *rows,
            *_keras_left_out(card.get("keras", {})),
            *_test_metrics(verification.get("test_metrics") or {}),
        ]
    )


def _keras_left_out(keras: Mapping[str, Any]) -> list[str]:
    if "needs" in keras:
        needs = ", ".join(f"`{name}`" for name in keras["needs"])
        return ["", f"`model.keras` was not loaded again: it needs {needs}."]
    if "left_out" in keras:
        return ["", f"There is no `model.keras`: {keras['left_out']}."]
    return []


def _test_metrics(metrics: Mapping[str, Mapping[str, float | None]]) -> list[str]:
    if not metrics:
        return []
    rows = [
        f"| {name} | {entry['accuracy']:.4f} | "
        f"{'–' if entry['auroc'] is None else format(entry['auroc'], '.4f')} |"
        for name, entry in metrics.items()
    ]
    return ["", "On the test split:", "", "| runtime | accuracy | AUROC |", "|---|---|---|", *rows]


def _weights(kinds: Mapping[str, Mapping[str, Any]]) -> str:
    if not kinds:
        return ""
    lines = ["## Smaller weights", "", "Outputs on the samples of the export, against Keras:", ""]
    head = "| file | bytes | largest difference | same class | accuracy on the test split |"
    lines += [head, "|---|---|---|---|---|"]
    for entry in kinds.values():
        largest = max(entry["max_abs_diff"].values())
        same, accuracy = (
            f"{entry[key]:.1%}" if key in entry else "–" for key in ("same_class", "accuracy")
        )
        lines.append(
            f"| {entry['file']} | {entry['bytes']:,} | {largest:.2g} | {same} | {accuracy} |"
        )
    return "\n".join(lines)


def _pairs(title: str, pairs: Mapping[str, Any]) -> str:
    if not pairs:
        return ""
    return "\n".join([f"## {title}", "", *(f"- {key}: {value}" for key, value in pairs.items())])
