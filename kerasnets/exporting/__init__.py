"""How a network leaves: SavedModel, ONNX, verification, and asking a server for it."""

from kerasnets.exporting.client import ServerError as ServerError
from kerasnets.exporting.client import predict as predict
from kerasnets.exporting.export import export as export
from kerasnets.exporting.server_files import write_server_files as write_server_files
from kerasnets.exporting.verify import Verification as Verification
from kerasnets.exporting.verify import VerificationError as VerificationError
from kerasnets.exporting.verify import verify as verify
