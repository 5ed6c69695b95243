"""The parts of ``card.json`` that verification uses, as types."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from .rounding import LARGEST


class Tensor(BaseModel):
    """An input, an output or a state."""

    name: str = Field(min_length=1)
    dtype: str
    shape: list[int | None] = Field(max_length=64)


class Keras(BaseModel):
    """``model.keras``."""

    modules: list[str] | None = None
    needs: list[str] | None = None
    left_out: str | None = None


class Onnx(BaseModel):
    """``model.onnx``."""

    allow_loops: bool = False


class Streaming(BaseModel):
    """The step models of a live stream."""

    inputs: list[Tensor] = Field(min_length=1)
    states: list[Tensor]
    outputs: list[Tensor] = Field(min_length=1)


class Header(BaseModel):
    """A C array."""

    file: str
    of: str
    arena_bytes: int | None = Field(default=None, gt=0, le=2**26)


class CArrays(BaseModel):
    """All C arrays, and the programs that show how to use them."""

    headers: list[Header] = Field(max_length=64)
    examples: list[str] = Field(max_length=64)


class CardSchema(BaseModel):
    """The content of ``card.json``."""

    model_config = ConfigDict(strict=True)
    formats: list[Literal["saved_model", "onnx", "litert"]] = Field(min_length=1)
    inputs: list[Tensor]
    outputs: list[Tensor] = Field(min_length=1)
    task: Literal["classification", "binary", "multilabel", "regression"] | None = None
    cases: list[str] | None = None
    rounding: dict[str, Annotated[float, Field(ge=0, le=LARGEST)]] | None = None
    checksums: str | None = None
    keras: Keras | None = None
    onnx: Onnx | None = None
    streaming: Streaming | None = None
    c_arrays: CArrays | None = None
