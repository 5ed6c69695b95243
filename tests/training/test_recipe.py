"""Recipes: defaults, files, and errors that name every wrong setting."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import kerasnets as kn
from kerasnets import Recipe
from kerasnets.nets import catalogue
from kerasnets.training import make_recipe, read_recipe
from kerasnets.training.recipe import check_recipe, recipe_toml


def test_the_default_recipe_has_the_net_and_its_data():
    recipe = make_recipe("seizure-cnn")
    assert (recipe.net, recipe.data, recipe.split) == ("seizure-cnn", "seizure", "")
    assert (recipe.batch_size, recipe.rescaling, recipe.seed) == (32, "standard", 0)


def test_settings_replace_defaults():
    recipe = make_recipe("seizure-gru", epochs=3, learning_rate=1, net_arguments={"units": 8})
    assert (recipe.epochs, recipe.learning_rate, recipe.net_arguments) == (3, 1, {"units": 8})


@pytest.fixture
def net_with_recipes(monkeypatch):
    """A net whose default recipe depends on the data and has arguments of the builder."""
    monkeypatch.setattr(catalogue, "_SPECS", dict(catalogue._SPECS))
    on_first = {"epochs": 4, "net_arguments": {"units": 8, "dropout": 0.5}}

    @kn.register(
        "my-net", data="first", source="S1", recipe_by_data={"first": on_first},
        as_reported={"epochs": 5}, epochs=6,
    )  # fmt: skip
    def builder(*, units=1, dropout=0.0, classes=2):
        """A net."""

    return "my-net"


def test_the_recipe_is_the_recommended_one_of_the_net_on_the_data(net_with_recipes):
    net = net_with_recipes
    first = make_recipe(net)
    assert (first.data, first.epochs) == ("first", 4)
    assert first.net_arguments == {"units": 8, "dropout": 0.5}
    assert make_recipe(net, data="first") == make_recipe(net, "default") == first
    other = make_recipe(net, data="patients.csv")
    assert (other.epochs, other.net_arguments) == (6, {})
    reported = make_recipe(net, "as-reported")
    assert (reported.data, reported.epochs, reported.net_arguments) == ("first", 5, {})
    assert make_recipe(net, "as-reported", epochs=7).epochs == 7


@pytest.mark.parametrize("net", kn.list_nets())
def test_every_recipe_of_the_catalogue_is_valid(net):
    spec = kn.describe(net)
    for name in spec.recipes:
        for data in {spec.data, "patients.csv", *spec.recipe_by_data}:
            settings = {"net": net, "data": data, **spec.settings(data, name)}
            assert make_recipe(net, name, data=data) == check_recipe(settings)


def test_arguments_of_the_builder_are_replaced_one_by_one(net_with_recipes):
    made = make_recipe(net_with_recipes, net_arguments={"units": 3})
    assert made.net_arguments == {"units": 3, "dropout": 0.5}
    with pytest.raises(ValueError, match="net_arguments = 3: Input should be a valid dictionary"):
        make_recipe(net_with_recipes, net_arguments=3)


def test_a_recipe_file_is_completed_with_the_default_of_its_net_and_data(
    net_with_recipes, tmp_path
):
    path = tmp_path / "recipe.toml"
    for text, data, expected in [
        ("", None, (4, 32, {"units": 8, "dropout": 0.5})),
        ("batch_size = 16", None, (4, 16, {"units": 8, "dropout": 0.5})),
        ('data = "second"', None, (6, 32, {})),
        ('data = "second"', "first", (4, 32, {"units": 8, "dropout": 0.5})),
        ("epochs = 9\n[net_arguments]\nunits = 2", None, (9, 32, {"units": 2})),
    ]:
        path.write_text(f'net = "my-net"\n{text}')
        settings = {} if data is None else {"data": data}
        made = make_recipe(net_with_recipes, path, **settings)
        assert (made.epochs, made.batch_size, made.net_arguments) == expected
        assert data is not None or read_recipe(path) == made


def test_a_complete_recipe_stays_as_it_is(net_with_recipes, tmp_path):
    path = tmp_path / "recipe.toml"
    # As written by a version without a default for these arguments.
    for arguments in ({}, {"units": 8}):
        old = check_recipe({"net": "my-net", "data": "first", "net_arguments": arguments})
        path.write_text(recipe_toml(old), encoding="utf-8")
        assert read_recipe(path) == old
        assert make_recipe("my-net", old) == old
        changed = make_recipe("my-net", old, net_arguments={"dropout": 0.1})
        assert changed.net_arguments == {**arguments, "dropout": 0.1}


def test_a_name_comes_before_a_file_of_this_name(net_with_recipes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("as-reported", "mine"):
        Path(name).write_text("epochs = 11")
    assert make_recipe(net_with_recipes, "as-reported").epochs == 5
    for file in ("./as-reported", Path("as-reported"), "mine"):
        assert make_recipe(net_with_recipes, file).epochs == 11


def test_unknown_recipes_are_refused(net_with_recipes, tmp_path):
    with pytest.raises(ValueError, match=r"recipe of my-net 'as-reportd'\. Did you mean 'as-rep"):
        make_recipe(net_with_recipes, "as-reportd")
    with pytest.raises(FileNotFoundError, match=r"There is no recipe file nowhere\.toml"):
        make_recipe(net_with_recipes, "nowhere.toml")
    with pytest.raises(FileNotFoundError, match="There is no recipe file"):
        make_recipe(net_with_recipes, tmp_path)


def test_a_written_recipe_is_read_unchanged(tmp_path):
    recipe = make_recipe(
        "seizure-gru", net_arguments={"units": [8, 4], "reset_after": False}, learning_rate=3e-4
    )
    path = tmp_path / "recipe.toml"
    path.write_text(recipe_toml(recipe), encoding="utf-8")
    assert read_recipe(path) == recipe
    assert set(tomllib.loads(path.read_text())) == set(Recipe.fields())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epoch": 3}, r"Unknown setting in the recipe 'epoch'\. Did you mean 'epochs'"),
        ({"epochs": "3"}, r"epochs = '3': Input should be a valid integer"),
        ({"epochs": 3.0}, r"epochs = 3\.0: Input should be a valid integer"),
        ({"epochs": True}, r"epochs = True: Input should be a valid integer"),
        ({"epochs": 0}, r"epochs = 0: Input should be greater than or equal to 1"),
        ({"epochs": 2**31}, r"epochs = 2147483648: Input should be less than"),
        ({"learning_rate": 0.0}, r"learning_rate = 0\.0: Input should be greater than 0"),
        ({"learning_rate": float("nan")}, r"learning_rate = nan"),
        ({"learning_rate": float("inf")}, r"learning_rate = inf"),
        ({"seed": -1}, r"seed = -1"),
        ({"optimizer": "adan"}, r"optimizer = 'adan': Input should be 'adam'"),
        ({"schedule": None}, r"schedule = None"),
        (
            {"rescaling": "minmax"},
            r"rescaling = 'minmax': Input should be 'standard', 'shared' or 'none'",
        ),
        ({"early_stopping": -1}, r"early_stopping = -1"),
        ({"net_arguments": {"unit": 3}}, r"argument of seizure-gru 'unit'\. Did you mean 'units'"),
        ({"batch_size": 0, "seed": "x"}, r"batch_size = 0: .*; seed = 'x': "),
    ],
)
def test_a_wrong_setting_is_named(settings, message):
    with pytest.raises(ValueError, match=message):
        make_recipe("seizure-gru", **settings)


def test_an_unknown_net_is_refused():
    with pytest.raises(ValueError, match=r"Unknown net 'seizure-grü'\. Did you mean 'seizure-gru'"):
        make_recipe("seizure-grü")


def test_a_net_outside_the_catalogue_can_have_a_recipe():
    assert check_recipe({"net": "mine", "data": "mine", "epochs": 2}).net == "mine"


def test_files_that_are_not_recipes_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There is no recipe file .*nowhere\.toml"):
        read_recipe(tmp_path / "nowhere.toml")
    path = tmp_path / "recipe.toml"
    for content, message in [
        (b'net = "a"\nepochs 3', r"is not a TOML file: .*line 2, column 8"),
        (b"\xff\xfe\x00", "is not a TOML file"),
        (b"", 'names no net; add a line such as net = "seizure-cnn"'),
        (b'net = "seizure-cnn"\nepoch = 3', "Did you mean 'epochs'"),
    ]:
        path.write_bytes(content)
        with pytest.raises(ValueError, match=message):
            read_recipe(path)
