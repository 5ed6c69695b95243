"""Predictions in MEDS's form: for meds-evaluation, with the codes of the run, also for new data."""

from __future__ import annotations

import json
import stat
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from meds_evaluation.schema import PredictionSchema

import kerasnets as kn
from kerasnets.cli import main
from kerasnets.data.ehr.to_meds import to_meds
from kerasnets.evaluation import predict_probabilities
from kerasnets.evaluation.meds_form import meds_predictions
from tests.data.ehr.helpers import write
from tests.training.helpers import train

STAYS = 60


def eicu_files(folder, seed=0, names=("a|b", "a|c", "d")):
    """Tables of 60 stays of 40 patients; death is more frequent with the first code."""
    rng = np.random.default_rng(seed)
    stays = np.arange(STAYS) + 100 * seed
    code = rng.integers(0, len(names), STAYS)
    died = rng.random(STAYS) < np.where(code == 0, 0.7, 0.2)
    patients = pd.DataFrame(
        {
            "patientunitstayid": stays,
            "uniquepid": [f"p{n % 40}" for n in stays],
            "hospitaldischargestatus": np.where(died, "Expired", "Alive"),
            "unitdischargeoffset": 3000,
        }
    )
    tables = {"patient": patients}
    for table in ("diagnosis", "treatment"):
        tables[table] = pd.DataFrame(
            {
                "patientunitstayid": stays,
                f"{table}offset": rng.integers(0, 1000, STAYS),
                f"{table}string": np.array(names)[code],
            }
        )
    folder.mkdir()
    write(folder, tables)
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Tables of eICU, and the same converted to MEDS."""
    folder = tmp_path_factory.mktemp("eicu")
    tables = eicu_files(folder / "tables")
    return tables, to_meds("eicu", folder / "meds", tables).folder


@pytest.fixture(scope="module")
def run(folders, no_figures, tmp_path_factory):
    options = {"labels": "labels/death_in_hospital.parquet", "exclude": "ICU_*", "visit_hours": 1}
    return train(
        "mortality-gru", "meds", tmp_path_factory.mktemp("runs") / "r", data_dir=folders[1],
        epochs=1, data_options={**options, "min_count": 1}, threshold="f1", xla="off",
    )  # fmt: skip


def test_predictions_pass_meds_evaluation(run, folders, tmp_path):
    out = tmp_path / "predictions.parquet"
    arguments = ["predict", str(run.folder), "--data-dir", str(folders[1])]
    assert main([*arguments, "--output", str(out)]) == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    command = [sys.executable, "-m", "meds_evaluation", f"predictions_path={out}"]
    subprocess.run([*command, "output_file=results.json"], check=True, cwd=tmp_path)
    found = json.loads((tmp_path / "results.json").read_text())["samples_equally_weighted"]
    assert found["roc_auc_score"] == pytest.approx(run.metrics["test"]["auroc"])
    assert found["binary_accuracy"] == pytest.approx(run.metrics["test"]["accuracy"])


def test_the_rows_are_the_labels_of_the_split(run, folders):
    table = meds_predictions(run, run.load_data(folders[1]))
    PredictionSchema.validate(table)
    test = run.load_data(folders[1]).test
    frame = table.to_pandas()
    labels = pd.read_parquet(folders[1] / "labels/death_in_hospital.parquet")
    joined = frame.merge(labels, on=["subject_id", "prediction_time"], suffixes=("", "_label"))
    assert len(joined) == len(frame) == len(test)
    assert (joined["boolean_value"] == joined["boolean_value_label"]).all()
    probability = run.predict(test.x)[:, 1]
    np.testing.assert_array_equal(frame["predicted_boolean_probability"], np.float32(probability))
    threshold = run.metrics["test"]["threshold"]
    np.testing.assert_array_equal(frame["predicted_boolean_value"], probability >= threshold)
    assert meds_predictions(run, test).equals(table)


@pytest.fixture(scope="module")
def new(tmp_path_factory):
    """The same stays and 60 more, which have two new codes, one sorted before the others."""
    folder = tmp_path_factory.mktemp("new")
    first, second = eicu_files(folder / "a"), eicu_files(folder / "b", 1, ("a|a", "a|c", "z"))
    for path in first.iterdir():
        both = pd.concat([pd.read_csv(path), pd.read_csv(second / path.name)])
        both.to_csv(path, index=False)
    return to_meds("eicu", folder / "meds", first, seed=1).folder


def by_subject(table):
    frame = table.to_pandas()
    return frame.set_index("subject_id")["predicted_boolean_probability"]


def test_new_data_are_predicted_with_the_codes_of_the_run(run, folders, new, tmp_path):
    old = run.load_data(folders[1])
    known = pd.concat([by_subject(meds_predictions(run, part)) for part in old.splits.values()])
    out = tmp_path / "predictions.parquet"
    arguments = ["predict", str(run.folder), "--data", "meds", "--data-dir", str(new)]
    assert main([*arguments, "--out", str(out)]) == 0
    found = by_subject(pq.read_table(out))
    same = found.index.intersection(known.index)
    assert 5 < len(same) < len(found)
    np.testing.assert_allclose(found[same], known[same], rtol=0, atol=1e-7)

    options = {**run.recipe.data_options, "data_dir": new}
    other = kn.load_data("meds", **options)
    assert other.test.x.names != run.vocabulary
    with pytest.raises(ValueError, match=r"not the \d+ codes of the run.*vocabulary=run\.vocab"):
        meds_predictions(run, other)
    encoded = kn.load_data("meds", **options, vocabulary=run.vocabulary)
    assert encoded.test.x.names == run.vocabulary
    assert by_subject(meds_predictions(run, encoded)).equals(found)


def test_predictions_for_a_file_are_a_plain_table(run, tmp_path):
    visits = np.zeros((3, 2, len(run.vocabulary)), np.float32)
    np.savez(tmp_path / "new.npz", visits=visits, length=np.array([1, 2, 2], np.int32))
    arguments = ["predict", str(run.folder), "--data", str(tmp_path / "new.npz")]
    assert main([*arguments, "--out", str(tmp_path / "a.parquet")]) == 0
    assert main([*arguments, "--out", str(tmp_path / "a.csv")]) == 0
    frame = pd.read_parquet(tmp_path / "a.parquet")
    assert frame.columns.tolist() == ["row", "prediction", "p(no)", "p(yes)"]
    pd.testing.assert_frame_equal(frame, pd.read_csv(tmp_path / "a.csv"))


def test_what_has_no_form_in_meds_is_refused(run):
    simulated = kn.load_data("mortality-simulated", patients=60)
    with pytest.raises(ValueError, match="need subjects and prediction times"):
        meds_predictions(run, simulated)
    with pytest.raises(ValueError, match="Unknown split 'held_out'"):
        meds_predictions(run, simulated, "held_out")


class Untrained:
    """A net with its first weights, for any number of classes."""

    task, metrics = "classification", {"test": {}}

    def __init__(self, data):
        self.class_names = data.class_names
        features = data.train.x.features
        self.model = kn.build("mortality-gru", features=features, classes=len(data.class_names))

    def predict(self, x):
        return predict_probabilities(self.model, x)


def test_three_classes_have_a_probability_each(folders, tmp_path):
    labels = pd.read_parquet(folders[1] / "labels/death_in_hospital.parquet")
    names = np.array(["home", "rehab", "died"])
    labels["categorical_value"] = names[np.arange(len(labels)) % 3]
    labels.drop(columns="boolean_value").to_parquet(tmp_path / "labels.parquet")
    options = {"labels": str(tmp_path / "labels.parquet"), "min_count": 1, "split": "subject"}
    data = kn.load_data("meds", folders[1], **options)
    table = meds_predictions(Untrained(data), data)
    assert table.column_names == [
        "subject_id", "prediction_time", "categorical_value", "prediction",
        "p(died)", "p(home)", "p(rehab)",
    ]  # fmt: skip
    frame = table.to_pandas()
    expected = labels.set_index("subject_id")["categorical_value"]
    assert (expected[frame["subject_id"]].to_numpy() == frame["categorical_value"]).all()
    np.testing.assert_allclose(frame.filter(like="p(").sum(axis=1), 1, atol=1e-6)
