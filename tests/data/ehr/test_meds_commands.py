"""The commands of docs/meds.md run: data, train, evaluate and export on a MEDS task."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from kerasnets.cli import main
from tests.data.ehr.meds_helpers import (
    PARENTS,
    by_subject,
    hours,
    random_events,
    table,
    write,
)

PAGE = Path(__file__).resolve().parents[3] / "docs" / "meds.md"


@pytest.mark.usefixtures("verify_in_this_process", "no_figures")
def test_the_commands_of_the_page_run_in_order(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    labels = [{"subject_id": n, "prediction_time": hours(48), "boolean_value": n % 3 == 0}
              for n in range(30)]  # fmt: skip
    write(tmp_path / "my-meds", by_subject(random_events(5), 2),
          {"labels/death": table(labels)}, PARENTS)  # fmt: skip
    (block, *_) = re.findall(r"```sh\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)
    commands = [shlex.split(line) for line in block.splitlines()]
    assert [command[:2] for command in commands] == [
        ["kerasnets", verb] for verb in ("data", "train", "evaluate", "export")
    ]
    for command in commands:
        assert main(command[1:]) == 0, capsys.readouterr().err
    out = capsys.readouterr().out
    assert "mortality-gru on meds, split by patient" in out
    assert "yes, share" in out
    assert list((tmp_path / "exported").rglob("model.onnx"))
