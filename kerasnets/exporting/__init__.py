"""Export of any Keras model to SavedModel and ONNX, verification, and a client for servers."""

from kerasnets.exporting.export import export as export
from kerasnets.exporting.serving.client import ServerError as ServerError
from kerasnets.exporting.serving.client import predict as predict
from kerasnets.exporting.serving.server_files import write_server_files as write_server_files
from kerasnets.exporting.streaming.stream import Stream as Stream
from kerasnets.exporting.verification.verify import Verification as Verification
from kerasnets.exporting.verification.verify import VerificationError as VerificationError
from kerasnets.exporting.verification.verify import verify as verify
