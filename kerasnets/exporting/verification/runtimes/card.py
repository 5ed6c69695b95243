"""Read ``card.json`` and check the parts of it that verification uses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Card = dict[str, Any]
# A card has a few kilobytes, and what the user added.
_MOST_BYTES = 2**26


def read_card(path: Path) -> Card:
    """Read a model card.

    Args:
        path: ``card.json``.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not JSON, or lacks something that verification needs. The message does
            not name the file.
    """
    # A live stream imports this module, and reads no card.
    from pydantic import ValidationError

    from .card_schema import CardSchema

    size = path.stat().st_size
    if size > _MOST_BYTES:
        raise ValueError(f"it has {size:,} bytes; a card has at most {_MOST_BYTES:,}")
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        CardSchema.model_validate(card)
    except ValidationError as error:
        found = error.errors(include_url=False)
        problems = (f"{'.'.join(map(str, e['loc'])) or 'the card'}: {e['msg']}" for e in found[:3])
        raise ValueError("; ".join(problems)) from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is not JSON ({error})") from None
    return dict(card)
