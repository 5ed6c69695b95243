"""Layers and operations that are not counted, each with the reason."""

from kerasnets.profiling.registry import ignore, unsupported

ignore("the data as they come", "InputLayer", "Identity")

_TRAINING = (
    "Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D AlphaDropout GaussianDropout "
    "GaussianNoise ActivityRegularization AugMix CutMix MixUp RandAugment RandomBrightness "
    "RandomColorDegeneration RandomColorJitter RandomContrast RandomElasticTransform "
    "RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale RandomHue RandomInvert "
    "RandomPerspective RandomPosterization RandomRotation RandomSaturation RandomSharpness "
    "RandomShear RandomTranslation RandomZoom Solarization Equalization"
)
ignore("active in training only", *_TRAINING.split())

_COPIES = (
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
ignore("moves or copies values only", *_COPIES.split())
ignore("moves or copies values only", *(f"ops.{name}" for name in _COPYING_OPERATIONS.split()))

ignore("looks rows up", "Embedding", "ops.Take", "ops.TakeAlongAxis", "ops.OneHot", "ops.MultiHot")
ignore(
    "hashes, splits or looks up keys, no arithmetic on values",
    "Hashing",
    "HashedCrossing",
    "IntegerLookup",
    "StringLookup",
    "TextVectorization",
)
_CONSTANTS = "Arange Full FullLike OnesLike ZerosLike EmptyLike Linspace Size Ndim"
ignore("makes constants", *(f"ops.{name}" for name in _CONSTANTS.split()))


unsupported(
    "runs code of another framework",
    "utils.FlaxLayer",
    "utils.JaxLayer",
    "utils.TorchModuleWrapper",
    "export.TFSMLayer",
)
unsupported(
    "takes as many operations as its algorithm and values ask for",
    "AutoContrast",
    "ContrastLimitedAdaptiveHistogramEqualization",
    "MelSpectrogram",
)
