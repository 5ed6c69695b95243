"""``kerasnets export``: from a trained network to files that run without Keras."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kerasnets.commands._models import load_model
from kerasnets.commands._shared import json_flag, print_json
from kerasnets.exporting import export, write_server_files
from kerasnets.nets import list_nets
from kerasnets.training import Run
from kerasnets.training.run import load_run_data

EXAMPLES = """\
  kerasnets export runs/seizure-cnn-1
  kerasnets export runs/seizure-cnn-1 --test --weights float16,int8
  kerasnets export my_model.keras --out exported/mine --formats onnx
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the words this command takes."""
    parser.add_argument("model", help="a run folder, a .keras file, or name of a net")
    parser.add_argument("--out", type=Path, help="default: exported/<name>")
    parser.add_argument(
        "--formats", default="saved_model,onnx", help="comma-separated: saved_model, onnx"
    )
    parser.add_argument("--version", type=int, help="default: the next one")
    parser.add_argument("--opset", type=int, default=17, help="of the ONNX operators, 13 to 18")
    parser.add_argument(
        "--weights", default="", help="comma-separated ONNX files to add: float16, int8"
    )
    parser.add_argument(
        "--allow-loops", action="store_true", help="ONNX loops for layers with no native node"
    )
    parser.add_argument(
        "--test",
        action="store_true",
        help="of a run: accuracy and AUROC on its test split must be the same in every runtime",
    )
    parser.add_argument("--data-dir", type=Path, help="where the data set of --test is")
    parser.add_argument(
        "--server-files",
        action="store_true",
        help="write models.config, batching.config and compose.yaml beside the nets",
    )
    json_flag(parser)


def run(arguments: argparse.Namespace) -> None:
    """Do what the words ask for."""
    model, name = load_model(arguments.model, {})
    test = None
    if arguments.test:
        if not isinstance(model, Run):
            raise ValueError(f"--test needs a run, whose data are known; got {arguments.model}.")
        test = load_run_data(model.folder, data_dir=arguments.data_dir).test
    if arguments.model in list_nets() and not isinstance(model, Run):
        print(f"{name} is exported untrained, with fresh weights", file=sys.stderr)
    folder = export(
        model,
        arguments.out or Path("exported") / name,
        formats=tuple(arguments.formats.split(",")),
        version=arguments.version,
        opset=arguments.opset,
        weights=tuple(filter(None, arguments.weights.split(","))),
        allow_loops=arguments.allow_loops,
        test=test,
    )
    if arguments.server_files:
        write_server_files(folder.parents[1])
    print_json({"folder": str(folder)}) if arguments.json else print(folder)
