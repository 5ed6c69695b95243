"""kerasnets.commands._completion: the scripts know all commands, options and names."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from kerasnets.cli import COMMANDS, main
from kerasnets.commands._completion import SHELLS
from kerasnets.nets import list_nets


@pytest.fixture(scope="module")
def bash_script(tmp_path_factory):
    path = tmp_path_factory.mktemp("completion") / "kerasnets.bash"
    command = [sys.executable, "-m", "kerasnets", "--print-completion", "bash"]
    path.write_text(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return path


def complete(script, line):
    """What bash offers after this line."""
    words = line.split(" ")
    program = f"""
        source {script}
        COMP_WORDS=({" ".join(map(repr, words))}) COMP_CWORD={len(words) - 1}
        COMP_LINE={line!r} COMP_POINT={len(line)}
        $(complete -p kerasnets | sed "s/.*-F \\([^ ]*\\) .*/\\1/")
        printf "%s\\n" "${{COMPREPLY[@]}}"
    """
    args = [shutil.which("bash"), "-c", program]
    return set(subprocess.run(args, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("kerasnets ", set(COMMANDS)),
        ("kerasnets tr", {"train", "trees"}),
        ("kerasnets train seizure-gru-", set(list_nets("seizure-gru-*"))),
        ("kerasnets train --sch", {"--schedule"}),
        ("kerasnets train --schedule ", {"constant", "cosine", "exponential"}),
        ("kerasnets train --data rain", {"rain", "rain-simulated"}),
        ("kerasnets predict runs --split t", {"train", "test"}),
    ],
)
def test_bash_completes(bash_script, line, expected):
    offered = complete(bash_script, line)
    assert expected <= offered
    assert all(word.startswith(line.split(" ")[-1]) for word in offered)


def test_every_shell_has_a_script(capsys):
    for shell in SHELLS:
        assert main(["--print-completion", shell]) == 0
        script = capsys.readouterr().out
        assert "seizure-spectral-small" in script
        assert "early-stopping" in script
