"""Simulated points in the plane: four small problems that show how a net learns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from kerasnets.data.catalogue import register
from kerasnets.data.dataset import Dataset
from kerasnets.data.options import whole_number
from kerasnets.data.splits import split_fold
from kerasnets.data.tables.dataset import number_dataset

CLASS_NAMES = ("negative", "positive")
Draw = Callable[[np.random.Generator, np.ndarray], np.ndarray]


def _xor(rng: np.random.Generator, y: np.ndarray) -> np.ndarray:
    """The corners of the unit square; those with exactly one coordinate of 1 are positive."""
    first = rng.integers(0, 2, len(y))
    return np.stack([first, first ^ y], axis=1).astype(np.float64)


def _circle(rng: np.random.Generator, y: np.ndarray) -> np.ndarray:
    """A disc of radius 0.5, positive, inside a ring from 0.8 to 1.2."""
    radius = np.where(y, 0.5 * np.sqrt(rng.random(len(y))), rng.uniform(0.8, 1.2, len(y)))
    angle = rng.uniform(0, 2 * np.pi, len(y))
    return radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _spiral(rng: np.random.Generator, y: np.ndarray) -> np.ndarray:
    """Two arms that wind around each other one and a half times."""
    along = np.sqrt(rng.random(len(y)))
    angle = 3 * np.pi * along + np.pi * y
    return along[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _gaussians(rng: np.random.Generator, y: np.ndarray) -> np.ndarray:
    """Two clouds of variance 0.25 whose centres are 2 apart."""
    return np.stack([2.0 * y - 1, np.zeros(len(y))], axis=1) + 0.5 * rng.standard_normal(
        (len(y), 2)
    )


def _register(name: str, draw: Draw, noise: float, summary: str) -> None:
    @register(name, splits=("row",))
    def load(
        *,
        data_dir: str | Path | None,
        split: str,
        seed: int,
        points: int = 400,
        noise: float = noise,
        generator_seed: int = 0,
        folds: int = 0,
        fold: int = 0,
    ) -> Dataset:
        whole_number("points", points, 6)
        whole_number("generator_seed", generator_seed, 0)
        if not isinstance(noise, int | float) or not 0 <= noise < np.inf:
            raise ValueError(f"noise must be a standard deviation of 0 or more, got {noise!r}.")
        rng = np.random.default_rng(generator_seed)
        y = (np.arange(points) % 2).astype(np.int32)
        x = (draw(rng, y) + noise * rng.standard_normal((points, 2))).astype(np.float32)
        parts = split_fold(y, folds=folds, fold=fold, seed=seed)
        return number_dataset(
            name, x, y, parts, feature_names=("x1", "x2"),
            class_names=CLASS_NAMES, seed=seed,
            source=f"simulated, not measured ({points:,} points, seed {generator_seed})",
        )  # fmt: skip

    load.__doc__ = (
        f"{summary}\n\nOptions: points, noise (standard deviation), generator_seed, folds, fold."
    )


_register("xor-simulated", _xor, 0.1, "The four corners of XOR, with noise.")
_register("circle-simulated", _circle, 0.05, "A disc within a ring.")
_register("spiral-simulated", _spiral, 0.03, "Two spirals around each other.")
_register("gaussians-simulated", _gaussians, 0.0, "Two Gaussian clouds.")
