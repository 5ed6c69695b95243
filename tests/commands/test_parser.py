"""kerasnets.commands._parser: near misses, one-line errors, defaults in the help."""

from __future__ import annotations

import argparse
import subprocess
import sys

import pytest

from kerasnets.cli import COMMANDS, main
from kerasnets.commands._parser import Parser, one_of
from kerasnets.training import Recipe


@pytest.fixture
def parser():
    parser = Parser(prog="tool")
    parser.add_argument("input")
    parser.add_argument("more", nargs="*", metavar="MORE")
    parser.add_argument("--level", type=int, default=7, help="how much")
    parser.add_argument("--plain", action="store_true", help="no colours")
    parser.add_argument("--levels", type=int, default=7, help=argparse.SUPPRESS)  # an old name
    return parser


def test_the_usage_is_short_and_the_help_has_defaults(parser):
    text = parser.format_help()
    assert text.startswith("usage: tool [options] INPUT [MORE …]\n")
    assert "how much; default: 7" in text
    assert "no colours\n" in text
    assert "--levels" not in text


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["a", "--lvel", "3"], "Unknown option --lvel. Did you mean --level? See tool --help."),
        (["a", "--lev", "3"], "Unknown option --lev. Did you mean --level? See tool --help."),
        (["a", "--zzz"], "Unknown option --zzz. See tool --help."),
        (["a", "--level", "x"], "Argument --level: invalid int value: 'x'. See tool --help."),
        (["a", "--level"], "Argument --level: expected one argument. See tool --help."),
        ([], "The following arguments are required: INPUT, MORE. See tool --help."),
    ],
)
def test_wrong_arguments_are_one_line(parser, args, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011  the message is compared as a whole
        parser.parse_args(args)
    assert str(error.value) == message


def test_names_suggest_similar_names():
    parser = Parser(prog="tool")
    parser.add_argument("--shape", choices=("round", "square"), type=one_of("shape", ["round"]))
    assert parser.parse_args(["--shape", "round"]).shape == "round"
    with pytest.raises(ValueError, match=r"^Argument --shape: Unknown shape 'rond'. Did you mean"):
        parser.parse_args(["--shape", "rond"])


@pytest.fixture(scope="module")
def helps():
    """The help of each command, printed at 80 columns without a terminal."""
    code = (
        "import sys\nfrom kerasnets.cli import COMMANDS, main\n"
        "for command in COMMANDS:\n"
        "    print('=' * 10, command)\n"
        "    try: main([command, '--help'])\n"
        "    except SystemExit: pass\n"
        "print('=' * 10, 'modules')\n"
        "print(*(name for name in ('tensorflow', 'keras', 'sklearn', 'matplotlib') "
        "if name in sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"COLUMNS": "80", "NO_COLOR": "1", "PYTHONPATH": ":".join(sys.path)},
    )
    return dict(part.split("\n", 1) for part in run.stdout.split("=" * 10 + " ")[1:])


def test_every_help_fits_80_columns_and_imports_nothing_heavy(helps):
    assert list(helps) == [*COMMANDS, "modules"]
    assert [line for text in helps.values() for line in text.splitlines() if len(line) > 80] == []
    assert helps["modules"] == "\n"
    assert not any("\x1b" in text for text in helps.values())


def test_settings_show_their_choices_and_defaults(helps):
    text = " ".join(helps["train"].split())
    assert "--schedule {constant,cosine,exponential}" in text
    assert "passes over the training split. Default: 20." in text
    for name, choices in Recipe.choices().items():
        assert f"--{name.replace('_', '-')} {{{','.join(choices)}}}" in text
    for command in ("train", "predict", "search", "trees", "data"):
        assert "mortality-simulated, rain, rain-simulated" in " ".join(helps[command].split())
    assert "recording, row." in text
    assert "--split {train,validation,test}" in helps["predict"]


def test_errors_and_the_help_fit_the_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["train", "seizure-mpl"]) == 2
    assert main([]) == 2
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    lines = "".join(capsys.readouterr()).splitlines()
    assert len(lines) > 40
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("kerasnets: Unknown net 'seizure-mpl'.") for line in lines)
