"""Export and verify large nets of keras.applications at their usual size: CPU time and memory.

::

    python scripts/benchmarks/large_exports.py [NET …] [--size 224] [--formats saved_model onnx]

Each net has random weights and a process of its own. Prints a table.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import kerasnets as kn
from kerasnets._tables import markdown_table

HEADERS = (
    "net",
    "parameters",
    "largest batch",
    "export, CPU s",
    "verification, CPU s",
    "export, GiB",
    "verification, GiB",
    "largest difference",
)
NETS = ("MobileNetV3Small", "EfficientNetB0", "ResNet50", "ConvNeXtTiny")
_SECONDS_BETWEEN_SAMPLES = 0.05


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("nets", nargs="*", default=NETS)
    parser.add_argument("--size", type=int, default=224, help="height and width of the images")
    parser.add_argument("--formats", nargs="+", default=["saved_model", "onnx"])
    parser.add_argument("--one", action="store_true", help="export one net, and print JSON")
    args = parser.parse_args()
    if args.one:
        print(json.dumps(export_one(args.nets[0], args.size, args.formats)))
        return
    rows = []
    for net in args.nets:
        command = [sys.executable, __file__, "--one", net, "--size", str(args.size)]
        command += ["--formats", *args.formats]
        answer = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
        rows.append(as_row(net, json.loads(answer.stdout.splitlines()[-1])))
        print(rows[-1], file=sys.stderr, flush=True)
    print(markdown_table(HEADERS, rows, "lrrrrrrl"))


def as_row(net: str, found: dict[str, Any]) -> tuple[str, ...]:
    """One line of the table."""
    differences = ", ".join(f"{name} {value:.0e}" for name, value in found["differences"].items())
    return (
        net,
        f"{found['parameters'] / 1e6:.1f} M",
        str(found["rows"]),
        *(f"{seconds:.0f}" for seconds in found["cpu_seconds"]),
        *(f"{size / 2**30:.1f}" for size in found["peak_bytes"]),
        differences,
    )


def export_one(net: str, size: int, formats: list[str]) -> dict[str, Any]:
    """Export a net, and return what it took."""
    import keras

    model = getattr(keras.applications, net)(weights=None, input_shape=(size, size, 3))
    used = Used()
    with tempfile.TemporaryDirectory() as folder, used:
        version = kn.export(model, Path(folder) / "net", formats=formats)
        card = json.loads((version / "card.json").read_text(encoding="utf-8"))
    return {
        "parameters": model.count_params(),
        "rows": card.get("largest_batch", {"rows": 64})["rows"],
        "cpu_seconds": used.cpu_seconds,
        "peak_bytes": (used.own, used.children),
        "differences": card["verification"]["max_abs_diff"],
    }


class Used:
    """What this process and its child processes use while a block runs.

    Attributes:
        own: the largest memory of this process, in bytes.
        children: the same for its child processes together.
        cpu_seconds: the seconds of all cores, of this process and of its child processes.
    """

    def __init__(self) -> None:
        self.own = self.children = 0
        self.cpu_seconds = (0.0, 0.0)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Used:
        self._start = _cpu_seconds()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._end.set()
        self._thread.join()
        own, children = _cpu_seconds()
        self.cpu_seconds = own - self._start[0], children - self._start[1]

    def _watch(self) -> None:
        while not self._end.wait(_SECONDS_BETWEEN_SAMPLES):
            self.own = max(self.own, resident_bytes("self"))
            self.children = max(self.children, sum(map(resident_bytes, child_processes())))


def _cpu_seconds() -> tuple[float, float]:
    times = os.times()
    return times.user + times.system, times.children_user + times.children_system


def resident_bytes(process: str) -> int:
    """The memory of a process; 0 if it has ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    size = status.partition("VmRSS:")[2].split()
    return int(size[0]) * 1024 if size else 0


def child_processes() -> list[str]:
    """The numbers of the child processes."""
    tasks = Path("/proc/self/task").glob("*/children")
    return [number for task in tasks for number in task.read_text(encoding="utf-8").split()]


if __name__ == "__main__":
    main()
