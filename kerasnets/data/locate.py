"""Where the files of a data set are looked for."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

VARIABLE = "KERASNETS_DATA"


def cache_dir() -> Path:
    """The user's cache folder of this package, where ``fetch`` puts files by default."""
    import pooch

    return Path(pooch.os_cache("kerasnets"))


def places(data_dir: str | Path | None) -> list[Path]:
    """The places to look in, in order.

    Args:
        data_dir: a folder or file given by the user; if given, the only place.

    Returns:
        ``data_dir``, or ``$KERASNETS_DATA`` where it is set and then the user's cache.
    """
    if data_dir is not None:
        return [Path(data_dir).expanduser()]
    variable = os.environ.get(VARIABLE)
    return [*([Path(variable).expanduser()] if variable else []), cache_dir()]


def not_found(
    name: str, looked: Iterable[str], files: str, stand_in: str, origin: str | None = None
) -> FileNotFoundError:
    """The error for a data set whose files are in none of the places.

    Args:
        name: the data set.
        looked: the places looked in, with what was found there if that was not enough.
        files: what was looked for.
        stand_in: the data set to try things out with, which needs no files.
        origin: where to get the files by hand, for a data set that is not one to fetch.
    """
    where = "\n".join(f"  {place}" for place in looked)
    get = f"Get it with `kerasnets data fetch {name}`" if origin is None else f"Get {origin}"
    kind = "simulated stand-in" if stand_in.endswith("-simulated") else "stand-in"
    return FileNotFoundError(
        f"The data set {name!r} was not found. Looked for {files} in:\n{where}\n"
        f"{get}, or say where it is with --data-dir (data_dir=) or ${VARIABLE}. "
        f"The {kind} {stand_in!r} needs no files."
    )
