"""``kerasnets export``: write a trained model to files that run without Keras."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kerasnets.commands._parser import one_of
from kerasnets.commands._shared import data_dir_flag, json_flag, names_of_nets, print_json

EXAMPLES = """\
  kerasnets export runs/seizure-cnn-1
  kerasnets export runs/seizure-cnn-1 --test --weights float16,int8
  kerasnets export seizure-gru --streaming
  kerasnets export runs/seizure-cnn-1 --formats litert --weights full-int8 \\
      --c-array
  kerasnets export my_model.keras --out exported/mine --formats onnx \\
      --task regression
"""

_CALIBRATION_ROWS = 500
_TASKS = ("classification", "binary", "multilabel", "regression")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    names_of_nets(
        parser.add_argument("model", help="a run folder, a .keras file, or the name of a net")
    )
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="folder for the versions; default: exported/NAME"
    )
    parser.add_argument(
        "--formats",
        metavar="NAMES",
        help="comma-separated: saved_model, onnx, litert; default: saved_model,onnx, as far as the "
        "model allows",
    )
    parser.add_argument(
        "--version", type=int, metavar="N", help="version number; default: the next free one"
    )
    parser.add_argument(
        "--task",
        choices=_TASKS,
        type=one_of("task", _TASKS),
        help="kind of task; default: the task of the run, or a classifier if the only output is "
        "named logits",
    )
    parser.add_argument(
        "--license",
        metavar="NAME",
        help="licence for the model card, such as apache-2.0, or a file with the text of another; "
        "default: unknown",
    )
    parser.add_argument("--opset", type=int, metavar="N", default=17, help="ONNX opset, 13 to 22")
    parser.add_argument(
        "--weights",
        default="",
        metavar="NAMES",
        help="more files with smaller weights: float16,int8; for LiteRT also full-int8,int16x8",
    )
    parser.add_argument(
        "--c-array",
        action="store_true",
        help="also write the LiteRT files as C arrays, with examples in C++",
    )
    parser.add_argument(
        "--allow-loops",
        action="store_true",
        help="allow ONNX loops for recurrent layers without a native node",
    )
    parser.add_argument(
        "--streaming",
        action="store_true",
        help="also write a step model for live signals, if the layers allow it",
    )
    parser.add_argument(
        "--no-sequence-lens",
        action="store_true",
        help="leave out the input sequence_lens of ONNX recurrent nodes, which tract lacks",
    )
    parser.add_argument(
        "--sign",
        type=Path,
        metavar="KEY",
        help="sign the files with this private key (PEM, elliptic curve)",
    )
    parser.add_argument(
        "--test",
        action="store_true",
        help="for a run: also check that the metrics on its test split are equal in every runtime",
    )
    data_dir_flag(parser)
    parser.add_argument(
        "--server-files",
        action="store_true",
        help="also write models.config, batching.config and compose.yaml for TensorFlow Serving",
    )
    json_flag(parser)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    import numpy as np

    from kerasnets.commands._models import load_model
    from kerasnets.engine.sources import as_source
    from kerasnets.exporting import export, write_server_files
    from kerasnets.exporting.litert.write_litert import INTEGER_ACTIVATIONS
    from kerasnets.nets import list_nets
    from kerasnets.training import Run
    from kerasnets.training.run_data import load_run_data

    model, name = load_model(arguments.model, {})
    weights = tuple(filter(None, arguments.weights.split(",")))
    test = calibration = None
    integers = [kind for kind in weights if kind in INTEGER_ACTIVATIONS]
    if arguments.test or integers:
        if not isinstance(model, Run):
            flag = "--test" if arguments.test else f"--weights {integers[0]}"
            raise ValueError(f"{flag} needs a run folder; got {arguments.model}.")
        data = load_run_data(model.folder, data_dir=arguments.data_dir)
        test = data.test
        rows = np.random.default_rng(0).permutation(len(data.train.y))[:_CALIBRATION_ROWS]
        calibration = as_source(data.train.x).take(np.sort(rows))
    if arguments.model in list_nets() and not isinstance(model, Run):
        print(f"{name} is exported untrained, with random weights", file=sys.stderr)
    folder = export(
        model,
        arguments.out or Path("exported") / name,
        formats=arguments.formats and tuple(arguments.formats.split(",")),
        version=arguments.version,
        task=arguments.task,
        license=arguments.license,
        opset=arguments.opset,
        weights=weights,
        allow_loops=arguments.allow_loops,
        sequence_lens=not arguments.no_sequence_lens,
        sign=arguments.sign,
        test=test,
        streaming=arguments.streaming,
        c_array=arguments.c_array,
        calibration=calibration if integers else None,
    )
    if arguments.server_files:
        write_server_files(folder.parents[1])
    print_json({"folder": str(folder)}) if arguments.json else print(folder)
