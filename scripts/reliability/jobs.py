"""The commands that kill.py and disk.py disturb, and what must be equal afterwards."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import importlib
import json
import re
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from children import Ended, run

_LEFTOVER = re.compile(r"\.[0-9a-f]{8}-.+")
_SETTINGS = ["--data", "digits", "--quiet"]


def _draw_one_figure() -> None:
    """Draw only the learning curves: all figures would take 40 % of such a short training."""
    from kerasnets.training import report

    def draw_nothing(*arguments: Any) -> None:
        """Replace the function that draws the others."""

    report.draw_figures = draw_nothing


@dataclasses.dataclass(frozen=True)
class Job:
    """A command of kerasnets.

    Attributes:
        name: its name in the table.
        command: the arguments after ``kerasnets``.
        again: function from the working directory to the command that repeats or resumes it.
        results: patterns of the files, below the working directory, that must not depend on an
            interruption.
        prepare: called in the child before the command.
    """

    name: str
    command: list[str]
    again: Callable[[Path], list[str]]
    results: tuple[str, ...]
    prepare: Callable[[], None] = _draw_one_figure

    def read(self, folder: Path) -> dict[str, str]:
        """Return the hash of each result by its path."""
        paths = sorted(path for pattern in self.results for path in folder.glob(pattern))
        return {str(path.relative_to(folder)): _hash(path) for path in paths if path.is_file()}

    def run_again(self, folder: Path) -> Ended:
        """Repeat or resume the command without a disturbance."""
        return run(self.again(folder), folder, prepare=self.prepare)


def leftovers(folder: Path) -> list[str]:
    """Return the temporary files below a folder."""
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if _LEFTOVER.fullmatch(path.name) or re.fullmatch(r"tmp\w{8}", path.name)
    ]


def half_written(folder: Path) -> list[str]:
    """Return the files below a folder, outside of temporary ones, that cannot be read."""
    broken = []
    for path in folder.rglob("*"):
        if not path.is_file() or any(_LEFTOVER.fullmatch(part) for part in path.parts):
            continue
        try:
            if path.suffix == ".json":
                json.loads(path.read_text(encoding="utf-8"))
            elif path.suffix in (".csv", ".toml", ".md", ".svg"):
                if not path.read_bytes().endswith(b"\n"):
                    broken.append(str(path.relative_to(folder)))
            elif path.stat().st_size == 0 and path.suffix != ".db":  # SQLite undoes what it began
                broken.append(str(path.relative_to(folder)))
        except ValueError:
            broken.append(str(path.relative_to(folder)))
    return broken


def train_job() -> Job:
    """A training of four epochs with early checkpoints."""
    command = ["train", "digit-mlp-1", *_SETTINGS, "--epochs", "4", "--out", "run"]

    def again(folder: Path) -> list[str]:
        resumable = (folder / "run" / "recipe.toml").is_file()
        return ["train", "--resume", "run", "--quiet"] if resumable else command

    files = ("model.keras", "history.csv", "metrics.json", "recipe.toml", "examples.npz")
    return Job("train", command, again, (*(f"run/{name}" for name in files), "run/figures/*"))


def export_job(shared: Path) -> Job:
    """An export of a finished run to ONNX, with its verification."""
    path = shared / "finished"
    if not path.exists():
        ended = run(
            ["train", "digit-mlp-1", *_SETTINGS, "--epochs", "1", "--out", str(path)], shared
        )
        if ended.code:
            raise RuntimeError(ended.errors)
    command = ["export", str(path), "--formats", "onnx", "--out", "exported"]
    # Each version folder: a complete one may exist before the command is repeated.
    results = ("exported/1/model.onnx", "exported/1/reference.npz", "exported/1/model.keras")
    return Job("export", command, lambda folder: command, results)


def search_job() -> Job:
    """A search of three trainings of one epoch."""
    command = ["search", "digit-mlp-1", *_SETTINGS, "--trials", "3", "--set", "epochs=1"]
    command += ["--over", "learning_rate=1e-4:1e-1:log", "--out", "search"]
    results = ("search/trials.csv", "search/best.toml", "search/runs/*/model.keras")
    results += ("search/runs/*/metrics.json", "search/search.svg")
    return Job("search", command, lambda folder: command, results)


def reproduce_job() -> Job:
    """A quick reproduction with two trainings."""
    command = ["reproduce", "covid", "--quick", "--quiet", "--out", "reproduce"]
    results = ("reproduce/results.csv", "reproduce/runs/*/*/model.keras")
    results += ("reproduce/runs/*/*/metrics.json",)
    return Job("reproduce", command, lambda folder: command, results)


@contextlib.contextmanager
def fetch_job(shared: Path) -> Iterator[Job]:
    """A download of four files from a server on this machine."""
    files = shared / "server"
    files.mkdir(exist_ok=True)
    contents = {f"file-{n}.gz": bytes([n]) * 300_000 for n in range(4)}
    for name, content in contents.items():
        (files / name).write_bytes(content)
    server = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"],
        cwd=files,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        found = re.search(r"port (\d+)", server.stdout.readline())
        url = f"http://127.0.0.1:{found[1]}"
        _wait_for(f"{url}/file-0.gz")

        def prepare() -> None:
            fetch = importlib.import_module("kerasnets.data.fetch")
            files = fetch.FILES["mnist"]
            hashes = {
                name: hashlib.sha256(content).hexdigest() for name, content in contents.items()
            }
            sizes = {name: len(content) for name, content in contents.items()}
            fetch.FILES["mnist"] = dataclasses.replace(
                files, mirrors=(), sha256=hashes, sizes=sizes
            )

        command = ["data", "fetch", "mnist", "--data-dir", "data", "--url", url]
        yield Job("fetch", command, lambda folder: command, ("data/mnist/*",), prepare)
    finally:
        server.terminate()
        server.wait()


def _wait_for(url: str) -> None:
    for _ in range(200):
        try:
            with urllib.request.urlopen(url):  # noqa: S310  # a server of ours
                return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"{url} does not answer")


def _hash(path: Path) -> str:
    content = path.read_bytes()
    if "exported" in path.parts:
        content = _without_times(path)
    return hashlib.sha256(content).hexdigest()


def _without_times(path: Path) -> bytes:
    """Return the content of an exported file without the time at which it was made."""
    if path.suffix == ".onnx":
        import onnx

        model = onnx.load(path)
        del model.metadata_props[:]
        return bytes(model.SerializeToString(deterministic=True))
    with zipfile.ZipFile(path) as file:
        names = sorted(set(file.namelist()) - {"metadata.json"})
        return b"".join(name.encode() + file.read(name) for name in names)


@contextlib.contextmanager
def make_jobs(names: list[str], shared: Path) -> Iterator[list[Job]]:
    """Prepare the jobs with these names in a shared folder."""
    simple = {"train": train_job, "search": search_job, "reproduce": reproduce_job}
    with contextlib.ExitStack() as stack:
        jobs = []
        for name in names:
            if name == "fetch":
                jobs.append(stack.enter_context(fetch_job(shared)))
            else:
                jobs.append(export_job(shared) if name == "export" else simple[name]())
        yield jobs
