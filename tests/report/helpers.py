"""Small runs of every task, and pages in a real browser without a network."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import kerasnets as kn
from kerasnets.training.run import Run

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
# Nothing but the pages may be loaded: Chromium itself asks for updates and lists otherwise.
_FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
FEATURES = ("age", "dose", "pressure")


def dataset(task: str, rows: int = 150) -> kn.Dataset:
    """Random rows of three columns, with labels that the columns determine."""
    rng = np.random.default_rng(0)
    x = rng.normal((50, 2, 120), (10, 1, 15), (rows, 3)).astype("float32")
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    labels: dict[str, tuple[np.ndarray, dict[str, Any]]] = {
        "classification": (
            (z[:, 0] > 0).astype(int) + (z[:, 1] > 0.5),
            {"class_names": ["low", "middle", "high <b>&"]},
        ),
        "binary": ((z[:, 0] + z[:, 1] > 0).astype(int), {"class_names": ["no", "yes"]}),
        "multilabel": ((z > 0).astype(int), {"class_names": ["a", "b", "c"]}),
        "regression": (
            np.stack([3 * z[:, 0] + z[:, 2], z[:, 1]], axis=1),
            {"target_names": ["first", "second"], "target_units": "mg"},
        ),
    }
    y, options = labels[task]
    task_option = {} if task == "binary" else {"task": task}
    return kn.Dataset.from_arrays(
        x, y, groups=np.arange(rows) // 2, feature_names=FEATURES, name="small", **task_option,
        **options,
    )  # fmt: skip


OUTPUTS = {"classification": 3, "binary": 1, "multilabel": 3, "regression": 2}


def train(task: str, folder: Path, **settings: Any) -> Run:
    """Train a small net on :func:`dataset`."""
    from kerasnets._lazy import keras

    keras.utils.set_random_seed(0)
    inputs = keras.Input((3,), name="case")
    hidden = keras.layers.Dense(8, "tanh")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(OUTPUTS[task], name="logits")(hidden), name=task)
    settings = {"epochs": 3, "learning_rate": 0.02, **settings}
    return kn.train(model, data=dataset(task), out=folder, progress=False, **settings)


@dataclass
class Opened:
    """A page in the browser, and what it did.

    Attributes:
        page: the page of Playwright.
        address: where it was loaded from.
        errors: errors in the console, and uncaught ones.
        requests: all addresses that were requested.
    """

    page: Any
    address: str
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def self_check(self, timeout: float = 60.0) -> dict[str, Any]:
        """Wait until the page has compared the net with Keras, and return the result."""
        self.page.wait_for_selector("#self-check[data-result]", timeout=1000 * timeout)
        return json.loads(self.page.get_attribute("#self-check", "data-result"))

    def answer(self) -> str:
        """The first words of the prediction."""
        return str(self.page.text_content(".answer"))


@contextmanager
def launched() -> Iterator[Any]:
    """Chromium without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=_FLAGS, chromium_sandbox=False
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Any, path: Path, **options: Any) -> Iterator[Opened]:
    """Open a page from disk with the network switched off.

    Args:
        browser: from :func:`launched`.
        path: the page.
        options: of a context of Playwright, such as ``viewport`` and ``color_scheme``.
    """
    context = browser.new_context(offline=True, **options)
    try:
        result = Opened(context.new_page(), path.resolve().as_uri())
        page = result.page
        page.on(
            "console", lambda m: m.type in ("error", "warning") and result.errors.append(m.text)
        )
        page.on("pageerror", lambda error: result.errors.append(str(error)))
        page.on("request", lambda request: result.requests.append(request.url))
        page.goto(result.address)
        page.wait_for_selector("html[data-ready]", timeout=30_000)
        yield result
    finally:
        context.close()


def content_of(path: Path) -> dict[str, Any]:
    """The content that a page shows."""
    text = path.read_text("utf-8")
    match = re.search(
        r'<script type="application/json" id="content">(.*?)</script>', text, re.DOTALL
    )
    assert match is not None
    content: dict[str, Any] = json.loads(match[1])
    return content
