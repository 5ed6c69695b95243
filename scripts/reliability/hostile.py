"""Use hostile archives, models, exported folders and servers, and show what happens.

    python scripts/reliability/hostile.py
    python scripts/reliability/hostile.py --only 'REST*' 'SavedModel*'

Each case runs in its own process, which is stopped after three times the timeout. The tables have
what happened, the seconds and the largest memory of the process and those that it started. The exit
code is 1 if a hostile input is accepted, the error is not one clear message, the memory is not
limited, a file is written, or a case does not end.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts" / "reliability")]

from hostile_cases import Case, all_cases, outcome  # noqa: E402  # from the folders above

_EXCERPT = 110


@dataclass(frozen=True)
class Result:
    """What happened with a case.

    Attributes:
        kind: accepted, refused, obscure error, hang, crash or wrote a file.
        text: the error message.
        seconds: the time from the start of the process to its end.
        megabytes: the largest memory of the process, or of one that it started.
    """

    case: Case
    kind: str
    text: str
    seconds: float
    megabytes: float

    @property
    def ok(self) -> bool:
        """Whether the case ended as it must."""
        expected = "accepted" if self.case.accepted else "refused"
        as_expected = self.kind == expected and self.case.reason in self.text
        return as_expected and self.megabytes <= self.case.megabytes


def run(case: Case, number: int, folder: Path, timeout: float) -> Result:
    """Run a case in another process.

    Args:
        case: the case.
        number: its number in ``all_cases()``.
        folder: its folder.
        timeout: the time limit of a verification.
    """
    command = [sys.executable, __file__, "--attempt", str(number), str(folder)]
    command += ["--timeout", str(timeout)]
    start = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL)
        status, memory = None, 0
        while status is None:
            pid, ended, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                status, memory = ended, usage.ru_maxrss
            elif time.monotonic() - start > 3 * timeout:
                process.kill()
                _, _, usage = os.wait4(process.pid, 0)
                status, memory = -1, usage.ru_maxrss
            else:
                time.sleep(0.02)
        process.returncode = status  # so that Popen does not wait again
        seconds = time.monotonic() - start
        output.seek(0)
        lines = output.read().decode().splitlines()
    found = {"kind": "hang" if status == -1 else "crash", "text": f"status {status}"}
    if status == 0 and lines:
        found = json.loads(lines[-1])
    if (folder / "written.txt").exists():
        found = {"kind": "wrote a file", "text": found["text"]}
    return Result(case, found["kind"], found["text"], seconds, memory / 1000)


def table(results: list[Result]) -> str:
    """The results as Markdown tables, one per group."""
    lines = []
    for group in dict.fromkeys(result.case.group for result in results):
        lines += [f"**{group[0].upper()}{group[1:]}**", ""]
        lines += ["| case | what happened | seconds | memory, MB |", "|---|---|---:|---:|"]
        for result in results:
            if result.case.group == group:
                text = result.text.replace("|", "\\|")
                text = f"…{text[-_EXCERPT:]}" if len(text) > _EXCERPT else text
                happened = f"{result.kind}: {text}" if text else result.kind
                happened = happened if result.ok else f"**{happened}**"
                numbers = f"{result.seconds:.1f} | {result.megabytes:,.0f}"
                lines.append(f"| {result.case.name} | {happened} | {numbers} |")
        lines.append("")
    return "\n".join(lines)


def main() -> int:
    """Run the cases and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", default=["*"], help="shell patterns of case names")
    parser.add_argument(
        "--timeout", type=float, default=60.0, help="seconds for a verification; more if busy"
    )
    parser.add_argument("--prepare", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--attempt", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    cases = all_cases(arguments.timeout)
    if arguments.prepare:
        number, folder = arguments.prepare
        cases[int(number)].prepare(Path(folder))
        return 0
    if arguments.attempt:
        number, folder = arguments.attempt
        print(json.dumps(outcome(cases[int(number)], Path(folder))), flush=True)
        os._exit(0)  # do not wait for threads that the case left; they are part of the servers
    results = []
    for number, case in enumerate(cases):
        if any(fnmatch.fnmatch(case.name, pattern) for pattern in arguments.only):
            with tempfile.TemporaryDirectory() as work:
                folder = Path(work) / "a" / "b"
                folder.parent.mkdir()
                # In another process: the memory of a new process starts at that of its parent.
                command = [sys.executable, __file__, "--prepare", str(number), str(folder)]
                subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
                results.append(run(case, number, folder, arguments.timeout))
            print(case.name, results[-1].kind, file=sys.stderr, flush=True)
    print(table(results))
    failed = [result.case.name for result in results if not result.ok]
    print(f"{len(results)} cases, {len(failed)} not as they must be. {', '.join(failed)}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
