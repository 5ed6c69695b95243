"""The methods that mortality.py compares: the mortality nets and classifiers on code counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

import kerasnets as kn
from kerasnets.data import Dataset, Split
from kerasnets.data.dataset import sequences
from kerasnets.evaluation import predict_probabilities
from kerasnets.studies.runs import resume_or_train

Predictions = tuple[np.ndarray, np.ndarray, np.ndarray]  # labels, probabilities, patients
# Fits on the training split, and returns predictions for the validation and the test split. The
# second argument is the number of the fold.
Method = Callable[[Dataset, int], tuple[Predictions, Predictions]]
Features = Callable[[Split], np.ndarray]
Settings = dict[str, Any]

ADAM: Settings = {"epochs": 16}
SGD: Settings = {"epochs": 20, "optimizer": "sgd", "learning_rate": 0.1, "schedule": "cosine"}
# The settings to choose from on the validation split. Few patients and many codes need a weight
# penalty. It must be small for deep nets, because it acts on all of their layers.
PLAIN: dict[str, list[Settings]] = {
    "mortality-gru": [
        {**ADAM, "net_arguments": {"l2": 0.01}},
        {**SGD, "net_arguments": {"l2": 0.01}},
    ],
    "mortality-lstm": [
        {**ADAM, "net_arguments": {"l2": 0.001}},
        {**SGD, "net_arguments": {"l2": 0.003}},
    ],
    "mortality-deep": [
        {**ADAM, "net_arguments": {"l2": 0.0003}},
        {**ADAM, "net_arguments": {"code_dropout": 0.5}},
    ],
}
WIDE: list[Settings] = [
    {**SGD, "net_arguments": {"l2": 0.01, "wide": True}},
    {**SGD, "net_arguments": {"l2": 0.005, "wide": True}},
]
SIMULATED: list[Settings] = [{"epochs": 12}]


def code_classifiers() -> dict[str, dict[str, Method]]:
    """Classifiers of scikit-learn on code counts: by title, one method per setting."""

    def logistic(features: Features) -> dict[str, Method]:
        return {
            f"C = {c}": fit_classifier(LogisticRegression(C=c, max_iter=3000), features)
            for c in (0.01, 0.03, 0.1, 0.3)
        }

    trees = {
        f"{leaves} leaves, {rounds} rounds": fit_classifier(
            HistGradientBoostingClassifier(
                max_iter=rounds, learning_rate=0.05, max_leaf_nodes=leaves, random_state=0
            ),
            which_codes,
        )
        for leaves in (4, 8)
        for rounds in (50, 100)
    }
    return {
        "logistic regression, which codes occurred": logistic(which_codes),
        "logistic regression, share of visits with each code": logistic(share_of_visits),
        "gradient-boosted trees, which codes occurred": trees,
    }


def nets(data: str, runs: Path) -> dict[str, dict[str, Method]]:
    """The mortality nets: by title, one method per setting."""
    titles: dict[str, tuple[str, list[Settings]]] = {}
    for net in kn.list_nets("mortality-*"):
        if data == "eicu":
            titles[f"`{net}`"] = net, PLAIN[net]
            titles[f"`{net}`, wide"] = net, WIDE
        else:
            titles[f"`{net}`"] = net, SIMULATED
    return {
        title: {
            describe(settings): fit_net(net, settings, runs / f"{data}-{net}-{describe(settings)}")
            for settings in choices
        }
        for title, (net, choices) in titles.items()
    }


def describe(settings: Mapping[str, Any]) -> str:
    """Settings as text, which is also the name of a folder."""
    flat = {**settings, **settings.get("net_arguments", {})}
    flat.pop("net_arguments", None)
    return " ".join(f"{name}={value}" for name, value in flat.items())


def fit_net(net: str, settings: Settings, folder: Path) -> Method:
    """Train a net, with one run folder per fold. Finished runs are reused."""

    def fit(data: Dataset, fold: int) -> tuple[Predictions, Predictions]:
        options = {"recipe": "as-reported", **settings}
        run = resume_or_train(net, folder / str(fold), data=data, **options)
        return predict(data, lambda split: predict_probabilities(run.model, split.x)[:, 1])

    return fit


def fit_classifier(classifier: Any, features: Features) -> Method:
    """Fit a classifier of scikit-learn on features of the code counts."""

    def fit(data: Dataset, fold: int) -> tuple[Predictions, Predictions]:
        del fold
        model = clone(classifier).fit(features(data.train), data.train.y)
        return predict(data, lambda split: model.predict_proba(features(split))[:, 1])

    return fit


def which_codes(split: Split) -> np.ndarray:
    """Whether each code occurred, shape ``(patients, codes)``."""
    occurred: np.ndarray = sequences(split).code_counts() > 0
    return occurred


def share_of_visits(split: Split) -> np.ndarray:
    """In which share of the visits each code occurred, shape ``(patients, codes)``."""
    share: np.ndarray = sequences(split).code_counts() / sequences(split).lengths[:, None]
    return share


def predict(
    data: Dataset, probabilities: Callable[[Split], np.ndarray]
) -> tuple[Predictions, Predictions]:
    """Labels, probabilities and patients of the validation split and of the test split."""
    validation, test = (
        (split.y, probabilities(split), np.asarray(split.groups))
        for split in (data.validation, data.test)
    )
    return validation, test
