"""kerasnets._display and the reprs of public objects: short, and complete as HTML."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pytest

import kerasnets as kn
from kerasnets._display import html_block


def check_html(text):
    """Fail unless every element is closed in the right order; return the text of the elements."""
    opened, texts = [], []

    class Check(HTMLParser):
        def handle_starttag(self, tag, attributes):
            if tag != "br":
                opened.append(tag)

        def handle_endtag(self, tag):
            assert opened.pop() == tag

        def handle_data(self, data):
            texts.append(data)

    Check().feed(text)
    assert opened == []
    return [text.strip() for text in texts if text.strip()]


def test_a_block_has_facts_a_table_and_notes_and_is_escaped():
    html = html_block("a < b", {"x": "1 & 2"}, ["name", "n"], [("<i>", 3)], "lr", ["one", "two"])
    assert check_html(html) == ["a < b", "x", "1 & 2", "name", "n", "<i>", "3", "one", "two"]
    assert '<td style="text-align: right">3</td>' in html
    assert check_html(html_block("only a title")) == ["only a title"]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 4)), np.repeat(["<no>", "yes"], 30)
    return kn.Dataset.from_arrays(x, y, name="pairs", units="µV")


def test_data_sets(data):
    assert repr(data) == (
        "Dataset('pairs', classification of <no>, yes, 36 + 12 + 12 examples, "
        "x float32 (36, 4), split by row, seed 0)"
    )
    texts = check_html(data._repr_html_())
    assert texts[0] == "pairs (real)"
    assert "classification of <no>, yes" in texts
    assert "36 train, 12 validation, 12 test" in texts


def test_profiles():
    cost = kn.profile(kn.build("seizure-mlp"))
    assert repr(cost) == (
        "Profile('seizure-mlp', inference, 2,949 parameters, 5,920 FLOPs (exact))"
    )
    assert "97.3 %" in check_html(cost._repr_html_())


def test_nets():
    spec = kn.describe("seizure-spectral-small")
    assert repr(spec) == (
        "NetSpec('seizure-spectral-small' for 'seizure', 9,656 parameters, test accuracy 78.3 %)"
    )
    texts = check_html(spec._repr_html_())
    assert texts[texts.index("recommended") + 1] == "yes"


def test_dir_shows_the_api_only():
    assert dir(kn) == sorted(kn.__all__)
    assert "importlib" not in dir(kn)
    with pytest.raises(AttributeError, match=r"'trian'\. Did you mean 'train'"):
        _ = kn.trian
