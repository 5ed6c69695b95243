"""Files of newer versions of Keras load in older ones."""

from __future__ import annotations

import inspect
import json
import zipfile

import keras
import numpy as np
import pytest

from kerasnets.nets import load_model
from kerasnets.nets.new_arguments import (
    NEW_ARGUMENTS,
    remove_new_arguments,
    saved_by_newer_keras,
    without_new_arguments,
)
from tests.nets.saved_by_newer_keras import CODES, FILE, build

WITHOUT = ("input_axes", "quantization_config", "renorm", "sliding_window", "oov_method")


@keras.saving.register_keras_serializable("tests.new_arguments")
class PassedOn(keras.layers.Dense):
    def __init__(self, units, **kwargs):
        super().__init__(units, **kwargs)


@keras.saving.register_keras_serializable("tests.new_arguments")
class OwnArgument(keras.layers.Layer):
    def __init__(self, salt, **kwargs):
        super().__init__(**kwargs)
        self.salt = salt

    def get_config(self):
        return {**super().get_config(), "salt": self.salt}


def members(path):
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def config_of(path):
    return members(path)["config.json"].decode()


def save_as(path, model, version, **arguments):
    """Save a model as a later version of Keras, in which Dense layers have more arguments."""
    model.save(path)
    content = members(path)
    metadata = {**json.loads(content["metadata.json"]), "keras_version": version}
    config = json.loads(content["config.json"])
    for layer in config["config"]["layers"]:
        if layer["class_name"] == "Dense":
            layer["config"] |= arguments
    content |= {"metadata.json": json.dumps(metadata), "config.json": json.dumps(config)}
    with zipfile.ZipFile(path, "w") as file:
        for name, text in content.items():
            file.writestr(name, text)


@pytest.fixture
def model():
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])


def test_a_file_of_keras_3_15_loads_in_this_version():
    assert all(f'"{name}"' in config_of(FILE) for name in WITHOUT)
    loaded, built = load_model(FILE), build()
    np.testing.assert_allclose(loaded(CODES), built(CODES), rtol=1e-5)
    labels = np.array([0, 1])
    np.testing.assert_allclose(
        loaded.evaluate(CODES, labels, verbose=0), built.evaluate(CODES, labels, verbose=0), 1e-5
    )


def test_a_rewritten_file_is_the_same_model_for_any_version(tmp_path):
    path, model = tmp_path / "model.keras", build()
    model.save(path)
    before = members(path)
    remove_new_arguments(path)
    after = members(path)
    assert [name for name in before if before[name] != after[name]] in (["config.json"], [])
    assert not any(f'"{name}"' in config_of(path) for name in WITHOUT)
    np.testing.assert_array_equal(keras.saving.load_model(path)(CODES), model(CODES))
    remove_new_arguments(path)
    assert members(path) == after
    assert list(tmp_path.iterdir()) == [path]


def test_new_arguments_of_a_newer_file_are_left_out(model, tmp_path):
    path = tmp_path / "model.keras"
    # No version of Keras has this argument in Dense.
    save_as(path, model, "3.99.0", sliding_window=None)
    with pytest.raises((TypeError, ValueError), match="sliding_window"):
        keras.saving.load_model(path)
    content = path.read_bytes()
    rows = np.ones((2, 3), "float32")
    np.testing.assert_array_equal(load_model(path)(rows), model(rows))
    assert path.read_bytes() == content


@pytest.mark.parametrize("argument", [{"sliding_window": 2}, {"from_the_future": None}])
def test_the_versions_are_named_if_a_newer_file_needs_more(argument, model, tmp_path):
    path = tmp_path / "model.keras"
    save_as(path, model, "3.99.0", **argument)
    versions = rf"\(saved by Keras 3\.99\.0; Keras {keras.__version__} is installed\)$"
    with pytest.raises(ValueError, match=rf"model\.keras cannot be loaded.*{versions}"):
        load_model(path)


@pytest.mark.parametrize("version", [keras.__version__, "3.1.0", "", "?"])
def test_only_files_of_newer_versions_are_changed(version, model, tmp_path):
    path = tmp_path / "model.keras"
    save_as(path, model, version, sliding_window=None)
    assert saved_by_newer_keras(path) == ""
    with pytest.raises(ValueError, match=r"cannot be loaded as a Keras model: [^(]*"):
        load_model(path)


def test_a_damaged_file_is_left_to_keras(tmp_path):
    path = tmp_path / "model.keras"
    for content in (b"", b"PK" * 50, FILE.read_bytes()[:500]):
        path.write_bytes(content)
        assert saved_by_newer_keras(path) == ""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("metadata.json", "[]")
    assert saved_by_newer_keras(path) == ""


def test_classes_of_the_user_keep_their_own_arguments():
    layers = [PassedOn(2, name="a"), OwnArgument(None, name="b")]
    configs = [keras.saving.serialize_keras_object(layer) for layer in layers]
    configs[0]["config"]["quantization_config"] = None
    unknown = {"module": "mine", "class_name": "A", "registered_name": "A", "config": {"salt": 1}}
    unknown["config"]["renorm"] = False
    passed_on, own, kept = json.loads(without_new_arguments(json.dumps([*configs, unknown])))
    assert "quantization_config" not in passed_on["config"]
    assert PassedOn.from_config(passed_on["config"]).units == 2
    assert own["config"]["salt"] is None
    assert kept == unknown


def test_values_that_are_not_the_default_are_kept():
    values = {"renorm": True, "renorm_momentum": 0.9, "salt": 0, "use_gate": 0}
    item = {"module": "keras.layers", "class_name": "A", "config": {**values, "renorm": 0}}
    assert json.loads(without_new_arguments(json.dumps(item))) == item


def test_the_defaults_are_those_of_keras():
    """Only then does an argument that is left out mean the same."""
    modules = (keras.initializers, keras.layers, keras.losses, keras.metrics, keras.optimizers)
    classes = [
        found for module in modules for _, found in inspect.getmembers(module, inspect.isclass)
    ]
    seen = {
        (name, parameter.default)
        for found in classes
        for name, parameter in inspect.signature(found.__init__).parameters.items()
        if name in NEW_ARGUMENTS
    }
    assert seen <= set(NEW_ARGUMENTS.items())
    if keras.__version__ >= "3.15":
        # EinsumDense passes it on as one of ``**kwargs``.
        assert {name for name, _ in seen} | {"gptq_unpacked_column_size"} == set(NEW_ARGUMENTS)
