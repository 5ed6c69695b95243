"""Layers and operations that are not counted, with the reasons."""

from kerasnets.profiling.registry import ignore, unsupported

ignore("passes its input on", "InputLayer", "Identity")

_TRAINING_ONLY = (
    "Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D AlphaDropout GaussianDropout "
    "GaussianNoise ActivityRegularization AugMix CutMix MixUp RandAugment RandomBrightness "
    "RandomColorDegeneration RandomColorJitter RandomContrast RandomElasticTransform "
    "RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale RandomHue RandomInvert "
    "RandomPerspective RandomPosterization RandomRotation RandomSaturation RandomSharpness "
    "RandomShear RandomTranslation RandomZoom Solarization Equalization"
)
ignore("active in training only", *_TRAINING_ONLY.split())

_COPYING_LAYERS = (
    "Reshape Flatten Permute RepeatVector Concatenate ZeroPadding1D ZeroPadding2D ZeroPadding3D "
    "Cropping1D Cropping2D Cropping3D UpSampling1D UpSampling3D MaxNumBoundingBoxes"
)
_COPYING_OPERATIONS = (
    "Reshape Transpose Concatenate Stack Split ArraySplit Hsplit Vsplit Dsplit Hstack Vstack "
    "Dstack ExpandDims Squeeze GetItem Pad BroadcastTo Tile Repeat Moveaxis Swapaxes Flip Fliplr "
    "Flipud Rot90 Roll Ravel Copy Cast SaturateCast ConvertToTensor StopGradient Unstack Slice "
    "SliceUpdate Scatter ScatterUpdate Array View Diag Diagonal Meshgrid ExtractPatches PadImages "
    "CropImages Unfold DepthToSpace SpaceToDepth Real Imag ViewAsComplex ViewAsReal Append"
)
ignore("moves or copies values only", *_COPYING_LAYERS.split())
ignore("moves or copies values only", *(f"ops.{name}" for name in _COPYING_OPERATIONS.split()))

ignore("looks up rows", "ops.Take", "ops.TakeAlongAxis", "ops.OneHot", "ops.MultiHot")
ignore(
    "hashes, splits or looks up keys, without arithmetic on values",
    "Hashing",
    "HashedCrossing",
    "IntegerLookup",
    "StringLookup",
    "TextVectorization",
)
_CONSTANTS = "Arange Full FullLike OnesLike ZerosLike EmptyLike Linspace Size Ndim"
ignore("creates constants", *(f"ops.{name}" for name in _CONSTANTS.split()))


unsupported(
    "runs code of another framework",
    "utils.FlaxLayer",
    "utils.JaxLayer",
    "utils.TorchModuleWrapper",
    "export.TFSMLayer",
)
unsupported(
    "the number of operations depends on the algorithm and the values",
    "AutoContrast",
    "ContrastLimitedAdaptiveHistogramEqualization",
    "MelSpectrogram",
)
