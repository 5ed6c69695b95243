"""Load a SavedModel with TensorFlow's C++ loader, by tag and signature, as TensorFlow Serving does.

No Python code of TensorFlow loads the model: the C library reads the folder, restores the
variables, runs the same graph as the server, and returns the signatures as a protocol buffer.
"""

from __future__ import annotations

import ctypes
from ctypes import c_char_p, c_int, c_int64, c_size_t, c_void_p
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

_STRING = tf.string.as_datatype_enum


class _Buffer(ctypes.Structure):
    _fields_ = (("data", c_void_p), ("length", c_size_t), ("deallocator", c_void_p))


class _Output(ctypes.Structure):
    _fields_ = (("operation", c_void_p), ("index", c_int))


def _library() -> Any:
    library = ctypes.CDLL(str(Path(tf.__file__).with_name("libtensorflow_cc.so.2")))
    pointers = (
        *("NewStatus", "NewGraph", "NewBuffer", "NewSessionOptions", "LoadSessionFromSavedModel"),
        *("AllocateTensor", "TensorData", "GraphOperationByName"),
    )
    for name in pointers:
        getattr(library, f"TF_{name}").restype = c_void_p
    library.TF_Message.restype = c_char_p
    library.TF_Dim.restype = c_int64
    library.TF_TensorByteSize.restype = c_size_t
    library.TF_StringGetDataPointer.restype = c_void_p
    library.TF_StringGetSize.restype = c_size_t
    return library


class CppSession:
    """A loaded version folder.

    Args:
        folder: the version folder.
    """

    def __init__(self, folder: Path) -> None:
        self.library = _library()
        self.status = c_void_p(self.library.TF_NewStatus())
        self.graph = c_void_p(self.library.TF_NewGraph())
        meta = self.library.TF_NewBuffer()
        tags = (c_char_p * 1)(b"serve")
        options = c_void_p(self.library.TF_NewSessionOptions())
        self.session = c_void_p(
            self.library.TF_LoadSessionFromSavedModel(
                *(options, None, str(folder).encode(), tags, 1),
                *(self.graph, c_void_p(meta), self.status),
            )
        )
        self._check()
        buffer = _Buffer.from_address(meta)
        content = ctypes.string_at(buffer.data, buffer.length)
        self.signatures = meta_graph_pb2.MetaGraphDef.FromString(content).signature_def

    def run(self, signature: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run a signature; raise ``ValueError`` with the message of the C++ error."""
        if signature not in self.signatures:
            raise ValueError(f"Serving signature name: {signature!r} not found in signature def")
        known = self.signatures[signature]
        if set(inputs) != set(known.inputs):
            raise ValueError(f"inputs are {sorted(inputs)}; expected {sorted(known.inputs)}")
        feeds = [self._output(known.inputs[name].name) for name in inputs]
        fetches = [self._output(info.name) for info in known.outputs.values()]
        tensors = [self._tensor(array) for array in inputs.values()]
        results = (c_void_p * len(fetches))()
        self.library.TF_SessionRun(
            *(self.session, None),
            *((_Output * len(feeds))(*feeds), (c_void_p * len(feeds))(*tensors), len(feeds)),
            *((_Output * len(fetches))(*fetches), results, len(fetches)),
            *(None, 0, None, self.status),
        )
        for tensor in tensors:
            self.library.TF_DeleteTensor(tensor)
        self._check()
        return {
            name: self._array(c_void_p(t)) for name, t in zip(known.outputs, results, strict=True)
        }

    def _check(self) -> None:
        if self.library.TF_GetCode(self.status):
            raise ValueError(self.library.TF_Message(self.status).decode())

    def _output(self, name: str) -> _Output:
        operation, _, index = name.partition(":")
        found = self.library.TF_GraphOperationByName(self.graph, operation.encode())
        return _Output(found, int(index or 0))

    def _tensor(self, array: np.ndarray) -> c_void_p:
        array = np.ascontiguousarray(array).reshape(array.shape)
        dims = (c_int64 * array.ndim)(*array.shape)
        kind = tf.as_dtype(array.dtype).as_datatype_enum
        tensor = c_void_p(
            self.library.TF_AllocateTensor(kind, dims, array.ndim, c_size_t(array.nbytes))
        )
        data = self.library.TF_TensorData(tensor)
        ctypes.memmove(data, array.ctypes.data, array.nbytes)
        return tensor

    def _array(self, tensor: c_void_p) -> np.ndarray:
        library = self.library
        shape = [library.TF_Dim(tensor, axis) for axis in range(library.TF_NumDims(tensor))]
        kind, data = library.TF_TensorType(tensor), library.TF_TensorData(tensor)
        if kind == _STRING:
            size = library.TF_TensorByteSize(tensor) // max(1, int(np.prod(shape)))
            places = [c_void_p(data + i * size) for i in range(int(np.prod(shape)))]
            texts = [
                ctypes.string_at(
                    library.TF_StringGetDataPointer(place), library.TF_StringGetSize(place)
                )
                for place in places
            ]
            array = np.array(texts, object).reshape(shape)
        else:
            content = ctypes.string_at(data, library.TF_TensorByteSize(tensor))
            array = np.frombuffer(content, tf.as_dtype(kind).as_numpy_dtype).reshape(shape)
        library.TF_DeleteTensor(tensor)
        return array
