"""Layers that do no arithmetic on a sample, each with the reason."""

from kerasnets.profiling.registry import ignore

ignore("the data as they come", "InputLayer", "Identity")
ignore(
    "active in training only",
    "Dropout",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "AlphaDropout",
    "GaussianDropout",
    "GaussianNoise",
    "ActivityRegularization",
)
ignore(
    "moves or copies values only",
    "Reshape",
    "Flatten",
    "Permute",
    "RepeatVector",
    "Concatenate",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
)
