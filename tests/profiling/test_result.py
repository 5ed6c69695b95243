"""The formats of a profile: table, Markdown, HTML, JSON, CSV, explanation, chart."""

import csv
import io
import json
from html.parser import HTMLParser

import keras
import pytest
from keras import layers

import kerasnets as kn


@pytest.fixture(scope="module")
def mlp():
    return kn.profile(kn.build("seizure-mlp"))


def test_the_table_looks_like_model_summary(mlp):
    lines = str(mlp).splitlines()
    assert lines[0] == "seizure-mlp, inference on one sample, convention exact"
    header = [cell.strip() for cell in lines[2].strip("┃").split("┃")]
    assert header == ["Layer", "Type", "Output shape", "Params", "MACs", "FLOPs", "Share"]
    row = [cell.strip() for cell in lines[4].strip("│").split("│")]
    assert row == ["dense_1", "Dense", "(16,)", "2,864", "2,848", "5,760", "97.3 %"]
    assert len({len(line) for line in lines[1:7]}) == 1
    assert "Parameters: 2,949 (11.5 KB), 2,949 trainable" in lines
    assert "MACs: 2,928" in lines
    assert "FLOPs (exact): 5,920" in lines
    assert str(mlp) == mlp.to_text()


def test_markdown_is_a_table_and_vertical_bars_in_names_are_escaped():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2, name="a|b")])
    lines = kn.profile(model).to_markdown().splitlines()
    assert lines[3] == "|---|---|---|---:|---:|---:|---:|"
    assert lines[4] == "| a\\|b | Dense | (2,) | 8 | 6 | 12 | 100.0 % |"


def test_html_is_well_formed_and_escaped():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2, name="<b>")])
    cost = kn.profile(model)
    opened = []

    class Check(HTMLParser):
        def handle_starttag(self, tag, attributes):
            if tag != "br":
                opened.append(tag)

        def handle_endtag(self, tag):
            assert opened.pop() == tag

    Check().feed(cost.to_html())
    assert opened == []
    assert "&lt;b&gt;" in cost.to_html()
    assert cost._repr_html_() == cost.to_html()


def test_json_and_csv_have_plain_numbers(mlp):
    record = json.loads(mlp.to_json())
    assert record["flops"] == 5_920
    assert record["phases"] == {"forward": 5_920}
    assert record["complete"] is True
    assert sum(layer["flops"] for layer in record["layers"]) == 5_920
    rows = list(csv.DictReader(io.StringIO(mlp.to_csv())))
    assert [row["layer"] for row in rows] == ["dense_1", "logits"]
    assert sum(int(row["params"]) for row in rows) == 2_949
    assert rows[0]["multiply_adds"] == "2848"


def test_unknown_sizes_are_shown_as_expressions():
    model = keras.Sequential([keras.Input((None, 7)), layers.Dense(4)])
    cost = kn.profile(model)
    assert json.loads(cost.to_json())["flops"] == "56*T"
    assert json.loads(cost.to_json())["symbols"] == ["T"]
    assert "56*T" in str(cost)
    assert "(T, 4)" in str(cost)


def test_the_explanation_is_the_calculation_in_the_course_reports(mlp):
    text = mlp.explain()
    assert "(178 + 1) · 16 = 2,864" in text
    assert "2 · 178 · 16 = 5,696" in text
    assert "4 · 16 = 64" in text
    assert "(16 + 1) · 5 = 85" in text
    assert "2 · 16 · 5 = 160" in text
    assert text.splitlines()[-1] == "FLOPs       5,760 + 160 = 5,920"


def test_the_explanation_of_a_recurrent_net_lists_every_gate():
    text = kn.profile(kn.build("seizure-gru", reset_after=False)).explain()
    assert "(1 + 16 + 1) · 48 = 864" in text
    assert "2 · (1 + 16) · 16 · 178 steps = 96,832" in text
    assert "4 · 16 · 178 steps = 11,392" in text
    assert "6 · 16 · 178 steps = 17,088" in text
    assert "344,608 + 160 = 344,768" in text


@pytest.mark.parametrize("convention", ["exact", "macs", "tf", "s2", "s5"])
@pytest.mark.parametrize("name", ["seizure-cnn", "seizure-bigru"])
def test_every_calculation_in_an_explanation_is_correct(name, convention):
    text = kn.profile(kn.build(name), convention=convention).explain()
    checked = 0
    for line in text.splitlines():
        calculation, equals, result = line.strip().rpartition(" = ")
        if equals and (parts := calculation.split("  ")):
            product = parts[-1].replace("·", "*").replace("−", "-")
            product = product.replace(",", "").replace(" steps", "").strip()
            assert eval(product) == int(result.replace(",", ""))  # noqa: S307  the text is ours
            checked += 1
    assert checked >= 8


def test_the_explanation_of_a_convolution_without_bias():
    model = keras.Sequential([keras.Input((8, 2)), layers.Conv1D(3, 5, use_bias=False)])
    assert "(2 · 5 · 2 − 1) · 4 · 3 = 228" in kn.profile(model).explain()


def test_the_chart_has_two_bars_per_call_with_a_cost(mlp):
    figure = mlp.plot()
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["dense_1", "logits"]
    shares = [bar.get_width() for bar in axes.patches]
    assert shares == pytest.approx(
        [100 * 5_760 / 5_920, 100 * 160 / 5_920, 100 * 2_864 / 2_949, 100 * 85 / 2_949]
    )


def test_the_chart_of_a_deep_net_combines_the_smallest_calls():
    inputs = x = keras.Input((8,))
    for _ in range(40):
        x = layers.Dense(8)(x)
    cost = kn.profile(keras.Model(inputs, x))
    (axes,) = cost.plot().axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names[-1] == "17 others"
    assert len(names) == 24
    assert sum(bar.get_width() for bar in axes.patches) == pytest.approx(200)


def test_profiles_that_cannot_be_drawn_raise_an_error():
    with pytest.raises(ValueError, match=r"unknown sizes T.*at\(T=178\)"):
        kn.profile(keras.Sequential([keras.Input((None, 7)), layers.Dense(4)])).plot()
    inputs = keras.Input((3,))
    with pytest.raises(ValueError, match="no parameters and no operations"):
        kn.profile(keras.Model(inputs, layers.Flatten()(inputs))).plot()
