"""Models, and readers of exported folders, that several tests of this folder use."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives import serialization

import kerasnets as kn
from kerasnets._lazy import keras

CLASSES = ("seizure", "tumour", "healthy", "closed", "open")


@dataclasses.dataclass
class Labelled:
    """Examples of the classes that a model predicts."""

    x: np.ndarray
    y: np.ndarray


class TrainedNet:
    """The attributes of a run that export uses."""

    def __init__(self) -> None:
        rows = np.random.default_rng(1).normal(20, 150, (70, 178)).astype("float32")
        normalization = keras.layers.Normalization(name="rescale")
        normalization.adapt(rows)
        keras.utils.set_random_seed(3)
        net = kn.build("seizure-mlp")
        # Like a trained net: a bias of zeros would be removed from the graph.
        net.get_layer("logits").bias.assign([0.1, -0.2, 0.3, -0.4, 0.5])
        x = normalization(net.input)
        for layer in net.layers[1:]:
            x = layer(x)
        self.model = keras.Model(net.input, x, name="trained-mlp")
        self.name = "seizure-mlp"
        self.class_names = CLASSES
        self.units = "µV"
        self.example_inputs = rows
        self.provenance = {"net": "seizure-mlp", "seed": "3", "data_checksum": "abc"}


def small_net(**arguments: object) -> keras.Model:
    """A classifier of 6 samples into 5 classes."""
    return kn.build("seizure-mlp", units=(3,), samples=6, **arguments)


def dense_model(units: int, features: int = 4, **arguments: object) -> keras.Model:
    """One dense layer on the input ``x``."""
    x = keras.Input((features,), name="x")
    return keras.Model(x, keras.layers.Dense(units, **arguments)(x))


def read_card(folder: Path) -> dict:
    """The content of ``card.json``."""
    return json.loads((folder / "card.json").read_text(encoding="utf-8"))


def write_keys(folder: Path, name: str, private: object) -> tuple[Path, Path]:
    """Write a private and a public key."""
    paths = folder / f"{name}.pem", folder / f"{name}.pub"
    pem = serialization.Encoding.PEM
    paths[0].write_bytes(
        private.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    paths[1].write_bytes(
        private.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return paths
