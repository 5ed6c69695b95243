from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.tree import DecisionTreeClassifier

from kerasnets.data import load_data
from kerasnets.data.tables.covid import OUTCOME
from kerasnets.data.tables.simulate import simulate_cases, simulate_rain

SIMULATED = pytest.mark.parametrize("name", ["covid-simulated", "rain-simulated"])


@SIMULATED
def test_the_data_say_that_they_are_simulated_and_depend_on_the_seed(name):
    data = load_data(name, rows=1_000)
    assert data.simulated
    assert "simulated, not measured" in data.source
    assert load_data(name, rows=1_000).checksum == data.checksum
    assert load_data(name, rows=1_000, seed=1).checksum == data.checksum
    assert load_data(name, rows=1_000, generator_seed=1).checksum != data.checksum


@SIMULATED
@pytest.mark.parametrize("rows", [999, 0, -1, 1e4, "1000"])
def test_too_few_rows_are_refused(name, rows):
    with pytest.raises(ValueError, match="rows must be a whole number of 1000 or more"):
        load_data(name, rows=rows)


def test_cases_have_the_columns_and_missing_cells_of_the_cdc_file():
    cases = simulate_cases(5_000)
    assert list(cases.columns) == [
        "cdc_case_earliest_dt", "cdc_report_dt", "pos_spec_dt", "onset_dt", "current_status",
        "sex", "age_group", "race_ethnicity_combined", "hosp_yn", "icu_yn", "medcond_yn", OUTCOME,
    ]  # fmt: skip
    assert set(cases[OUTCOME]) == {"Yes", "No", "Missing", "Unknown"}
    assert 0.4 < (cases["onset_dt"] == "").mean() < 0.5
    assert (cases["cdc_case_earliest_dt"] <= cases["cdc_report_dt"]).all()


def test_age_and_hospital_raise_the_risk_of_death():
    cases = simulate_cases(20_000)
    died = cases[OUTCOME].map({"Yes": 1.0, "No": 0.0})
    by_age = died.groupby(cases["age_group"]).mean()
    assert by_age["80+ Years"] > by_age["60 - 69 Years"] > by_age["30 - 39 Years"]
    by_hospital = died.groupby(cases["hosp_yn"]).mean()
    assert by_hospital["Yes"] > 3 * by_hospital["No"]
    assert 0.03 < died.mean() < 0.07


def test_deeper_trees_predict_rain_better_until_they_overfit():
    data = load_data("rain-simulated")
    areas = {}
    for depth in (2, 6, 25):
        tree = DecisionTreeClassifier(max_depth=depth, random_state=0)
        tree.fit(data.train.x, data.train.y)
        areas[depth] = [
            roc_auc_score(part.y, tree.predict_proba(part.x)[:, 1])
            for part in (data.train, data.validation)
        ]
    assert areas[6][1] > areas[2][1] + 0.03
    assert areas[6][1] > areas[25][1] + 0.03
    assert areas[25][0] > 0.99


def test_columns_of_rain_are_correlated_in_groups():
    x, _ = simulate_rain(5_000)
    correlation = np.abs(np.corrcoef(x.argsort(axis=0).argsort(axis=0).T))
    assert correlation[0, 1:4].min() > 0.1
    assert correlation[0, 4:].max() < 0.1
