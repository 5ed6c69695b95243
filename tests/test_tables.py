import pytest

from kerasnets._tables import markdown_table, text_table


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
