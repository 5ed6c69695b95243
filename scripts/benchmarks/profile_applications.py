"""All networks of keras.applications: our MACs compared with published ones, FLOPs, and time.

    python scripts/benchmarks/profile_applications.py

Each network is built without weights and counted at its default size, or at 224 × 224 if it has
none. The published values are from the papers or from torchvision's model pages, in 10⁹
multiply–adds for the same input size. A blank means that none was found for the same architecture
and size.
"""

import inspect
import time

import keras

import kerasnets as kn

PUBLISHED = {
    "ConvNeXtTiny": 4.46, "ConvNeXtSmall": 8.68, "ConvNeXtBase": 15.36, "ConvNeXtLarge": 34.36,
    "DenseNet121": 2.83, "DenseNet169": 3.36, "DenseNet201": 4.29,
    "EfficientNetB0": 0.39, "EfficientNetB1": 0.70, "EfficientNetB2": 1.0, "EfficientNetB3": 1.8,
    "EfficientNetB4": 4.2, "EfficientNetB5": 9.9, "EfficientNetB6": 19.0, "EfficientNetB7": 37.0,
    "EfficientNetV2S": 8.37, "EfficientNetV2M": 24.58, "EfficientNetV2L": 56.08,
    "InceptionV3": 5.71, "MobileNet": 0.569, "MobileNetV2": 0.30, "MobileNetV3Large": 0.219,
    "MobileNetV3Small": 0.056, "NASNetLarge": 23.8, "NASNetMobile": 0.564, "ResNet50": 3.86,
    "ResNet101": 7.6, "ResNet152": 11.3, "VGG16": 15.47, "VGG19": 19.63, "Xception": 8.4,
}  # fmt: skip


def main():
    """Print one line per network."""
    header = f"{'network':<18} {'parameters':>11} {'GMACs':>8} {'published':>9} {'differs':>8}"
    print(f"{header} {'GFLOPs':>8} {'ms':>6}  not counted")
    functions = inspect.getmembers(keras.applications, inspect.isfunction)
    for name, build in functions:
        model = build(weights=None)
        started = time.perf_counter()
        cost = kn.profile(model, convention="macs")
        milliseconds = 1000 * (time.perf_counter() - started)
        exact = kn.profile(model)
        if cost.symbols:
            cost, exact = (profile.at(H=224, W=224) for profile in (cost, exact))
        published = PUBLISHED.get(name)
        print(
            f"{name:<18} {cost.params:>11,} {cost.flops / 1e9:>8.3f} {published or '':>9} "
            f"{f'{100 * (cost.flops / 1e9 / published - 1):+.1f} %' if published else '':>8} "
            f"{exact.flops / 1e9:>8.3f} {milliseconds:>6.0f}  {'; '.join(cost.unsupported) or '–'}",
            flush=True,
        )
        keras.utils.clear_session()


if __name__ == "__main__":
    main()
