"""Hooks of mkdocs: pages from outside docs/, the notebooks, and the help of the commands.

Links in these texts are written for the repository. On the site, a link to another page leads to
that page, and a link to any other file of the repository becomes plain text.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import posixpath
import re
import typing
from pathlib import Path
from typing import Any

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from nbconvert import MarkdownExporter

from kerasnets._tables import markdown_table
from kerasnets.cli import COMMANDS, main
from kerasnets.training import Recipe

ROOT = Path(__file__).resolve().parents[1]
# Files of the repository outside docs/ that are pages, with their addresses on the site.
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "exported/README.md": "exported.md",
}
SETTINGS = "<!-- table of settings -->"  # the place of the table in docs/api/training.md
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s#:]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig, **_: Any) -> Files:
    """Add the pages from outside docs/, the notebooks, and the help of the commands."""
    for source, page in PAGES.items():
        if (ROOT / source).exists():
            text = (ROOT / source).read_text("utf-8")
            files.append(File.generated(config, page, content=site_links(text, source, page)))
    os.environ["COLUMNS"] = "80"
    files.append(File.generated(config, "commands.md", content=command_help()))
    for path in sorted((ROOT / "docs" / "notebooks").glob("*.ipynb")):
        for address, content in notebook_files(path).items():
            files.append(File.generated(config, f"notebooks/{address}", content=content))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Change the links of the pages in docs/, and insert the table of settings."""
    path = page.file.src_uri
    if page.file.generated_by:
        return markdown
    return site_links(markdown, f"docs/{path}", path).replace(SETTINGS, settings_table())


def on_page_content(html: str, **_: Any) -> str:
    """Remove the roles of docstrings, such as :class:, which Markdown does not know."""
    html = re.sub(r":(?:attr|class|func|meth|mod):(?=<code>)", "", html)
    return re.sub(r"<code>~[\w.]*?(\w+)</code>", r"<code>\1</code>", html)


def site_links(text: str, source: str, page: str) -> str:
    """Change links between files of the repository to links between pages.

    Args:
        text: Markdown with relative links.
        source: the file with this text, relative to the repository.
        page: the address of its page, relative to the site.
    """

    def change(link: re.Match[str]) -> str:
        image, label, target, anchor = link.groups(default="")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        if path in PAGES:
            address = PAGES[path]
        elif path.startswith("docs/"):
            address = re.sub(r"\.ipynb$", ".md", path.removeprefix("docs/"))
        else:
            return label
        address = posixpath.relpath(address, posixpath.dirname(page) or ".")
        return f"{image}[{label}]({address}{anchor})"

    return LINK.sub(change, text)


def settings_table() -> str:
    """The settings of a training with their choices and defaults."""
    types = typing.get_type_hints(Recipe)
    rows = []
    for name, default in dataclasses.asdict(Recipe("")).items():
        literal = typing.get_origin(types[name]) is typing.Literal
        choices = ", ".join(f"`{choice}`" for choice in typing.get_args(types[name]) if literal)
        meaning = Recipe.fields()[name].default.description
        rows.append((f"`{name}`", f"`{default!r}`", choices, meaning))
    # The first one is the name of the net.
    return markdown_table(("setting", "default", "choices", "meaning"), rows[1:])


def notebook_files(path: Path) -> dict[str, str | bytes]:
    """The page of a notebook and the images of its outputs, by file name."""
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata["language_info"] = {"name": "python"}  # colours of the code
    text, resources = MarkdownExporter().from_notebook_node(
        notebook, {"unique_key": path.stem, "output_files_dir": f"{path.stem}-files"}
    )
    page = f"{path.stem}.md"
    text = site_links(text, f"docs/notebooks/{path.name}", f"notebooks/{page}")
    text += f"\n[Download this notebook]({path.name})\n"
    return {page: text, **resources["outputs"]}


def command_help() -> str:
    """The page with the help of each command, as a terminal of 80 columns shows it."""
    parts = [
        "# Commands and their options",
        "`kerasnets COMMAND --help` prints the texts of this page.",
    ]
    for name in COMMANDS:
        parts += [f"## kerasnets {name}", f"```text\n{help_text(name)}```"]
    return "\n\n".join(parts) + "\n"


def help_text(command: str) -> str:
    """The output of ``kerasnets COMMAND --help``."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.suppress(SystemExit):
        main([command, "--help"])
    return output.getvalue()
