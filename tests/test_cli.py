"""The command line: parsing, output and exit codes."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import kerasnets as kn
import kerasnets.cli
import kerasnets.commands.nets
from kerasnets.cli import COMMANDS, main

pytestmark = pytest.mark.usefixtures("no_figures")
SMALL = ["--data", "seizure-simulated", "--data-option", "recordings_per_class=5", "--quiet"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("cli") / "run"
    assert main(["train", "seizure-mlp", *SMALL, "--epochs", "2", "--out", str(out)]) == 0
    return out


def refused(capsys, *args):
    assert main(args) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert f"examples:\n  kerasnets {command}" in text
    assert COMMANDS[command].lower() in " ".join(text.split()).lower()


def test_without_a_command_the_help_is_shown_and_the_exit_code_is_2(capsys):
    assert main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("usage: kerasnets COMMAND [options]")
    assert all(f"    {command} " in captured.err for command in COMMANDS)


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"kerasnets {kn.__version__}\n"


def test_nets(capsys):
    assert main(["nets", "seizure-gru-?"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["net", "seizure-gru-2", "seizure-gru-5"]
    assert lines[1].split()[1:5] == ["seizure", "2,629", "962,784", "70.7"]
    assert main(["nets", "seizure-spectral-small"]) == 0
    text = capsys.readouterr().out
    assert "accuracy 78.3 % on seizure, 5 folds by recording (docs/own-nets.md)" in text
    assert "recommended yes" in text
    assert "units=16" in text
    assert main(["nets", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in entries] == kn.list_nets()
    (entry,) = [entry for entry in entries if entry["name"] == "seizure-gru"]
    assert entry["arguments"]["units"] == 16
    assert (entry["params"], entry["flops"], entry["test"]["value"]) == (997, 353_312, 0.647)
    assert "No net matches 'no-such'" in refused(capsys, "nets", "no-such")


def test_nets_shows_the_recipes_and_the_results_of_both(capsys):
    spec = kn.describe("mortality-gru")
    assert main(["nets", "mortality-*"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith(spec.name)]
    assert line.split()[-len(spec.summary.split()) - 2 :][:2] == [
        spec.test.short, spec.test_as_reported.short
    ]  # fmt: skip
    assert main(["nets", spec.name]) == 0
    text = capsys.readouterr().out
    assert f"AUROC {spec.test.with_interval} on eicu, 5 folds by patient" in text
    assert f"as-reported {spec.test_as_reported.with_interval}" in text
    assert "on eicu     epochs=20, optimizer='sgd'" in text
    assert main(["nets", spec.name, "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert entry["recipe_by_data"] == {"eicu": spec.settings("eicu")}
    assert (entry["recipe"], entry["as_reported"]) == (spec.recipe, spec.as_reported)
    assert entry["test_as_reported"]["value"] == spec.test_as_reported.value


def test_data(capsys, tmp_path):
    args = ["data", "seizure-simulated", "--data-option", "recordings_per_class=5"]
    assert main([*args, "--split", "row", "--out", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "seizure-simulated" in text
    assert "variance" in text
    assert {path.suffix for path in tmp_path.iterdir()} == {".png", ".svg"}
    assert main([*args, "--json", "--out", str(tmp_path)]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "seizure-simulated"
    assert main(["data"]) == 0
    assert "seizure-simulated" in capsys.readouterr().out.split()
    assert "Name one data set" in refused(capsys, "data", "a", "b")
    assert "Did you mean 'seizure'" in refused(capsys, "data", "seizur")


def test_missing_data_say_how_to_get_them(capsys, tmp_path, monkeypatch):
    monkeypatch.delenv("KERASNETS_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    errors = refused(capsys, "train", "seizure-mlp", "--data-dir", str(tmp_path))
    assert "kerasnets data fetch seizure" in errors
    assert "seizure-simulated" in errors


def test_train_prints_metrics_and_the_run_folder(folder, capsys):
    # Resuming a finished run only prints its results.
    assert main(["train", "--resume", str(folder)]) == 0
    text = capsys.readouterr().out
    assert text.endswith(f"{folder}\n")
    assert "seizure-mlp on seizure-simulated, split by recording" in text
    assert main(["train", "--resume", str(folder), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["folder"] == str(folder)
    assert answer["metrics"] == kn.load_run(folder).metrics


@pytest.mark.parametrize(
    "args",
    [
        ["nets"],
        ["nets", "mortality-gru"],
        ["data"],
        ["data", "mortality-simulated"],
        ["data", "covid-simulated"],
        ["profile", "seizure-spectral"],
        ["profile", "mortality-deep", "--explain"],
        ["profile", "--claims"],
        ["principles", "xor", "--quick"],
        ["reproduce", "counts", "by-hand"],
    ],
)
def test_output_fits_80_columns(args, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    assert main(args) == 0
    output = capsys.readouterr().out
    assert len(output.splitlines()) > 3
    assert [line for line in output.splitlines() if len(line) > 80] == []


def test_quiet_prints_the_folder_only(folder, tmp_path, capsys):
    args = ["train", "--recipe", str(folder / "recipe.toml"), "--epochs", "1", "--quiet"]
    assert main([*args, "--out", str(tmp_path / "run")]) == 0
    assert capsys.readouterr() == (f"{tmp_path / 'run'}\n", "")


@pytest.mark.parametrize("threads", ["-1", "many", "1.5", ""])
def test_invalid_numbers_of_threads_are_refused(threads, capsys, tmp_path):
    args = ["train", "seizure-mlp", f"--threads={threads}", "--out", str(tmp_path / "run")]
    assert "Wrong settings in the recipe: threads = " in refused(capsys, *args)
    assert not (tmp_path / "run").exists()


def test_flags_override_the_recipe_file(folder, tmp_path):
    out = tmp_path / "run"
    args = ["--recipe", str(folder / "recipe.toml"), "--epochs", "1", "--split", "row"]
    units = ["--set", "units=[3]", "--set", "activation=tanh"]
    assert main(["train", *args, *units, "--quiet", "--out", str(out)]) == 0
    recipe = tomllib.loads((out / "recipe.toml").read_text())
    assert recipe["net"] == "seizure-mlp"
    assert (recipe["epochs"], recipe["split"]) == (1, "row")
    assert recipe["net_arguments"] == {"units": [3], "activation": "tanh"}
    assert recipe["data_options"] == {"recordings_per_class": 5}


def test_flags_override_a_recipe_by_name(tmp_path):
    out = tmp_path / "run"
    args = ["train", "xor", "--recipe", "as-reported", "--epochs", "2", "--quiet"]
    assert main([*args, "--out", str(out)]) == 0
    reported = {**kn.describe("xor").as_reported, "epochs": 2}
    recipe = tomllib.loads((out / "recipe.toml").read_text())
    assert {name: recipe[name] for name in reported} == reported


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["trian"], "Unknown command 'trian'. Did you mean 'train'?"),
        (["--verson"], "Unknown option --verson. Did you mean --version? See kerasnets --help."),
        (["nets", "--jsno"], "Unknown option --jsno. Did you mean --json? See kerasnets nets --"),
        (["train", "seizure-mlp", "--epoch=3"], "Unknown option --epoch. Did you mean --epochs?"),
        (["train", "seizure-mlp", "extra"], "Unexpected argument 'extra'"),
        (["train", "xor", "--schedule", "cosin"], "Unknown schedule 'cosin'. Did you mean 'cosi"),
        (["train", "xor", "--data", "seizur"], "Unknown data set 'seizur'. Did you mean 'seizure'"),
        (["predict", "run", "--split", "tst"], "Unknown split 'tst'. Did you mean 'test'?"),
        (["predict"], "required: RUN. See kerasnets predict --help."),
        (["data", "--seed", "one"], "Argument --seed: invalid int value: 'one'"),
        (["train"], "Name a net"),
        (["train", "seizure-mpl"], "Did you mean 'seizure-mlp"),
        (["train", "seizure-mlp", "--epochs", "ten"], "epochs = 'ten'"),
        (["train", "seizure-mlp", "--set", "units"], "'units' must have the form NAME=VALUE"),
        (["train", "seizure-mlp", "--set", "unit=3"], "Did you mean 'units'"),
        (["train", "--recipe", "nowhere.toml"], "There is no recipe file nowhere.toml"),
        (["train", "--recipe", "as-reported"], "Name a net"),
        (["train", "xor", "--recipe", "reported"], "recipe of xor 'reported'. Did you mean 'as-"),
        (
            ["train", "seizure-spectral", "--recipe", "as-reported"],
            "seizure-spectral is not in the course reports, so it has no recipe 'as-reported'",
        ),
        (["search", "xor", "--over", "epochs=1,2", "--recipe", "x.toml"], "no recipe file x.toml"),
        (["train", "--resume", "nowhere"], "nowhere is not a run folder"),
        (["train", "seizure-mlp", "--resume", "nowhere"], "remove the net and the settings"),
        (["evaluate", "nowhere"], "nowhere is not a run folder"),
        (["profile", "nowhere.keras"], "There is no file nowhere.keras"),
        (["profile", "nowhere"], "Unknown net 'nowhere'"),
        (["profile"], "Name a net, a .keras file or a run folder"),
        (["profile", "seizure-mlp", "--mode", "backward"], "training"),
        (["profile", "seizure-mlp", "--convention", "exat"], "exact"),
        (["export", "nowhere"], "Unknown net 'nowhere'"),
        (["verify", "nowhere"], "nowhere"),
        (["verify", "x", "--test", "nowhere"], "nowhere is not a run folder"),
        (["nets", "seizure-grru"], "Did you mean 'seizure-gru'? kerasnets nets lists all nets."),
        (["predict", "seizure-spectral-smal"], "the trained net 'seizure-spectral-small'?"),
        (["predict", "lenet5", "--out", "x.xlsx"], "x.xlsx must end in .csv or .parquet"),
    ],
)
def test_wrong_input_prints_one_line_and_exits_with_2(args, message, capsys):
    errors = refused(capsys, *args)
    assert message in errors
    assert errors.startswith("kerasnets: ")
    assert "Traceback" not in errors


def test_a_file_that_is_not_a_model_is_refused(capsys, tmp_path):
    path = tmp_path / "cut.keras"
    path.write_bytes(b"PK\x03\x04 cut")
    assert "cut.keras" in refused(capsys, "profile", str(path))


def test_evaluate_prints_the_metrics_of_the_run(folder, capsys):
    assert main(["evaluate", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == kn.load_run(folder).metrics
    assert main(["evaluate", str(folder)]) == 0
    assert "balanced accuracy" in capsys.readouterr().out


def test_profile_of_a_net_a_file_and_a_run(folder, capsys):
    for model in ("seizure-mlp", str(folder), str(folder / "model.keras")):
        assert main(["profile", model]) == 0
        assert "2,949" in capsys.readouterr().out
    assert main(["profile", "seizure-mlp", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["flops"] == 2 * 178 * 16 + 4 * 16 + 2 * 16 * 5
    assert main(["profile", "seizure-mlp", "--set", "units=[1]", "--format", "csv"]) == 0
    assert capsys.readouterr().out.count(",") > 10
    assert main(["profile", "seizure-mlp", "--explain"]) == 0
    assert "16" in capsys.readouterr().out


def test_profile_of_training_with_a_plot(capsys, tmp_path):
    assert main(["profile", "seizure-mlp", "--json"]) == 0
    forward = json.loads(capsys.readouterr().out)["flops"]
    plot = ["--plot", str(tmp_path / "cost")]
    assert main(["profile", "seizure-mlp", "--mode", "training", "--json", *plot]) == 0
    assert json.loads(capsys.readouterr().out)["flops"] > 2 * forward
    assert {path.name for path in tmp_path.iterdir()} == {"cost.png", "cost.svg"}
    for name, written in (("one.png", ["one.png"]), ("one.pdf", ["one.pdf"]), (
        "plots/", ["plots/seizure-mlp-cost.png", "plots/seizure-mlp-cost.svg"],
    )):  # fmt: skip
        assert main(["profile", "seizure-mlp", "--plot", f"{tmp_path}/{name}"]) == 0
        assert capsys.readouterr().err.split() == [str(tmp_path / path) for path in written]
        assert all((tmp_path / path).stat().st_size > 1000 for path in written)


def test_profile_checks_the_claims_of_the_reports(capsys):
    assert main(["profile", "--claims"]) == 0
    assert "263,014" in capsys.readouterr().out
    assert main(["profile", "--claims", "--json"]) == 0
    assert {claim["source"] for claim in json.loads(capsys.readouterr().out)} >= {"S1", "S5"}


@pytest.mark.usefixtures("verify_in_this_process")
def test_export_and_verify(folder, capsys, tmp_path):
    """Without ``--json``, the folder is printed: see tests/exporting/test_commands.py."""
    out = tmp_path / "exported"
    (out / "1").mkdir(parents=True)
    args = ["export", str(folder), "--out", str(out), "--formats", "onnx"]
    assert main([*args, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"folder": str(out / "2")}
    assert main(["verify", str(out), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] is True
    assert 0 <= answer["max_abs_diff"]["onnx"] < 1e-5
    assert main([*args, "--version", "2"]) == 2
    card = out / "2" / "card.json"
    card.write_bytes(card.read_bytes()[:100])
    capsys.readouterr()
    assert main(["verify", str(out / "2")]) == 1
    assert "card.json: it is not JSON" in capsys.readouterr().err


def test_a_diverging_training_exits_with_1(tmp_path, capsys):
    args = ["--optimizer", "sgd", "--learning-rate", "1e9", "--out", str(tmp_path / "run")]
    assert main(["train", "seizure-mlp-wide", *SMALL, *args]) == 1
    assert "step" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("filename", "message"),
    [
        ("runs/a/history.csv", "kerasnets: runs/a/history.csv was not written: No space left"),
        (None, "kerasnets: The output or a temporary file was not written: No space left"),
    ],
)
def test_a_full_disk_exits_with_1(filename, message, monkeypatch, capsys):
    def write(arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), filename)

    monkeypatch.setattr(kerasnets.commands.nets, "run", write)
    monkeypatch.setattr(kerasnets.cli, "_discard_output", lambda: None)
    assert main(["nets"]) == 1
    assert capsys.readouterr().err.startswith(message)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has this file")
def test_a_full_disk_behind_standard_output_exits_with_1():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "kerasnets", "nets"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == (
        "kerasnets: The output or a temporary file was not written: No space left on device. "
        "Free some space, then try again.\n"
    )


@pytest.mark.parametrize(
    ("number", "code", "message"),
    [(signal.SIGTERM, 143, "kerasnets: terminated\n"), (signal.SIGINT, 130, "kerasnets: interr")],
)
def test_a_signal_ends_the_command_with_its_own_exit_code(
    number, code, message, monkeypatch, capsys
):
    monkeypatch.setattr(
        kerasnets.commands.nets, "run", lambda arguments: signal.raise_signal(number)
    )
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    terminate = signal.getsignal(signal.SIGTERM)
    try:
        assert main(["nets"]) == code
    finally:
        signal.signal(signal.SIGINT, before)
    assert capsys.readouterr().err.startswith(message)
    assert signal.getsignal(signal.SIGTERM) == terminate


def test_commands_run_in_other_threads_too(capsys):
    """Only the main thread can handle signals."""
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(main, ["nets", "xor"]).result() == 0
    assert capsys.readouterr().out.startswith("xor ")


def test_python_m_kerasnets_is_the_same_command():
    args = [sys.executable, "-m", "kerasnets", "nets", "seizure-mlp"]
    answer = subprocess.run(args, capture_output=True, text=True, check=True)
    assert answer.stdout.startswith("seizure-mlp ")
    assert answer.stderr == ""


@pytest.mark.parametrize(
    ("args", "code", "output"),
    [
        (["nets", "xor"], 0, "xor "),
        (["--version"], 0, "kerasnets "),
        (["nets", "nothing"], 2, ""),
        (["broken"], 1, ""),
    ],
)
def test_the_process_ends_with_the_exit_code_after_the_exit_handlers(args, code, output):
    program = (
        "import atexit, sys\nfrom kerasnets import cli\nmain = cli.main\n"
        "def with_handler():\n"
        "    atexit.register(print, 'handler')\n"
        "    return 1 / 0 if sys.argv[1] == 'broken' else main()\n"
        "cli.main = with_handler\ncli.run_process()"
    )
    answer = subprocess.run([sys.executable, "-c", program, *args], capture_output=True, text=True)
    assert answer.returncode == code
    assert answer.stdout.startswith(output)
    assert answer.stdout.endswith("handler\n")
    assert ("ZeroDivisionError" in answer.stderr) == (args == ["broken"])
