"""Old names work, warn, and others are refused."""

from __future__ import annotations

import pytest

from kerasnets._deprecation import renamed_attributes


def test_an_old_name_gives_the_new_object_with_a_warning():
    lookup = renamed_attributes("json", {"to_text": "dumps", "joined": "os.path.join"})
    with pytest.warns(DeprecationWarning, match=r"json\.to_text is now json\.dumps"):
        assert lookup("to_text")([1]) == "[1]"
    with pytest.warns(DeprecationWarning, match=r"json\.joined is now os\.path\.join"):
        assert lookup("joined")("a", "b") == "a/b"


def test_a_name_that_never_was_is_refused():
    lookup = renamed_attributes("json", {})
    with pytest.raises(AttributeError, match="'json' has no attribute 'load_all'"):
        lookup("load_all")
