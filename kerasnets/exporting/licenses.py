"""The licence of an exported model: an identifier of the Hugging Face Hub, or your own text."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from kerasnets._errors import unknown_name

# The general licences of https://huggingface.co/docs/hub/repositories-licenses. Those of single
# model families, such as llama2, do not apply to models that were trained from scratch.
LICENSES = (
    "afl-3.0", "agpl-3.0", "apache-2.0", "artistic-2.0", "bsd", "bsd-2-clause", "bsd-3-clause",
    "bsd-3-clause-clear", "bsl-1.0", "c-uda", "cc", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0",
    "cc-by-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nc-nd-3.0",
    "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cc-by-nd-4.0",
    "cc-by-sa-3.0", "cc-by-sa-4.0", "cc0-1.0", "cdla-permissive-1.0", "cdla-permissive-2.0",
    "cdla-sharing-1.0", "ecl-2.0", "epl-1.0", "epl-2.0", "etalab-2.0", "eupl-1.1", "gfdl", "gpl",
    "gpl-2.0", "gpl-3.0", "isc", "lgpl", "lgpl-2.1", "lgpl-3.0", "lgpl-lr", "lppl-1.3c", "mit",
    "mpl-2.0", "ms-pl", "ncsa", "odbl", "odc-by", "ofl-1.1", "openrail", "osl-3.0", "pddl",
    "postgresql", "unknown", "unlicense", "wtfpl", "zlib",
)  # fmt: skip
FILE = "LICENSE"


@dataclass(frozen=True)
class License:
    """The licence of a model.

    Attributes:
        identifier: one of ``LICENSES``, or ``"other"`` for a text of your own.
        text: the text of your own, else empty.
    """

    identifier: str = "unknown"
    text: str = ""

    @classmethod
    def checked(cls, license: str | os.PathLike[str] | None) -> License:  # noqa: A002
        """Check the ``license`` argument of :func:`kerasnets.export`.

        Args:
            license: an identifier in upper or lower case, or the path of a text file. ``None``:
                the licence is unknown.

        Raises:
            ValueError: it is neither an identifier nor a text file.
        """
        if license is None:
            return cls()
        if str(license).lower() in LICENSES:
            return cls(str(license).lower())
        path = Path(license)
        if not path.is_file():
            error = unknown_name("license", str(license).lower(), LICENSES)
            raise ValueError(f"{error} For another licence, pass the path of a file with its text.")
        try:
            text = path.read_text(encoding="utf-8")
        except ValueError as error:
            raise ValueError(f"{path} is not a text file in UTF-8: {error}.") from None
        if not text.strip():
            raise ValueError(f"{path} is empty. Pass a file with the text of the licence.")
        return cls("other", text)

    def write(self, folder: Path) -> None:
        """Write ``LICENSE`` to a folder, if the licence is a text of your own."""
        if self.text:
            (folder / FILE).write_text(self.text, encoding="utf-8")


def license_name(model: str) -> str:
    """The name of a licence of your own, in the form that the Hub requires.

    Args:
        model: the name of the model.
    """
    return re.sub(r"[^a-z0-9.]+", "-", f"{model.lower()} license").strip("-.")
