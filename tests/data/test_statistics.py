from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from kerasnets.data import Dataset, Split, describe, describe_text, load_data, statistics


def make(**changes: object) -> Dataset:
    """Three features: one that varies, one constant in training, one constant everywhere."""
    train = Split(np.array([[1, 5, 7], [3, 5, 7]], np.float32), np.array([0, 1], np.int32))
    test = Split(np.array([[8, 6, 7]], np.float32), np.array([1], np.int32))
    dataset = Dataset(
        name="toy",
        train=train,
        validation=test,
        test=test,
        class_names=("no", "yes"),
        split="row",
        seed=0,
        source="here",
        checksum="c0ffee",
    )
    return dataclasses.replace(dataset, **changes)


def test_before_and_after_rescaling_on_the_training_split():
    table = statistics(make())
    assert table["min"].tolist() == [1, 5, 7]
    assert table["max"].tolist() == [3, 5, 7]
    assert table["mean"].tolist() == [2, 5, 7]
    assert table["variance"].tolist() == [1, 0, 0]
    assert table["rescaled_min"].tolist() == [-1, 0, 0]
    assert table["rescaled_max"].tolist() == [1, 0, 0]
    assert table["rescaled_mean"].tolist() == [0, 0, 0]
    assert table["rescaled_variance"].tolist() == [1, 0, 0]


def test_other_splits_are_rescaled_by_the_training_split():
    table = statistics(make(), "test")
    assert table["mean"].tolist() == [8, 6, 7]
    assert table["rescaled_mean"].tolist() == [(8 - 2) / 1, 6 - 5, 0]


def test_the_variance_is_exact_with_large_offsets():
    x = np.array([[1e6 + 0.25], [1e6 - 0.25]], np.float32)
    table = statistics(make(train=Split(x, np.array([0, 1], np.int32))))
    assert table["variance"].tolist() == [0.25**2]


def test_images_are_flattened():
    images = Split(np.arange(24, dtype=np.float32).reshape(2, 3, 4, 1), np.array([0, 1], np.int32))
    table = statistics(make(train=images))
    assert table.index.tolist() == list(range(12))
    assert table["max"].tolist() == list(range(12, 24))


def test_rescaled_training_rows_have_mean_0_and_variance_1():
    table = statistics(load_data("seizure-simulated", recordings_per_class=3))
    assert len(table) == 178
    assert np.allclose(table["rescaled_mean"], 0, atol=1e-12)
    assert np.allclose(table["rescaled_variance"], 1)


def test_several_inputs_and_unknown_splits_are_refused():
    visits = Split(
        {"visits": np.zeros((2, 3, 4)), "length": np.ones(2)}, np.array([0, 1], np.int32)
    )
    with pytest.raises(ValueError, match=r"one array of inputs, got {visits: .*, length: "):
        statistics(make(train=visits))
    with pytest.raises(ValueError, match=r"'tset'. Allowed: train, validation, test"):
        statistics(make(), "tset")


def test_describe_returns_json_with_every_count():
    dataset = load_data("seizure-simulated", recordings_per_class=5)
    facts = json.loads(json.dumps(describe(dataset), allow_nan=False))
    assert facts == describe(dataset)
    assert facts["rows"]["train"] == {**dict.fromkeys(dataset.class_names, 3 * 23), "all": 345}
    assert facts["rows"]["test"]["all"] == 5 * 23
    assert facts["recordings"]["validation"] == {**dict.fromkeys(dataset.class_names, 1), "all": 5}
    assert facts["simulated"] is True
    assert facts["checksum"] == dataset.checksum
    for name in ("train", "validation", "test"):
        records = facts["statistics"][name]
        assert [record["feature"] for record in records] == list(range(178))
        assert records[9]["max"] == dataset.splits[name].x[:, 9].max()


def test_describe_without_groups_or_with_several_inputs():
    assert describe(make())["recordings"] == dict.fromkeys(("train", "validation", "test"))
    visits = Split(
        {"visits": np.zeros((2, 3, 4)), "length": np.ones(2)}, np.array([0, 1], np.int32)
    )
    facts = describe(make(train=visits, validation=visits, test=visits))
    assert facts["statistics"] is None
    assert facts["rows"]["train"] == {"no": 1, "yes": 1, "all": 2}


def test_the_text_says_whether_the_data_are_real():
    dataset = load_data("seizure-simulated", recordings_per_class=3)
    text = describe_text(dataset)
    assert "seizure-simulated (SIMULATED, not measured)" in text
    for part in (dataset.checksum, *dataset.class_names, "Recordings", "178 features", "µV"):
        assert part in text
    toy = describe_text(make())
    assert "toy (real)" in toy
    assert "Recordings" not in toy
