"""The licence argument: identifiers, files, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kerasnets.exporting.licenses import LICENSES, License, license_name


@pytest.mark.parametrize(
    ("given", "expected"),
    [(None, "unknown"), ("Apache-2.0", "apache-2.0"), ("CC0-1.0", "cc0-1.0"), ("mit", "mit")],
)
def test_identifiers_are_those_of_the_hub(given: str | None, expected: str, tmp_path: Path) -> None:
    licence = License.checked(given)
    assert licence == License(expected)
    licence.write(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_every_identifier_has_the_form_of_the_hub() -> None:
    assert len(set(LICENSES)) == len(LICENSES)
    assert all(re.fullmatch(r"[a-z0-9.+-]+", name) for name in LICENSES)


def test_the_text_of_another_licence_is_copied(tmp_path: Path) -> None:
    source = tmp_path / "Unsere Lizenz"
    source.write_text("Nur für Ärzte.", "utf-8")
    licence = License.checked(source)
    assert licence.identifier == "other"
    folder = tmp_path / "1"
    folder.mkdir()
    licence.write(folder)
    assert (folder / "LICENSE").read_bytes() == source.read_bytes()


def test_other_licences_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"Unknown license 'apache2'\. Did you mean 'apache-2\.0'"):
        License.checked("Apache2")
    with pytest.raises(ValueError, match=r"pass the path of a file with its text\.$"):
        License.checked(tmp_path)
    (tmp_path / "empty").write_text(" \n")
    with pytest.raises(ValueError, match=r"empty is empty\. Pass a file"):
        License.checked(tmp_path / "empty")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="binary is not a text file in UTF-8"):
        License.checked(str(tmp_path / "binary"))


@pytest.mark.parametrize(
    ("model", "name"),
    [("seizure-gru", "seizure-gru-license"), ("My Net_2", "my-net-2-license"), ("Ä", "license")],
)
def test_the_name_of_a_licence_of_your_own(model: str, name: str) -> None:
    assert license_name(model) == name
