"""The pages in Chromium, opened from disk with the network switched off."""

from __future__ import annotations

import contextlib
import functools
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

import kerasnets as kn
from kerasnets.report.write import Report
from kerasnets.training.run import Run
from tests.report.helpers import OUTPUTS, Opened, dataset, opened

pytestmark = pytest.mark.usefixtures("verify_in_this_process")
EXPORTED = Path(__file__).resolve().parents[2] / "exported"
# In steps of the keyboard cursor, 28 along each side of the board.
SEVEN = [(7, 7), (20, 7), (13, 22)]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def reference(pages: Path, browser: Any) -> Iterator[Callable[[str], Opened]]:
    """Open the page of a reference net; it stays open for all tests of this module."""
    with contextlib.ExitStack() as stack:

        @functools.cache
        def open_page(net: str) -> Opened:
            page = kn.write_report(EXPORTED / net, pages / f"{net}.html").path
            here = stack.enter_context(opened(browser, page))
            here.self_check()
            return here

        yield open_page


@pytest.mark.parametrize("net", kn.list_reference_nets())
def test_a_reference_net_gives_the_outputs_of_keras(
    net: str, reference: Callable[[str], Opened]
) -> None:
    here = reference(net)
    result = here.self_check()
    card = json.loads((EXPORTED / net / "1" / "card.json").read_text("utf-8"))
    assert result["failures"] == []
    assert result["difference"] <= 1e-5
    assert result["cases"] == len(card["cases"])
    assert here.page.is_visible("text=Self-check passed")
    assert here.page.locator(".outputs li").count() == len(card["class_names"])
    assert here.requests == [here.address]
    assert here.errors == []


def test_a_drawn_7_is_read_as_7(reference: Callable[[str], Opened]) -> None:
    digit = reference("lenet5")
    digit.page.click("text=Clear")
    board = digit.page.locator(".board")
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    points = [
        (box["x"] + x / 28 * box["width"], box["y"] + y / 28 * box["height"]) for x, y in SEVEN
    ]
    mouse = digit.page.mouse
    mouse.move(*points[0])
    mouse.down()
    for point in points[1:]:
        mouse.move(*point, steps=12)
    mouse.up()
    expect(digit.page.locator(".answer")).to_have_text(re.compile("^7"))
    digit.page.click("text=Clear")
    expect(digit.page.locator(".answer")).to_have_text("Draw something.")


def test_a_7_drawn_with_the_keyboard_is_read_as_7(reference: Callable[[str], Opened]) -> None:
    digit = reference("digit-cnn-compact")
    digit.page.locator(".board").focus()
    press = digit.page.keyboard.press
    press("Delete")
    for key, times in (
        ("ArrowUp", 1), ("Space", 1), ("ArrowRight", 12), ("ArrowDown", 2), ("ArrowLeft", 2),
        ("ArrowDown", 3), ("ArrowLeft", 2), ("ArrowDown", 4), ("ArrowLeft", 1), ("ArrowDown", 6),
    ):  # fmt: skip
        for _ in range(times):
            press(key)
    expect(digit.page.locator(".answer")).to_have_text(re.compile("^7"))
    assert "pen down" in digit.page.text_content("text=/Column .* of 28/")
    press("Delete")
    expect(digit.page.locator(".answer")).to_have_text("Draw something.")


@pytest.mark.parametrize("task", OUTPUTS)
def test_a_run_of_each_task(
    task: str, runs: dict[str, Run], report_of: Callable[[str], Report], browser: Any
) -> None:
    data = dataset(task)
    with opened(browser, report_of(task).path) as here:
        assert here.self_check()["failures"] == []
        titles = here.page.locator("main h2").all_text_contents()
        wanted = {"Try the net", "Results", "Training", "Recipe", "Data", "Cost"}
        wanted |= {"Errors"} if task == "regression" else {"Ranking, calibration and threshold"}
        assert wanted <= set(titles)
        # The fields of the form hold the row that the answer is about.
        row = np.array([[61.0, 11.5, 130.0]], "float32")
        for name, value in zip(data.feature_names, row[0], strict=True):
            here.page.get_by_label(name, exact=True).fill(str(value))
        expected = runs[task].predict(row)[0]
        if task == "regression":
            wait_until(lambda: values(here) == pytest.approx(expected, rel=0.006))
        else:  # the bars of a binary task are those of both classes
            wait_until(lambda: shares(here)[-len(expected) :] == close_to(expected))
        assert here.errors == []
        if task in ("classification", "regression"):  # the others have no other elements
            assert accessibility_failures(here) == []


def values(here: Opened) -> list[float]:
    """The numbers next to the bars."""
    shown = here.page.locator(".outputs .number").all_text_contents()
    return [float(text.replace("−", "-").replace(",", "").split("\xa0")[0]) for text in shown]


def shares(here: Opened) -> list[float]:
    """The probabilities next to the bars."""
    return [value / 100 for value in values(here)]


def close_to(probabilities: np.ndarray) -> Any:
    """Equal to probabilities that are shown in per cent with one decimal."""
    return pytest.approx(probabilities, abs=0.0006)


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until a condition holds, because the net runs after an input has changed."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the page does not show the expected outputs"
        time.sleep(0.02)


