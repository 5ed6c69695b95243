from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kerasnets.data.tables.codebook import fit_columns


def column(name, train, cells):
    """The fitted column of a table with one column, and the numbers of some cells."""
    (fitted,) = fit_columns(pd.DataFrame({name: train}, dtype=str))
    return fitted, fitted.apply(pd.Series(cells, dtype=str, name=name)).tolist()


def test_dates_are_days_since_the_year_of_their_median():
    train = ["2020/03/05", "2020-03-01", "", "2020-03-02", "2019-12-31", "2021-01-02"]
    cells = ["2020-01-01", "2020/01/31", "2019-12-31", "", "Missing"]
    fitted, days = column("report_dt", train, cells)
    assert (fitted.kind, fitted.origin) == ("date", "2020-01-01")
    # Missing dates become the mean of the five middle ones.
    middle = np.mean([31 + 29 + 4, 31 + 29, 31 + 29 + 1, -1, 366 + 1])
    np.testing.assert_allclose(days, [0, 30, -1, middle, middle], rtol=1e-6)


def test_few_dates_and_numbers_leave_no_trace_of_their_values():
    fitted, days = column("report_dt", ["2020/03/05", "", "2020-03-01"], ["1970-01-03", ""])
    assert (fitted.origin, fitted.fill) == ("1970-01-01", 0)
    assert days == [2, 0]
    assert column("age", ["3", "1", "NA", "10"], [])[0].fill == 0


def test_missing_numbers_become_the_mean_of_the_middle_training_values():
    train = ["3", "1", "NA", "10", "4", "5", "-100", "7"]
    fitted, values = column("age", train, ["2.5", "", "unknown", "-1e3", "True"])
    middle = np.float32((1 + 3 + 4 + 5 + 7) / 5)
    assert fitted.kind == "number"
    assert values == [2.5, middle, middle, -1000, 1]
    assert column("age", [*train, "50"], [])[0].fill == (1 + 3 + 4 + 5 + 7 + 10) / 6


def test_each_group_has_one_value_among_the_middle_ones():
    cells = pd.DataFrame({"income": [1.5] * 20 + [10, 20, 30, 40, 50]})
    groups = np.array([0] * 20 + [1, 2, 3, 4, 5])
    assert fit_columns(cells)[0].fill == 1.5
    assert fit_columns(cells, groups)[0].fill == (1.5 + 10 + 20 + 30 + 40 + 50) / 6


def test_categories_are_numbered_in_order_and_other_texts_are_zero():
    train = ["80+ Years", "0 - 9 Years", "", "Missing", "10 - 19 Years"] * 5 + ["rare"] * 4
    fitted, codes = column("age_group", train, [*train[:5], "20 - 29 Years", "rare"])
    assert fitted.categories == ("0 - 9 Years", "10 - 19 Years", "80+ Years", "Missing")
    assert codes == [3, 1, 0, 4, 2, 0, 0]


def test_a_column_of_a_few_numbers_and_words_becomes_categories():
    fitted, codes = column("children", [*"01234", "5+"] * 5, ["5+", "0"])
    assert fitted.kind == "category"
    assert codes == [6, 1]


@pytest.mark.parametrize("name", ["mood", "seen_dt"])
def test_a_column_of_missing_cells_becomes_constant(name):
    _, values = column(name, ["", "", ""], ["", ""])
    assert len(set(values)) == 1
    assert np.isfinite(values).all()


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [("4o", "number"), ("inf", "finite"), ("1e39", "finite"), ("9" * 400, "finite")],
)
def test_a_typing_error_in_a_column_of_numbers_is_reported(wrong, kind):
    train = [*map(str, range(40)), wrong]
    shown = wrong if len(wrong) < 40 else f"{wrong[:37]}…"
    with pytest.raises(ValueError, match=f"row 40, column age: '{shown}' is not a {kind}"):
        column("age", train, [])
    with pytest.raises(ValueError, match=f"row 1, column age: '{shown}' is not a finite"):
        column("age", train[:-1], ["3", wrong])


def test_a_typing_error_in_a_column_of_dates_is_reported():
    train = [f"2020-01-{day:02d}" for day in range(1, 31)]
    with pytest.raises(
        ValueError, match="row 30, column seen: '2020-13-01' is not a date, but 97 %"
    ):
        column("seen", [*train, "2020-13-01"], [])


@pytest.mark.parametrize("cut", ["2020/03", "2020", "2020-03-1", "2020-W10"])
def test_a_date_that_was_cut_is_reported(cut):
    with pytest.raises(ValueError, match=f"row 1, column seen_dt: '{cut}' is not a date"):
        column("seen_dt", ["2020-01-01", cut], [])


def test_a_cell_that_is_not_a_date_is_reported():
    with pytest.raises(ValueError, match="row 1, column seen_dt: '31 March' is not a date"):
        column("seen_dt", ["2020-01-01", "31 March"], [])
