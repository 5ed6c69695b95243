"""scripts/site_pages.py: links of the repository become links of the site."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from kerasnets.training import Recipe

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def site():
    return runpy.run_path(str(ROOT / "scripts" / "site_pages.py"))


@pytest.mark.parametrize(
    ("source", "page", "link", "expected"),
    [
        ("README.md", "index.md", "[a](docs/speed.md)", "[a](speed.md)"),
        ("README.md", "index.md", "![a](docs/images/x.png)", "![a](images/x.png)"),
        ("README.md", "index.md", "[a](docs/notebooks/eeg.ipynb)", "[a](notebooks/eeg.md)"),
        ("README.md", "index.md", "[a](exported/README.md)", "[a](exported.md)"),
        ("README.md", "index.md", "[a](LICENSE)", "a"),  # a file that is no page
        ("exported/README.md", "exported.md", "[`a`](lenet5/1/README.md)", "`a`"),
        ("exported/README.md", "exported.md", "[a](../docs/exporting.md)", "[a](exporting.md)"),
        ("docs/api/data.md", "api/data.md", "[a](../../README.md#data)", "[a](../index.md#data)"),
        ("docs/trees.md", "trees.md", "[a](reproduce.md#the-table)", "[a](reproduce.md#the-table)"),
        ("docs/trees.md", "trees.md", "[a](https://semver.org/)", "[a](https://semver.org/)"),
        ("docs/trees.md", "trees.md", "[a](#here)", "[a](#here)"),
    ],
)
def test_links(site, source, page, link, expected):
    assert site["site_links"](f"See {link}.", source, page) == f"See {expected}."


def test_the_roles_of_docstrings_are_removed(site):
    html = "<p>:class:<code>Recipe</code>, :func:<code>~a.b.fit</code>, <code>:class:</code></p>"
    expected = "<p><code>Recipe</code>, <code>fit</code>, <code>:class:</code></p>"
    assert site["on_page_content"](html) == expected


def test_a_notebook_is_a_page_with_its_code_and_images(site):
    files = site["notebook_files"](ROOT / "docs" / "notebooks" / "eeg.ipynb")
    text = files.pop("eeg.md")
    assert "```python\nimport kerasnets as kn\n" in text
    assert text.endswith("[Download this notebook](eeg.ipynb)\n")
    assert files
    assert all(f"]({name})" in text for name in files)


def test_the_help_of_every_command_is_on_the_site(site):
    text = site["command_help"]()
    assert "## kerasnets train" in text
    assert "usage: kerasnets train" in text
    assert "examples:\n" in text


def test_the_reference_has_every_setting_of_a_training(site):
    assert site["SETTINGS"] in (ROOT / "docs" / "api" / "training.md").read_text("utf-8")
    table = site["settings_table"]()
    assert "| `learning_rate` | `0.001` |  | initial learning rate |" in table
    assert "| `schedule` | `'constant'` | `constant`, `cosine`, `exponential` | change of" in table
    assert "| `net` |" not in table
    assert len(table.splitlines()) == 2 + len(Recipe.fields()) - 1  # all but the name of the net


def test_a_notebook_becomes_a_page_with_its_images(site):
    files = site["notebook_files"](ROOT / "docs" / "notebooks" / "eeg.ipynb")
    page = files.pop("eeg.md")
    assert page.startswith("# EEG")
    assert page.endswith("[Download this notebook](eeg.ipynb)\n")
    assert all(f"]({name})" in page for name in files)
    assert all(content[:4] == b"\x89PNG" for content in files.values())