def accessibility_failures(here: Opened) -> list[str]:
    """What axe-core finds, with all details open, in both colours."""
    from axe_playwright_python.sync_playwright import Axe

    here.page.evaluate(
        "document.querySelectorAll('details').forEach((one) => { one.open = true; })"
    )
    found = []
    for scheme in ("light", "dark"):
        here.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        results = Axe().run(here.page).response
        found += [
            f"{scheme}: {one['id']}: {one['nodes'][0]['html'][:200]}"
            for one in results["violations"]
        ]
    return found


def test_a_signal_is_pasted_changed_and_checked(reference: Callable[[str], Opened]) -> None:
    here = reference("seizure-gru")
    signal = np.random.default_rng(5).normal(0, 300, 178).round(1).astype("float32")
    expected = kn.load("seizure-gru").predict(signal[None])[0]
    here.page.click("text=Paste or open your own signal")
    area = here.page.get_by_label("Your signal")
    area.fill("1, 2, three")
    here.page.click("text=Use these numbers")
    assert here.page.is_visible("text=“three” is not a number.")
    area.fill("1 2 3")
    here.page.click("text=Use these numbers")
    assert here.page.is_visible("text=The net takes 178 numbers; these are 3.")
    area.fill(", ".join(map(str, signal)))
    here.page.click("text=Use these numbers")
    wait_until(lambda: shares(here) == close_to(expected))
    here.page.get_by_label("Amplitude").fill("0")
    expected = kn.load("seizure-gru").predict(np.zeros((1, 178), "float32"))[0]
    wait_until(lambda: shares(here) == close_to(expected))
    assert here.errors == []
    assert accessibility_failures(here) == []


# Gives every visible control a number. Of the radio buttons of a group, Tab reaches the chosen one.
NUMBER_CONTROLS = """() => {
  const all = document.querySelectorAll("a, button, input, select, textarea, summary, [tabindex]");
  return [...all].filter((one) => one.checkVisibility() && (one.type !== "radio" || one.checked))
    .map((one, number) => { one.dataset.number = number; return one.outerHTML.slice(0, 80); });
}"""


def test_tab_reaches_every_control_in_the_order_of_the_page(
    reference: Callable[[str], Opened],
) -> None:
    here = reference("seizure-cnn")  # in which no other test clicks
    controls = here.page.evaluate(NUMBER_CONTROLS)
    reached = []
    for _ in controls:
        here.page.keyboard.press("Tab")
        reached.append(here.page.evaluate("document.activeElement.dataset.number"))
    missed = [one for number, one in enumerate(controls) if str(number) not in reached]
    assert missed == []
    assert reached == [str(number) for number in range(len(controls))]
    assert len(controls) > 15


def test_visits_are_added_and_removed(reference: Callable[[str], Opened]) -> None:
    here = reference("mortality-gru")
    net = kn.load("mortality-gru")
    here.page.get_by_label("Start with").select_option(label="one empty visit")
    for visit, code in ((1, 7), (1, 12), (2, 7)):
        if visit > here.page.locator(".visits > li").count():
            here.page.click("text=Add a visit")
        here.page.get_by_label(f"Code to add to visit {visit}").fill(f"code {code + 1}")
        here.page.keyboard.press("Enter")
    visits = np.zeros((1, 2, 1000), "float32")
    visits[0, 0, [7, 12]] = visits[0, 1, 7] = 1
    expected = net.predict({"visits": visits, "length": np.array([2], "int32")})[0]
    wait_until(lambda: shares(here) == close_to(expected))
    here.page.get_by_label("Code to add to visit 1").fill("nonsense")
    here.page.keyboard.press("Enter")
    assert here.page.is_visible("text=The net has no code “nonsense”")
    here.page.get_by_label("Remove visit 2").click()
    first = net.predict({"visits": visits[:, :1], "length": np.array([1], "int32")})[0]
    wait_until(lambda: shares(here) == close_to(first))
    assert here.errors == []
    assert accessibility_failures(here) == []


def test_a_comparison(runs: dict[str, Run], pages: Path, browser: Any) -> None:
    page = kn.write_comparison(list(runs.values()), pages / "comparison.html").path
    with opened(browser, page, viewport={"width": 390, "height": 800}) as here:
        assert here.page.locator("main h2").all_text_contents() == [
            "Test metrics", "Training", "Settings that differ", "Costs"
        ]  # fmt: skip
        assert here.page.evaluate("document.documentElement.scrollWidth") <= 390
        assert here.errors == []
        assert accessibility_failures(here) == []


def test_a_damaged_net_fails_the_self_check(
    report_of: Callable[[str], Report], pages: Path, browser: Any
) -> None:
    path, other = (report_of(task).path for task in ("binary", "multilabel"))
    element = '<script type="application/octet-stream" id="{}">'
    texts = [page.read_text("utf-8") for page in (path, other)]
    starts = [text.index(element.format("model.onnx")) for text in texts]
    ends = [text.index("</script>", start) for text, start in zip(texts, starts, strict=True)]
    mixed = texts[0][: starts[0]] + texts[1][starts[1] : ends[1]] + texts[0][ends[0] :]
    (pages / "mixed.html").write_text(mixed, "utf-8")
    with opened(browser, pages / "mixed.html") as here:
        assert here.self_check()["failures"] != []
        assert here.page.is_visible("text=Self-check failed")
