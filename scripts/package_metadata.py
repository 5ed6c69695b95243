"""Package metadata that depend on the address of the repository: links, and the README.

A package index shows the README outside of the repository, where relative links lead nowhere. This
hook of hatchling completes them, and adds the project's links. The address is that of the git
remote ``origin``. Without a public one there are no project links, and in the README images are
left out and links to files become plain text.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hatchling.metadata.plugin.interface import MetadataHookInterface

_IMAGE = re.compile(r"!\[([^\]]*)\]\((?!https?:)([^)]+)\)\n")
_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\((?!https?:|#)([^)]+)\)")


class MetadataHook(MetadataHookInterface):
    """Set the fields ``readme`` and ``urls``."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the fields to the metadata."""
        root = Path(self.root)
        address = public_address(origin(root))
        text = complete_links((root / "README.md").read_text(encoding="utf-8"), address)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
        if address:
            metadata["urls"] = project_urls(address)


def origin(root: Path) -> str:
    """The git remote ``origin`` of a folder; empty if there is none."""
    if not (root / ".git").exists():  # git would look in the folders above
        return ""
    try:
        command = ["git", "-C", str(root), "remote", "get-url", "origin"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:  # git is not installed
        return ""


def public_address(remote: str) -> str | None:
    """The web address of a git remote, without user name, password and port.

    Returns:
        ``None`` for a folder or a host without a domain.
    """
    if "://" not in remote:  # git@host:owner/name.git
        remote = re.sub(r"^([^/:]+):(?!\d+/)", r"ssh://\1/", remote)
    parts = urlsplit(remote)
    path = parts.path.strip("/").removesuffix(".git")
    if parts.scheme not in {"https", "http", "ssh", "git"} or not path:
        return None
    if not re.fullmatch(r"[\w.-]+\.[a-z]{2,}", parts.hostname or ""):
        return None
    return f"https://{parts.hostname}/{path}"


def project_urls(address: str) -> dict[str, str]:
    """The links that a package index shows."""
    return {
        "Repository": address,
        "Documentation": f"{address}/tree/HEAD/docs",
        "Changelog": f"{address}/blob/HEAD/CHANGELOG.md",
        "Issues": f"{address}/issues",
    }


def complete_links(text: str, address: str | None) -> str:
    """Complete the relative links of the README, or leave them out if there is no address."""
    if address is None:
        return _LINK.sub(r"\1", _IMAGE.sub("", text))
    text = _IMAGE.sub(rf"![\1]({address}/raw/HEAD/\2)\n", text)
    return _LINK.sub(rf"[\1]({address}/blob/HEAD/\2)", text)
