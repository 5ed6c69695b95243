"""Reproduction: every claim belongs to a part, and the command writes the tables."""

from __future__ import annotations

import dataclasses
import json

import pytest

from kerasnets.cli import main
from kerasnets.data import load_data
from kerasnets.nets import list_nets
from kerasnets.studies.claims import claim_arguments, read_claims
from kerasnets.studies.digits import DigitNetResult, digit_figure, digit_page
from kerasnets.studies.principles import PRINCIPLES
from kerasnets.studies.reproduce import PARTS, reproduce
from kerasnets.studies.seizure import reproduce_seizure
from kerasnets.studies.workspace import Workspace

pytestmark = pytest.mark.usefixtures("no_figures")


@pytest.fixture
def clean_environment(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KERASNETS_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def few_rows(monkeypatch):
    """Simulate fewer rows, so that trees and nets take less time."""
    monkeypatch.setattr(
        Workspace, "load_first", lambda work, *names: load_data(names[-1], rows=12_000)
    )


def test_every_claim_belongs_to_a_part_and_every_part_has_claims():
    assert {row["part"] for row in read_claims()} == set(PARTS)
    for row in read_claims():
        assert row["stated"]
        if row["reproduced_by"] == "train" and row["net"]:
            assert row["net"] in list_nets()
            claim_arguments(row["arguments"])


def test_counts_pooling_and_trees_need_no_files(clean_environment, few_rows, capsys):
    assert main(["reproduce", "counts", "by-hand", "rain"]) == 0
    text = capsys.readouterr().out
    assert "rain-simulated, by row" in text
    written = json.loads((clean_environment / "runs/reproduce/results.json").read_text())
    answers = {(row["system"], row["quantity"]): row for row in written["results"]}
    assert answers["pooling", "largest value of each max pooling"]["ours"] == "1"
    depth_5 = answers["decision tree depth 5", "nodes"]
    assert depth_5["answer"] == "other data"
    assert depth_5["ours"] == "63"  # a full tree of depth 5, as in S3
    assert int(answers["decision tree heat maps", "different values in a map"]["ours"]) > 1
    expected = sum(row["part"] in ("counts", "by-hand", "rain") for row in read_claims())
    assert len(written["results"]) == expected
    assert set(written["seconds"]) == {"counts", "by-hand", "rain"}
    assert (clean_environment / "runs/reproduce/trees_heat_maps.png").is_file()


def test_a_quick_part_trains_one_epoch_on_simulated_data_and_says_so(clean_environment, few_rows):
    results, _ = reproduce(["covid"], quick=True, out=clean_environment / "out")
    assert {row.answer for row in results} == {"quick"}
    assert {row.data for row in results} == {"covid-simulated, by row"}
    assert {row.seeds for row in results} == {"0"}
    assert "QUICK" in (clean_environment / "out" / "results.md").read_text()
    assert len(list((clean_environment / "out/runs/covid-simulated-row").iterdir())) == 2


def test_parts_in_another_process_give_the_same_table(clean_environment):
    here, _ = reproduce(["by-hand"], out=clean_environment / "here")
    apart, seconds = reproduce(["by-hand"], out=clean_environment / "apart", jobs=1)
    assert apart == here
    assert list(seconds) == ["by-hand"]
    files = [clean_environment / name / "results.csv" for name in ("here", "apart")]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_an_unknown_part_or_principle_is_refused_before_any_work(tmp_path, capsys):
    assert main(["reproduce", "seizures", "--out", str(tmp_path / "out")]) == 2
    assert "Did you mean 'seizure'" in capsys.readouterr().err
    assert main(["principles", "xor", "activation", "--out", str(tmp_path / "out")]) == 2
    assert "Did you mean 'activations'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert set(PRINCIPLES) == {"activations", "initialisation", "order", "xor"}


def test_the_digit_page_and_figure_show_cost_and_accuracy():
    nets = [
        DigitNetResult("lenet5", "S3", 98.86, 15, 61_706, 846_000, [98.9, 99.1], 100.0),
        DigitNetResult("digit-mlp-1", "S4", 97.57, 10, 79_510, 158_000, [97.5, 97.7], 60.0),
    ]
    page = digit_page(nets, "10 images")
    assert "| `lenet5` | 61,706 | 846,000 | 15 | 99.00 | 98.90, 99.10 | 98.86 (S3) | 100 |" in page
    assert "- 2 of 2 nets reach the stated accuracy.\n" in page
    figure = digit_figure(nets, "10 images")
    assert [axes.get_xlabel() for axes in figure.axes] == ["Parameters", "FLOPs per image"]
    points = [line.get_xydata()[0].tolist() for line in figure.axes[0].lines
              if line.get_marker() == "o" and len(line.get_xdata())]  # fmt: skip
    assert points == [[61_706, 99.0], [61_706, 98.86], [79_510, 97.6], [79_510, 97.57]]


def test_the_digit_page_begins_with_the_comparisons():
    one = DigitNetResult("digit-mlp-1", "S4", 97.57, 10, 80_000, 160_000, [97.4, 97.5], 60.0)
    three = DigitNetResult("digit-mlp-3", "S4", 98.53, 10, 640_000, 1_280_000, [98.0, 99.0], 60.0)
    page = digit_page([one, three], "mnist")
    points = (98.0 + 99.0) / 2 - (97.4 + 97.5) / 2
    better = f"`digit-mlp-3` is {points:.2f} percentage points better than `digit-mlp-1`"
    assert f"- {better}, with {640_000 / 80_000:.2g} times as many parameters.\n" in page
    assert "0 of 2 nets reach the stated accuracy. Lower are `digit-mlp-1` (97.45 instead" in page
    worse = digit_page([one, dataclasses.replace(three, accuracies=[90.0])], "mnist")
    assert f"is {97.45 - 90:.2f} percentage points worse than" in worse
    # The stated accuracies are those of MNIST.
    assert "reach the stated" not in digit_page([one, three], "digits", same_data=False)


@pytest.mark.real_data
def test_the_real_recordings_are_used_if_they_exist(real_data_dir, tmp_path, monkeypatch):
    class StopError(Exception):
        pass

    def run(self, net, data, **settings):
        raise StopError(data.name)

    monkeypatch.setattr(Workspace, "run", run)
    with pytest.raises(StopError, match=r"^seizure$"):
        reproduce_seizure(Workspace(tmp_path, real_data_dir))
