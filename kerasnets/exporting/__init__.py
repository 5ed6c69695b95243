"""How a network leaves: SavedModel, ONNX, verification."""

from kerasnets.exporting.export import export as export
from kerasnets.exporting.verify import Verification as Verification
from kerasnets.exporting.verify import VerificationError as VerificationError
from kerasnets.exporting.verify import verify as verify
