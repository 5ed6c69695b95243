"""The page of the seizure nets."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from kerasnets.studies.seizure import SeizureNetRuns, seizure_page


def fake_run(accuracy, *, simulated=False):
    return SimpleNamespace(
        metrics={"test": {"accuracy": accuracy}},
        history={"val_accuracy": [0.1, accuracy + 0.02, 0.2]},
        seconds=4.0,
        model=SimpleNamespace(count_params=lambda: 2_949),
        environment={"machine": {"cpus": 2}, "data": {"simulated": simulated}},
    )


def fake_entry(net, recording, row, arguments="", **options):
    runs = {"recording": fake_run(recording, **options), "row": fake_run(row, **options)}
    return SeizureNetRuns(net, arguments, runs)


def test_the_bias_is_the_difference_of_the_test_accuracies():
    entry = fake_entry("seizure-mlp", 0.6, 0.65)
    assert entry.row_split_bias == pytest.approx(5.0)


def test_the_page_has_one_row_per_net_and_the_mean_bias_of_rescaled_nets():
    page = seizure_page(
        [
            fake_entry("seizure-gru", 0.64, 0.70),
            fake_entry("seizure-cnn", 0.70, 0.72),
            fake_entry("seizure-mlp", 0.20, 0.90, 'rescaling="none"'),
        ]
    )
    assert "by +4.0 percentage points" in page  # the mean of 6 and 2
    assert "(+2.0 to +6.0)" in page
    assert "| `seizure-gru` | 2,949 | 64.0 | 70.0 | +6.0 | 72.0 | 70 (S2) | 4 |" in page
    assert '| `seizure-mlp` (rescaling="none") | 2,949 | 20.0 | 90.0 | +70.0 |' in page
    assert "SIMULATED" not in page


def test_the_page_says_that_the_recordings_are_simulated():
    page = seizure_page([fake_entry("seizure-gru", 0.64, 0.70, simulated=True)])
    assert page.startswith("# Seizure nets on the SIMULATED recordings")
