"""Old names still work and warn. Other names are refused."""

from __future__ import annotations

import pytest

from kerasnets._deprecation import renamed_arguments, renamed_attributes


def test_an_old_name_returns_the_new_object_with_a_warning():
    lookup = renamed_attributes("json", {"to_text": "dumps", "joined": "os.path.join"})
    with pytest.warns(DeprecationWarning, match=r"json\.to_text is now json\.dumps"):
        assert lookup("to_text")([1]) == "[1]"
    with pytest.warns(DeprecationWarning, match=r"json\.joined is now os\.path\.join"):
        assert lookup("joined")("a", "b") == "a/b"


def test_a_name_that_never_existed_is_refused():
    lookup = renamed_attributes("json", {})
    with pytest.raises(AttributeError, match="'json' has no attribute 'load_all'"):
        lookup("load_all")


@renamed_arguments(color="colour", size="width")
def draw(colour, width=1):
    return colour, width


def test_an_old_argument_is_passed_on_under_its_new_name_with_a_warning():
    with pytest.warns(DeprecationWarning, match=r"draw\(size=…\) is now draw\(width=…\)"):
        assert draw("red", size=2) == ("red", 2)
    assert draw(colour="red", width=2) == ("red", 2)


def test_an_argument_with_both_names_is_refused():
    with pytest.raises(TypeError, match=r"draw\(\) got colour and its old name color"):
        draw(colour="red", color="blue")
