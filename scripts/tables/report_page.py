"""The reference nets in a page of their own, in headless Chromium without a network.

    python scripts/tables/report_page.py [--screenshots FOLDER]

For each net: the size of the page, the time until the net has answered for the first time, the time
for one row (of 15 blocks of 10 runs, the fastest), and the largest difference from Keras over all
cases of reference.npz.
Needs Chromium, and playwright from the extra dev.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

import kerasnets as kn
from kerasnets._tables import markdown_table

EXPORTED = Path(__file__).resolve().parents[2] / "exported"
FLAGS = ("--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync")
SIZES = {"wide": (1280, 900), "narrow": (390, 844)}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--screenshots", type=Path, help="folder for images of every page")
    screenshots = parser.parse_args().screenshots
    program = shutil.which("chromium")
    if program is None:
        parser.error("chromium is not installed")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        rows = [row(browser, name, Path(folder), screenshots) for name in kn.list_reference_nets()]
        browser.close()
    titles = ["net", "page, MB", "ready, s", "ms per row", "cases", "largest difference"]
    print(markdown_table(titles, rows, "l" + "r" * 5))


def row(browser: Any, name: str, folder: Path, screenshots: Path | None) -> list[str]:
    """Write and open the page of a net."""
    path = kn.write_report(EXPORTED / name, folder / f"{name}.html").path
    result: dict[str, Any] = {}
    for page, size, scheme in contexts(browser, screenshots):
        page.goto(path.resolve().as_uri())
        page.wait_for_selector("#self-check[data-result]", timeout=120_000)
        result = result or json.loads(page.get_attribute("#self-check", "data-result"))
        if screenshots is not None:
            page.screenshot(path=screenshots / f"{name}-{size}-{scheme}.png", full_page=True)
    if result["failures"]:
        raise SystemExit(f"{name}: {result['failures'][0]}")
    return [
        f"`{name}`",
        f"{path.stat().st_size / 1e6:.1f}",
        f"{result['ready'] / 1000:.1f}",
        f"{result['milliseconds']:.2f}",
        str(result["cases"]),
        f"{result['difference']:.1e}",
    ]


def contexts(browser: Any, screenshots: Path | None) -> Iterator[tuple[Any, str, str]]:
    """A new page of each size in light and dark colours; only one without screenshots."""
    for size, (width, height) in SIZES.items():
        for scheme in ("light", "dark"):
            context = browser.new_context(
                offline=True, color_scheme=scheme, viewport={"width": width, "height": height}
            )
            yield context.new_page(), size, scheme
            context.close()
            if screenshots is None:
                return


if __name__ == "__main__":
    main()
