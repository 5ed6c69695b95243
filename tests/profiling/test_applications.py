"""The MACs of keras.applications compared with published figures."""

import keras
import pytest

import kerasnets as kn

applications = keras.applications


@pytest.fixture(autouse=True)
def zeros(monkeypatch):
    """Fill kernels with zeros: random numbers take longer than the count, which has no values."""

    def fill(self, shape, dtype=None, **options):
        return keras.ops.zeros(shape, dtype)

    monkeypatch.setattr(keras.initializers.VarianceScaling, "__call__", fill)


# Published in units of 10⁹ multiply–adds, rounded to this number of digits.
@pytest.mark.parametrize(
    ("name", "published", "digits"),
    [("ResNet50", 3.86, 2), ("VGG16", 15.47, 2), ("MobileNetV2", 0.30, 2)],
)
def test_macs_equal_the_published_figures(name, published, digits):
    model = getattr(applications, name)(weights=None)
    cost = kn.profile(model, convention="macs")
    assert round(cost.flops / 1e9, digits) == published
    assert cost.params == model.count_params()


# The smallest net per family; scripts/benchmarks/profile_applications.py counts all nets.
@pytest.mark.parametrize(
    "name",
    [
        "ConvNeXtTiny", "DenseNet121", "EfficientNetB0", "EfficientNetV2B0", "InceptionV3",
        "InceptionResNetV2", "MobileNet", "MobileNetV3Small", "NASNetMobile", "ResNet50V2",
        "Xception",
    ],
)  # fmt: skip
def test_every_family_is_counted_completely(name):
    model = getattr(applications, name)(weights=None)
    for convention in ("exact", "macs"):
        cost = kn.profile(model, convention=convention)
        assert cost.unsupported == ()
        assert cost.params == model.count_params()
        if cost.symbols:
            cost = cost.at(H=224, W=224)
        assert cost.flops > 10_000_000
