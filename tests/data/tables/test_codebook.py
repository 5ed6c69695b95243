from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kerasnets.data.tables.codebook import fit_columns


def column(name, train, cells):
    """The fitted column of a table with one column, and the numbers of some cells."""
    (fitted,) = fit_columns(pd.DataFrame({name: train}, dtype=str))
    return fitted, fitted.apply(pd.Series(cells, dtype=str, name=name)).tolist()


def test_dates_are_days_since_the_first_one_of_the_training_rows():
    train = ["2020/03/05", "2020-03-01", "", "2020-03-02"]
    cells = ["2020-03-01", "2020/03/31", "2020-02-29", "", "Missing"]
    fitted, days = column("report_dt", train, cells)
    assert fitted.kind == "date"
    assert days == [0, 30, -1, 1, 1]  # the median of the days 4, 0, 1 is 1


def test_missing_numbers_become_the_training_median():
    fitted, values = column("age", ["3", "1", "NA", "10"], ["2.5", "", "unknown", "-1e3", "inf"])
    assert fitted.kind == "number"
    assert values == [2.5, 3, 3, -1000, 3]


def test_categories_are_numbered_in_order_and_unknown_ones_are_zero():
    train = ["80+ Years", "0 - 9 Years", "", "Missing", "10 - 19 Years"]
    fitted, codes = column("age_group", train, [*train, "20 - 29 Years"])
    assert fitted.categories == ("0 - 9 Years", "10 - 19 Years", "80+ Years", "Missing")
    assert codes == [3, 1, 0, 4, 2, 0]


def test_a_column_of_numbers_and_one_word_becomes_categories():
    fitted, _ = column("code", ["1", "2", "two"], ["1"])
    assert fitted.kind == "category"


@pytest.mark.parametrize("name", ["note", "seen_dt"])
def test_a_column_of_missing_cells_becomes_constant(name):
    _, values = column(name, ["", "", ""], ["", ""])
    assert len(set(values)) == 1
    assert np.isfinite(values).all()


def test_a_cell_that_is_not_a_date_is_reported():
    with pytest.raises(ValueError, match="row 1, column seen_dt: '31 March' is not a date"):
        column("seen_dt", ["2020-01-01", "31 March"], [])
