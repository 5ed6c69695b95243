import re
import sys
from pathlib import Path

import pytest

from kerasnets._tables import (
    markdown_table,
    percent,
    terminal_width,
    text_table,
    wrapped,
)


def test_text_table_with_box_lines():
    lines = text_table(("net", "flops"), [("mlp", 7), ("gru-2x32", 12345)], align="lr").split("\n")
    assert lines == [
        "┏━━━━━━━━━━┳━━━━━━━┓",
        "┃ net      ┃ flops ┃",
        "┡━━━━━━━━━━╇━━━━━━━┩",
        "│ mlp      │     7 │",
        "│ gru-2x32 │ 12345 │",
        "└──────────┴───────┘",
    ]


def test_text_table_without_box_lines_has_no_trailing_spaces():
    table = text_table(("net", "source"), [("gru", "S2"), ("lenet5", "paper")], box=False)
    assert table.split("\n") == ["net     source", "gru     S2", "lenet5  paper"]


def test_text_table_without_rows_has_only_headers():
    assert text_table(("a", "b"), [], box=False) == "a  b"
    assert len(text_table(("a", "b"), []).split("\n")) == 4


def test_markdown_table_aligns_columns():
    assert markdown_table(("net", "flops"), [("mlp", 7)], align="lr").split("\n") == [
        "| net | flops |",
        "|---|---:|",
        "| mlp | 7 |",
    ]


def test_markdown_table_escapes_pipes_and_newlines():
    row = markdown_table(("text",), [("a|b\nc",)]).split("\n")[-1]
    assert row == "| a\\|b c |"


@pytest.mark.parametrize("write", [text_table, markdown_table])
def test_rows_and_alignment_must_have_one_entry_per_column(write):
    with pytest.raises(ValueError, match=r"one cell per column, 2; got 1: \['x'\]"):
        write(("a", "b"), [("x",)])
    with pytest.raises(ValueError, match=r"one letter per column \(2\).*got 'lrr'"):
        write(("a", "b"), [], align="lrr")
    with pytest.raises(ValueError, match="'l' or 'r'; got 'lx'"):
        write(("a", "b"), [], align="lx")


ROWS = [("spectrum_64_conv_1_norm", "A sentence of many words.", 1_234_567)]


def test_a_table_has_box_lines_only_if_they_fit():
    headers = ("layer", "text", "flops")
    wide = text_table(headers, ROWS, "llr")
    width = max(map(len, wide.splitlines()))
    assert text_table(headers, ROWS, "llr", width=width) == wide
    narrower = text_table(headers, ROWS, "llr", width=width - 1)
    assert narrower == text_table(headers, ROWS, "llr", box=False)
    # Two spaces replace the three characters between columns, and the four around them.
    assert max(map(len, narrower.splitlines())) == width - 4 - 2


def test_names_are_shortened_in_the_middle_and_sentences_at_the_end():
    line = text_table(("layer", "text", "flops"), ROWS, "llr", width=40).splitlines()[1]
    assert line == "spectru…1_norm  A sentence of …  1234567"
    assert len(line) == 40


def test_numbers_are_never_shortened():
    line = text_table(("layer", "text", "flops"), ROWS, "llr", width=10).splitlines()[1]
    assert line.split()[-1] == "1234567"


@pytest.mark.parametrize(("columns", "width"), [("80", 80), ("132", 132), ("", None), ("x", None)])
def test_the_width_is_that_of_the_terminal(columns, width, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", columns)
    assert terminal_width() == width  # the standard output of a test is no terminal


def test_text_is_wrapped_only_on_a_terminal(monkeypatch):
    text = "one two-three " * 10
    monkeypatch.setenv("COLUMNS", "30")
    lines = wrapped(text, indent="  ").splitlines()
    assert lines[0] == "one two-three one two-three"
    assert all(line.startswith("  one two-three") for line in lines[1:])
    assert wrapped(f"short\n{text}", stream=sys.stderr).splitlines()[:2] == ["short", lines[0]]
    monkeypatch.delenv("COLUMNS")
    assert wrapped(text) == wrapped(text, stream=sys.stderr) == text


@pytest.mark.parametrize(
    ("share", "decimals", "text"), [(0.7561, 1, "75.6 %"), (1, 0, "100 %"), (0, 2, "0.00 %")]
)
def test_percentages_have_a_space(share, decimals, text):
    assert percent(share, decimals) == text


def test_no_percentage_is_written_in_another_way():
    root = Path(__file__).resolve().parents[1]
    sources = [*root.glob("kerasnets/**/*.py"), *root.glob("scripts/**/*.py")]
    assert len(sources) > 200
    # Formats such as {:.1%}, and numbers directly before a percent sign in a text.
    pattern = re.compile(r"\{[^{}]*:[^{}]*%\}|[\d}]%(?=[ .,;:)\"'])")
    found = [
        f"{path.relative_to(root)}: {line.strip()}"
        for path in sources
        for line in path.read_text(encoding="utf-8").splitlines()
        if pattern.search(line)
    ]
    assert found == []
