import pytest

from kerasnets.exporting.options import Options, check_names

VALID = {
    "formats": ("onnx",),
    "opset": 17,
    "allow_loops": False,
    "weights": (),
    "keras_file": True,
    "tolerance": 1e-5,
}


def test_names_are_sorted_and_a_single_name_is_accepted():
    options = Options.checked(**VALID | {"formats": ["onnx", "saved_model", "onnx"]})
    assert options.formats == ("saved_model", "onnx")
    assert Options.checked(**VALID | {"weights": "int8"}).weights == ("int8",)
    assert check_names("letter", ["b", "a"], "abc") == ("a", "b")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"formats": ("onnxx",)}, "Unknown export format 'onnxx'. Did you mean 'onnx'?"),
        ({"formats": ()}, "formats is empty"),
        ({"opset": 12}, r"opset must be in \[13, 22\]; got 12"),
        ({"tolerance": 0}, "tolerance must be a positive number; got 0"),
        ({"tolerance": float("nan")}, "got nan"),
        ({"weights": ["int4"]}, r"Unknown kind of weights 'int4'\. Did you mean 'int8' or"),
        ({"weights": ["int8"], "formats": ["saved_model"]}, "applies to the ONNX and LiteRT files"),
    ],
)
def test_invalid_arguments_raise(arguments, message):
    with pytest.raises(ValueError, match=message):
        Options.checked(**VALID | arguments)
