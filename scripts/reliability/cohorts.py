"""Cohorts of eICU and MIMIC-III as lists, unsplit, for a comparison with an independent reading."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np

from kerasnets.data.ehr import eicu, mimic3
from kerasnets.data.ehr.code_table import Ancestry
from kerasnets.data.ehr.converted import converted
from kerasnets.data.ehr.event_blocks import ShardReader
from kerasnets.data.ehr.event_shards import MappedShard, map_file
from kerasnets.data.ehr.frames import open_engine
from kerasnets.data.ehr.meds_files import find_meds
from kerasnets.data.ehr.meds_labels import Labels
from kerasnets.data.ehr.meds_splits import Persons

RULES = {"eicu": eicu.event_rules(), "mimic3": mimic3.RULES}
OPTIONS = {"eicu": 24, "mimic3": 365}


def read_cohort(name: str, files: dict[str, Path]) -> dict[str, Any]:
    """Convert tables, and read all examples: visits as sorted lists of codes, deaths, persons."""
    with converted(name, files, OPTIONS[name]) as folder, open_engine("polars") as frames:
        found = find_meds(folder, "labels")
        labels, ancestry = Labels(found.labels), Ancestry.read(found.codes)
        reader = ShardReader(frames, labels, RULES[name], ancestry, {})
        shards = [map_file(reader, path) for path in found.shards]
        subjects = np.concatenate([shard.examples.subject for shard in shards])
        return {
            "visits": [visits for shard in shards for visits in as_lists(shard)],
            "died": [bool(y) for shard in shards for y in shard.examples.y],
            "patients": Persons(found.persons).of(subjects).tolist(),
        }


def as_lists(shard: MappedShard) -> list[list[list[str]]]:
    """For each example of a shard its visits, each a sorted list of codes."""
    codes, counts = iter(shard.visits.codes), iter(shard.visits.codes_per_visit)
    return [
        [
            sorted(shard.names[code] for code in itertools.islice(codes, count))
            for count in itertools.islice(counts, length)
        ]
        for length in shard.visits.lengths
    ]
