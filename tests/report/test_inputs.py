"""kerasnets.report.inputs: the editor of each kind of input, and its simulated samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kerasnets._lazy import keras
from kerasnets.report.inputs import Fields, make_editor, simulated_samples, table_fields


def card(*shapes: tuple[int | None, ...], units: str = "", **more: Any) -> dict[str, Any]:
    """A card with the input x, and after it the input length, if there are two shapes."""
    inputs = [
        {"name": name, "dtype": dtype, "shape": [None, *shape]}
        for name, dtype, shape in zip(("x", "length"), ("float32", "int32"), shapes, strict=False)
    ]
    return {"inputs": inputs, "input_units": units, "provenance": {}, **more}


def editor(*shapes: tuple[int | None, ...], values: Any = 0.5, **more: Any) -> dict[str, Any]:
    return make_editor(card(*shapes, **more), {"x": np.full((2, 3), values)}, Fields(), None)


@pytest.mark.parametrize(
    ("shapes", "values", "expected"),
    [
        ([(28, 28, 1)], 200.0, {"kind": "image", "white": 255.0}),
        ([(8, 8, 1)], 15.0, {"kind": "image", "white": 16.0}),
        ([(32, 24, 3)], 0.5, {"kind": "image", "white": 1.0, "size": [32, 24, 3]}),
        ([(28, 28, 7)], 0.5, {"kind": "tensor"}),
        ([(None, None, 3)], 0.5, {"kind": "tensor"}),
        ([(178,)], 0.5, {"kind": "signal", "steps": 178, "channels": 1, "min_steps": 1}),
        ([(None,)], 0.5, {"kind": "signal", "steps": None}),
        ([(100, 3)], 0.5, {"kind": "signal", "steps": 100, "channels": 3}),
        ([(None, 4), ()], 0.5, {"kind": "signal", "channels": 4, "length": True}),
        ([(None, 400), ()], 1.0, {"kind": "visits", "codes": 400, "length": True}),
        ([(None, 400)], 0.5, {"kind": "tensor"}),
        ([(11,)], 0.5, {"kind": "table"}),
    ],
)
def test_the_editor_fits_the_inputs(shapes: Any, values: float, expected: dict[str, Any]) -> None:
    found = editor(*shapes, values=values)
    assert {key: found[key] for key in expected} == expected


def test_several_inputs_or_other_types_are_entered_as_json() -> None:
    several = card((3,))
    several["inputs"].append({"name": "y", "dtype": "float32", "shape": [None, 2]})
    assert make_editor(several, {}, Fields(), None) == {"kind": "tensor"}
    assert make_editor(
        {**card((3,)), "inputs": [{"name": "x", "dtype": "bool", "shape": [None, 3]}]},
        {}, Fields(), None,
    ) == {"kind": "tensor"}  # fmt: skip


def test_a_wide_table_is_a_table_if_its_columns_have_names() -> None:
    names = tuple(f"c{i}" for i in range(90))
    found = make_editor(card((90,)), {"x": np.zeros((1, 90))}, Fields(names=names), None)
    assert found["kind"] == "table"
    assert editor((90,))["kind"] == "signal"


def test_the_fields_start_at_the_mean_of_the_training_split() -> None:
    x = np.random.default_rng(0).normal((1234.5, 0.3), (111.1, 0), (5000, 2))
    x[:, 1] = np.arange(5000) % 10 < 3  # zeros and ones
    normalization = keras.layers.Normalization(mean=x.mean(axis=0), variance=x.var(axis=0))
    model = keras.Sequential([keras.Input((2,)), normalization])
    income, flag = table_fields(2, Fields(names=("income", "smokes")), model)
    assert income["name"] == "income"
    assert income["value"] == float(f"{x[:, 0].mean():.3g}")
    low, high = x[:, 0].mean() - 3 * x[:, 0].std(), x[:, 0].mean() + 3 * x[:, 0].std()
    assert (income["low"], income["high"]) == (np.floor(low / 10) * 10, np.ceil(high / 100) * 100)
    assert flag == {"name": "smokes", "kind": "flag", "value": 0}
    assert [field["name"] for field in table_fields(2, Fields(), None)] == [
        "feature 1",
        "feature 2",
    ]


def test_categories_and_dates_are_chosen_by_their_names() -> None:
    codebook = [
        {"name": "ward", "kind": "category", "categories": ["north", "south"], "min_rows": 5},
        {"name": "admitted", "kind": "date", "origin": "1960-01-01", "fill": 3.0},
    ]
    ward, admitted = table_fields(2, Fields(("ward", "admitted"), codebook), None)
    assert ward["categories"] == ["north", "south"]
    assert (admitted["kind"], admitted["origin"]) == ("date", "1960-01-01")


@pytest.mark.parametrize(
    ("data", "shapes", "classes"),
    [
        ("seizure", [(178,)], 5),
        ("seizure-simulated", [(512,)], 5),
        ("xor-simulated", [(2,)], 2),
        ("covid", [(11,)], 2),
        ("covid", [(12,)], 0),
        ("mnist", [(28, 28, 1)], 0),
        ("own.csv", [(178,)], 0),
    ],
)
def test_samples_are_simulated_and_fit(data: str, shapes: Any, classes: int) -> None:
    about = card(*shapes, provenance={"data": data})
    samples = simulated_samples(about, editor(*shapes), {})
    assert len(samples) == classes
    for sample in samples:
        assert np.shape(sample["values"]) == shapes[0]
    assert len({sample["label"] for sample in samples}) == classes


def test_a_sample_of_visits_ends_after_its_last_visit() -> None:
    from kerasnets.data import load_data

    options = {"patients": 400}
    codes = load_data("mortality-simulated", **options).train.x.features
    about = card((None, codes), (), provenance={"data": "mortality-simulated"})
    samples = simulated_samples(about, editor((None, codes), (), values=1.0), options)
    assert [sample["label"] for sample in samples] == ["alive", "died"]
    for sample in samples:
        assert np.any(sample["values"][0])
        assert np.shape(sample["values"])[1] == codes
