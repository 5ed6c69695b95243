"""The report of the verifying process, which its parent also reads if the process is stopped."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Report:
    """What is known so far.

    Attributes:
        path: the JSON file to which the report is written at the start of each stage, if any.
        max_abs_diff: the largest difference of each runtime.
        small_weights: the same for the ONNX files with smaller weights.
        failures: every failure.
        stage: what is being done, such as ``"onnx: batch-7"``.
        complete: whether the verification is complete.
    """

    path: Path | None = None
    max_abs_diff: dict[str, float] = field(default_factory=dict)
    small_weights: dict[str, float] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    stage: str = "start"
    complete: bool = False

    def enter(self, stage: str) -> None:
        """Begin a stage."""
        self.stage = stage
        self.save()

    def finish(self) -> None:
        """Write the complete report."""
        self.complete = True
        self.save()

    def save(self) -> None:
        """Write the report."""
        if self.path is None:
            return
        content = {key: value for key, value in vars(self).items() if key != "path"}
        temporary = self.path.with_suffix(".new")
        temporary.write_text(json.dumps(content), encoding="utf-8")
        temporary.replace(self.path)


def describe(error: BaseException) -> str:
    """The type and the text of an error on one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:500]}" if text else type(error).__name__
