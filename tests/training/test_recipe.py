"""Recipes: defaults, files, and errors that name every wrong setting."""

from __future__ import annotations

import tomllib

import pytest

from kerasnets import Recipe
from kerasnets.training import make_recipe, read_recipe
from kerasnets.training.recipe import check_recipe, recipe_toml


def test_the_default_recipe_has_the_net_and_its_data():
    recipe = make_recipe("seizure-cnn")
    assert (recipe.net, recipe.data, recipe.split) == ("seizure-cnn", "seizure", "")
    assert (recipe.batch_size, recipe.rescaling, recipe.seed) == (32, "standard", 0)


def test_settings_replace_defaults():
    recipe = make_recipe("seizure-gru", epochs=3, learning_rate=1, net_arguments={"units": 8})
    assert (recipe.epochs, recipe.learning_rate, recipe.net_arguments) == (3, 1, {"units": 8})


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
        ({"rescaling": "minmax"}, r"rescaling = 'minmax': Input should be 'standard' or 'none'"),
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
