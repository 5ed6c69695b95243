from __future__ import annotations

import numpy as np
import pytest

from kerasnets.data import load_data, statistics
from kerasnets.data.tables.cells import DataError
from kerasnets.data.tables.simulate import RAIN_STATISTICS, simulate_rain


@pytest.fixture
def folder(tmp_path):
    x, y = simulate_rain(1_000, seed=2)
    np.savetxt(tmp_path / "X_train.txt", x, fmt="%.6e")
    np.savetxt(tmp_path / "Y_train.txt", y, fmt="%.18e")
    return tmp_path


def test_the_numbers_in_the_files_are_read(folder):
    data = load_data("rain", folder)
    x, y = simulate_rain(1_000, seed=2)
    read = np.concatenate([part.x for part in data.splits.values()])
    assert read.shape == (1_000, 14)
    np.testing.assert_allclose(np.sort(read, axis=0), np.sort(x, axis=0), rtol=1e-6)
    labels = np.concatenate([part.y for part in data.splits.values()])
    assert np.bincount(labels).tolist() == np.bincount(y).tolist()
    assert data.feature_names == tuple(f"x{number}" for number in range(14))
    assert (data.split, data.source) == ("row", str(folder))
    above = folder.parent
    assert folder.rename(above / "rain").exists()
    assert load_data("rain", above).checksum == data.checksum


def change_line(path, row, change):
    lines = path.read_text().splitlines()
    lines[row - 1] = change(lines[row - 1])
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("name", "row", "change", "message"),
    [
        ("X", 7, lambda line: line + " 1", r"X_train\.txt, row 7: 15 numbers; expected 14"),
        ("X", 9, lambda line: "1 2 3", r"X_train\.txt, row 9: 3 numbers; expected 14"),
        ("X", 3, lambda line: "a " + line[line.index(" ") :], "row 3, column x0: 'a' is not a"),
        ("X", 3, lambda line: "nan " + line[line.index(" ") :], r"column x0: .*\(NaN\)"),
        ("X", 3, lambda line: "1e99 " + line[line.index(" ") :], "column x0: '1e99' is infinite"),
        ("Y", 4, lambda line: "2", r"Y_train\.txt, row 4: 2 is not a label"),
        ("Y", 4, lambda line: "0.5", r"row 4: 0\.5 is not a label"),
        ("Y", 1_000, lambda line: "", "has 1,000 rows and Y_train.txt 999 labels"),
        ("Y", 5, lambda line: "1 0", r"Y_train\.txt, row 5: 2 numbers; expected 1"),
    ],
)
def test_errors_contain_file_row_and_column(folder, name, row, change, message):
    change_line(folder / f"{name}_train.txt", row, change)
    with pytest.raises(DataError, match=message):
        load_data("rain", folder)


def test_a_file_that_was_cut_in_its_last_line_is_refused(folder):
    path = folder / "X_train.txt"
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(DataError, match=r"X_train\.txt, row 1000: the last line does not end"):
        load_data("rain", folder)


def test_an_empty_file_is_refused(folder):
    (folder / "X_train.txt").write_text("")
    with pytest.raises(DataError, match=r"X_train\.txt: no rows"):
        load_data("rain", folder)


def test_missing_files_are_named(folder):
    (folder / "Y_train.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"\(without Y_train\.txt\)") as error:
        load_data("rain", folder)
    assert "'rain-simulated' needs no files" in str(error.value)


def test_simulated_columns_have_the_statistics_of_s3():
    x, _ = simulate_rain(200_000)
    assert x.shape == (200_000, 14)
    low, high, mean, variance = np.transpose(RAIN_STATISTICS)
    np.testing.assert_allclose(x.min(axis=0), low, rtol=1e-12)
    np.testing.assert_allclose(x.max(axis=0), high, rtol=1e-12)
    np.testing.assert_allclose(x.mean(axis=0), mean, rtol=1e-3)
    np.testing.assert_allclose(x.var(axis=0), variance, rtol=0.01)


def test_statistics_are_indexed_by_column_name():
    table = statistics(load_data("rain-simulated", rows=5_000))
    assert list(table.index) == [f"x{number}" for number in range(14)]
    assert table["mean"]["x4"] == pytest.approx(2868, rel=0.05)
    np.testing.assert_allclose(table["rescaled_mean"], 0, atol=1e-9)
    np.testing.assert_allclose(table["rescaled_variance"], 1, rtol=1e-9)
