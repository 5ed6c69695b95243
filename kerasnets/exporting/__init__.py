"""Export of any Keras model to SavedModel, ONNX and LiteRT, verification, and a client for servers.

The names are imported at their first use: a live stream and the client of a server need neither
TensorFlow nor the converters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kerasnets._lazy import import_name

if TYPE_CHECKING:
    from kerasnets.exporting.export_model import export as export
    from kerasnets.exporting.serving.client import ServerError as ServerError
    from kerasnets.exporting.serving.client import predict as predict
    from kerasnets.exporting.serving.server_files import write_server_files as write_server_files
    from kerasnets.exporting.streaming.stream import Stream as Stream
    from kerasnets.exporting.verification.verify import Verification as Verification
    from kerasnets.exporting.verification.verify import VerificationError as VerificationError
    from kerasnets.exporting.verification.verify import verify as verify

_MODULES = {
    "export": "export_model",
    "ServerError": "serving.client",
    "predict": "serving.client",
    "write_server_files": "serving.server_files",
    "Stream": "streaming.stream",
    "Verification": "verification.verify",
    "VerificationError": "verification.verify",
    "verify": "verification.verify",
}

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> Any:
    return import_name(__name__, name, _MODULES)


def __dir__() -> list[str]:
    return __all__
