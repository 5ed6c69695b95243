"""Read ``card.json`` and check the parts of it that verification uses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Card = dict[str, Any]
# A card has a few kilobytes, and what the user added.
_MOST_BYTES = 2**26


class _Tensor(BaseModel):
    name: str = Field(min_length=1)
    dtype: str
    shape: list[int | None] = Field(max_length=64)


class _Keras(BaseModel):
    modules: list[str] | None = None
    needs: list[str] | None = None
    left_out: str | None = None


class _Onnx(BaseModel):
    allow_loops: bool = False


class _Streaming(BaseModel):
    inputs: list[_Tensor] = Field(min_length=1)
    states: list[_Tensor]
    outputs: list[_Tensor] = Field(min_length=1)


class _Header(BaseModel):
    file: str
    of: str
    arena_bytes: int | None = Field(default=None, gt=0, le=2**26)


class _CArrays(BaseModel):
    headers: list[_Header] = Field(max_length=64)
    examples: list[str] = Field(max_length=64)


class _Card(BaseModel):
    model_config = ConfigDict(strict=True)
    formats: list[Literal["saved_model", "onnx", "litert"]] = Field(min_length=1)
    inputs: list[_Tensor]
    outputs: list[_Tensor] = Field(min_length=1)
    task: Literal["classification", "binary", "multilabel", "regression"] | None = None
    cases: list[str] | None = None
    checksums: str | None = None
    keras: _Keras | None = None
    onnx: _Onnx | None = None
    streaming: _Streaming | None = None
    c_arrays: _CArrays | None = None


def read_card(path: Path) -> Card:
    """Read a model card.

    Args:
        path: ``card.json``.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not JSON, or lacks something that verification needs. The message does
            not name the file.
    """
    size = path.stat().st_size
    if size > _MOST_BYTES:
        raise ValueError(f"it has {size:,} bytes; a card has at most {_MOST_BYTES:,}")
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        _Card.model_validate(card)
    except ValidationError as error:
        found = error.errors(include_url=False)
        problems = (f"{'.'.join(map(str, e['loc'])) or 'the card'}: {e['msg']}" for e in found[:3])
        raise ValueError("; ".join(problems)) from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is not JSON ({error})") from None
    return dict(card)
