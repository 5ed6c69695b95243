"""``write_report`` and ``write_comparison``: pages about runs, as single HTML files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import kerasnets
from kerasnets._errors import WorkFailedError
from kerasnets._files import atomic_write
from kerasnets._modes import owner_only
from kerasnets.data import Dataset
from kerasnets.evaluation.metrics import METRIC_TITLES
from kerasnets.report.bundle import page_html
from kerasnets.report.compare import comparison_content
from kerasnets.report.content import (
    card_content,
    cost_content,
    curves_content,
    net_content,
    run_content,
)
from kerasnets.report.subject import Subject, exported_files, find_subject
from kerasnets.report.vendor import RUNTIME, licences, vendor_bytes, versions
from kerasnets.training.run import Run, load_run
from kerasnets.training.run_data import load_run_data

FILE = "report.html"
COMPARISON = "comparison.html"


@dataclass(frozen=True)
class Report:
    """A page that was written.

    Attributes:
        path: the page.
        copies: further files with the same content.
        left_out: why sections are missing, by their name: ``"curves"``, ``"cost"``, ``"net"``.
    """

    path: Path
    copies: tuple[Path, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)


def write_report(
    source: Any,
    out: str | os.PathLike[str] | None = None,
    *,
    data: Dataset | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    exported: str | os.PathLike[str] | None = None,
    with_net: bool = True,
) -> Report:
    """Write a page that shows everything about a run and runs its net.

    The page is one file of about 6 MB. It opens from disk, and makes no requests. It runs the
    exported ``model.onnx`` with onnxruntime-web, and compares its outputs with ``reference.npz``
    when it opens. It has no row of the data: its curves are counts in bins, and its samples are
    simulated or random.

    Args:
        source: a run or its folder; an exported folder or one of its versions; or a Keras model,
            or anything else that :func:`kerasnets.export` takes.
        out: the HTML file to write, or a folder for ``report.html``. Default: in the run folder;
            for an exported version, ``report-VERSION.html`` next to the version folder, because a
            version never changes.
        data: the data set of a run, if ``load_data`` cannot load it. Curves are computed from its
            test split.
        data_dir: where to look for the files of the data set.
        exported: for a run, a folder to which it was exported: the page shows this version, and is
            also written next to it. Without it, the net is exported to a temporary folder.
        with_net: whether the page runs the net. Without it, the page has 0.6 MB.

    Returns:
        The page, and what was left out because the data or the net cannot be used.

    Raises:
        FileNotFoundError: there is no run or export in the folder, or the JavaScript packages are
            missing from a checkout (``make page`` fetches them).
        ValueError: files are damaged, the run is not finished, ``exported`` belongs to another run,
            ``out`` is missing for a model, or ``data`` is not the data set of the run.
    """
    vendor_bytes(RUNTIME)  # before any work
    subject = find_subject(source, exported)
    paths = _paths(subject, out)
    left_out: dict[str, str] = {}
    content: dict[str, Any] = {"kind": "report", "name": subject.name, "titles": METRIC_TITLES}
    if subject.run is not None:
        content |= run_content(subject.run)
        content["curves"] = _curves(subject.run, data, data_dir, left_out)
    elif data is not None or data_dir is not None:
        raise ValueError("data and data_dir (--data-dir) are for a run.")
    blobs = _add_net(subject, content, left_out) if with_net else {}
    content["cost"] = _cost(subject, left_out)
    if subject.version is not None:
        content["card"] = card_content(subject.version)
    content |= {"title": content["name"], "left_out": left_out, **_about_page()}
    _write(page_html(content, blobs), paths, private=subject.run is not None)
    return Report(paths[0], tuple(paths[1:]), left_out)


def write_comparison(
    runs: Sequence[Run | str | Path],
    out: str | os.PathLike[str] | None = None,
    *,
    data_dir: str | os.PathLike[str] | None = None,
) -> Report:
    """Write a page that shows runs side by side: settings, metrics, curves and costs.

    Args:
        runs: two or more runs or their folders.
        out: the HTML file to write, or a folder for ``comparison.html``. Default:
            ``comparison.html`` in the current folder.
        data_dir: where to look for the files of the data sets.

    Raises:
        FileNotFoundError: there is no run in a folder, or the JavaScript packages are missing.
        ValueError: there are fewer than two runs, or one twice.
    """
    vendor_bytes(RUNTIME)
    loaded = [run if isinstance(run, Run) else load_run(run) for run in runs]
    folders = {run.folder.resolve() for run in loaded}
    if len(loaded) < 2 or len(folders) < len(loaded):
        raise ValueError(
            f"A comparison needs two or more different runs; got {len(folders)}: "
            f"{', '.join(str(run.folder) for run in loaded) or 'none'}."
        )
    left_out: dict[str, str] = {}
    parts = []
    for run in loaded:
        reasons: dict[str, str] = {}
        part = run_content(run) | {"curves": _curves(run, None, data_dir, reasons)}
        part["cost"] = cost_content(run.model)
        left_out |= {f"{what} of {run.folder.name}": why for what, why in reasons.items()}
        parts.append(part)
    content = comparison_content(parts) | {"left_out": left_out, **_about_page()}
    path = _file(out, COMPARISON) if out is not None else Path(COMPARISON)
    _write(page_html(content, {}), [path], private=True)
    return Report(path, left_out=left_out)


def _paths(subject: Subject, out: str | os.PathLike[str] | None) -> list[Path]:
    beside = []
    if subject.version is not None:
        beside = [subject.version.parent / f"report-{subject.version.name}.html"]
    if out is not None:
        return [_file(out, FILE), *(beside if subject.run is not None else [])]
    if subject.run is not None:
        return [subject.run.folder / FILE, *beside]
    if beside:
        return beside
    raise ValueError("Pass out=, the HTML file to write: a model has no folder.")


def _file(out: str | os.PathLike[str], name: str) -> Path:
    path = Path(out)
    if path.is_dir():
        return path / name
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"{path} is neither an existing folder nor a file that ends in .html.")
    return path


def _write(page: str, paths: Sequence[Path], *, private: bool) -> None:
    for path in paths:
        with atomic_write(path) as new:
            if private:
                owner_only(new)  # like the run folder; whoever publishes the page decides it
            new.write_text(page, encoding="utf-8")


def _curves(
    run: Run,
    data: Dataset | None,
    data_dir: str | os.PathLike[str] | None,
    left_out: dict[str, str],
) -> dict[str, Any] | None:
    folder = None if data_dir is None else Path(data_dir)
    if data is not None:
        return curves_content(run, load_run_data(run.folder, data))
    try:
        data = load_run_data(run.folder, data_dir=folder)
    except (OSError, ValueError) as error:  # the rest of the page does not need the data
        left_out["curves"] = str(error)
        return None
    return curves_content(run, data)


def _add_net(
    subject: Subject, content: dict[str, Any], left_out: dict[str, str]
) -> dict[str, bytes]:
    """Add the net to the content; return the files that the page contains."""
    try:
        with exported_files(subject) as version:
            content["net"], blobs = net_content(subject, version)
            return blobs
    except (ValueError, WorkFailedError) as error:
        left_out["net"] = str(error)
        return {}


def _cost(subject: Subject, left_out: dict[str, str]) -> dict[str, Any] | None:
    if subject.model is None:
        left_out["cost"] = "the export has no Keras model that can be loaded without your classes"
        return None
    return cost_content(subject.model)


def _about_page() -> dict[str, Any]:
    return {
        "made_with": {"kerasnets": kerasnets.__version__, "packages": versions()},
        "licences": licences(),
    }
