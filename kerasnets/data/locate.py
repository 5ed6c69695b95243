"""The folders that are searched for the files of a data set."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

VARIABLE = "KERASNETS_DATA"


def cache_dir() -> Path:
    """The user's cache folder of this package, into which ``fetch`` downloads by default."""
    import pooch

    return Path(pooch.os_cache("kerasnets"))


def places(data_dir: str | Path | None) -> list[Path]:
    """The folders to look in, in order.

    Args:
        data_dir: a folder or file given by the user.

    Returns:
        Only ``data_dir`` if it is given; else ``$KERASNETS_DATA``, if set, and the user's cache.
    """
    if data_dir is not None:
        return [Path(data_dir).expanduser()]
    variable = os.environ.get(VARIABLE)
    return [*([Path(variable).expanduser()] if variable else []), cache_dir()]


def not_found(
    name: str, searched: Iterable[str], files: str, substitute: str, origin: str | None = None
) -> FileNotFoundError:
    """The error for a data set whose files are in none of the folders.

    Args:
        name: the data set.
        searched: the folders searched, each with the files found there if they are incomplete.
        files: the files that were looked for.
        substitute: a data set that needs no files, for a first try.
        origin: how to get the files by hand, for a data set that cannot be fetched.
    """
    where = "\n".join(f"  {place}" for place in searched)
    get = f"Get it with `kerasnets data fetch {name}`" if origin is None else f"Get {origin}"
    kind = "simulated data set" if substitute.endswith("-simulated") else "data set"
    return FileNotFoundError(
        f"The data set {name!r} was not found. Looked for {files} in:\n{where}\n"
        f"{get}, or give its folder with --data-dir (data_dir=) or ${VARIABLE}. "
        f"The {kind} {substitute!r} needs no files."
    )
