"""Check the claims of S3 and S4 about tables: trees on rain data, nets on COVID-19 cases."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from kerasnets.data import Dataset, statistics
from kerasnets.studies.claims import read_claims
from kerasnets.studies.results import ClaimResult, Row, answer_claim
from kerasnets.studies.trained_claims import answer_by_training
from kerasnets.studies.tree_figures import depth_curves, heat_maps
from kerasnets.studies.trees import GRID, MAX_DEPTH, grow_trees
from kerasnets.studies.workspace import Workspace

SEEDS = (0, 1, 2)
_SIMILAR = 0.1  # relative difference of test losses that still counts as similar
_CLOSE = 0.02  # difference of AUCs on other splits of the same data that still counts as equal
_COLUMNS = {"nodes": "nodes", "training AUC": "train_auc", "validation AUC": "validation_auc"}


def reproduce_covid(work: Workspace) -> list[ClaimResult]:
    """Train the nets with one and two layers. The run folders contain figures of their weights.

    Uses the CDC's cases if the file exists, otherwise simulated cases.
    """
    data = work.load_first("covid", "covid-simulated")
    accuracy_row, layers_row = read_claims("covid")
    same_data = data.name == "covid"
    survived = 100 * float(np.mean(data.test.y == 0))
    seeds = SEEDS[:1] if work.quick else SEEDS
    loss_1, loss_2 = (
        float(np.mean([work.run(net, data, seed).metrics["test"]["log_loss"] for seed in seeds]))
        for net in ("covid-1", "covid-2")
    )
    return [
        answer_by_training(
            work,
            accuracy_row,
            data,
            SEEDS,
            same_data=same_data,
            note=f"{survived:.1f} % of the test cases survived",
        ),
        answer_claim(
            layers_row,
            f"{loss_1:.4f} and {loss_2:.4f}",
            data,
            holds=abs(loss_1 - loss_2) <= _SIMILAR * loss_2,
            same_data=same_data,
            seeds=seeds,
            quick=work.quick,
        ),
    ]


def reproduce_rain(work: Workspace) -> list[ClaimResult]:
    """Grow the trees of S3, draw its depth curves and heat maps, and rescale its features.

    Uses the course's data if the files exist, otherwise simulated data with the same statistics.
    """
    data = work.load_first("rain", "rain-simulated")
    same_data = data.name == "rain"
    key = {"data": data.name, "checksum": data.checksum, "columns": GRID}
    study = work.cached("rain", key, lambda: _grow(work, data))
    trees = pd.DataFrame(study["trees"])
    return [_answer_rain(row, data, same_data, trees, study) for row in read_claims("rain")]


def _grow(work: Workspace, data: Dataset) -> dict[str, Any]:
    curves = grow_trees(data, MAX_DEPTH, (2,), (1, 4), progress=work.progress)
    maps = grow_trees(data, (10,), range(2, 10), range(1, 10), progress=work.progress)
    work.save_figure("trees_depth_curves", depth_curves(curves))
    work.save_figure("trees_heat_maps", heat_maps(maps))
    rescaled = statistics(data)
    return {
        "trees": curves.table.to_dict("records"),
        "different": int(maps.table["validation_auc"].nunique()),
        "mean": float(rescaled["rescaled_mean"].abs().max()),
        "variance": float((rescaled["rescaled_variance"] - 1).abs().max()),
        "recommended": maps.text,
    }


def _answer_rain(
    row: Row, data: Dataset, same_data: bool, trees: pd.DataFrame, study: dict[str, Any]
) -> ClaimResult:
    if row["system"] == "decision tree heat maps":
        different = study["different"]
        # S3's constant heat map is a bug in its program, so the data do not matter.
        return answer_claim(
            row, different, data, holds=different == 1, seeds=[0], note=study["recommended"]
        )
    if row["system"] == "feature statistics":
        error = max(study["mean"], study["variance"])
        ours = f"0 and 1, within {error:.0e}"
        return answer_claim(row, ours, data, holds=error < 1e-6, same_data=same_data)
    max_depth, min_samples_leaf = _tree_settings(row["system"])
    chosen = (trees["max_depth"] == max_depth) & (trees["min_samples_leaf"] == min_samples_leaf)
    value = trees.loc[chosen, _COLUMNS[row["quantity"]]].item()
    stated = float(row["stated"])
    if row["quantity"] == "nodes":
        return answer_claim(
            row, int(value), data, holds=value == stated, same_data=same_data, seeds=[0]
        )
    holds = abs(value - stated) <= _CLOSE
    return answer_claim(row, float(value), data, holds=holds, same_data=same_data, seeds=[0])


def _tree_settings(system: str) -> tuple[int, int]:
    """Read ``max_depth`` and ``min_samples_leaf`` (default 1) from the name of a system."""
    # Such as "decision tree depth 5" and "decision tree depth 5, min_samples_leaf 4".
    words = system.replace(",", "").split()
    return int(words[3]), int(words[-1]) if "min_samples_leaf" in words else 1
