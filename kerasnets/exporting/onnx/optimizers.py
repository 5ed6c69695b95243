"""Let the optimizers of tf2onnx copy the weights once."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

from kerasnets._patching import patched


@contextlib.contextmanager
def one_copy() -> Iterator[None]:
    """Optimize a copy of the graph, and copy it again only if an optimizer fails.

    tf2onnx has some 36 passes. Before each, it copies the graph with all weights, in case the pass
    fails, and after each it copies them to messages that only the finished graph needs. For
    ConvNeXtTiny, that was half of the conversion and gigabytes of memory.
    """
    from tf2onnx import optimizer

    optimize_graph = optimizer.optimize_graph

    def optimize(graph: Any, catch_errors: bool = True, optimizers: Any = None) -> Any:
        if catch_errors:
            # An optimizer may raise any error.
            with contextlib.suppress(Exception):
                copied = copy.deepcopy(graph)
                with patched((copied, "update_proto", _later)):
                    return optimize_graph(copied, False, optimizers)
        return optimize_graph(graph, catch_errors, optimizers)

    with patched((optimizer, "optimize_graph", optimize)):
        yield


def _later(*arguments: object) -> None:
    """Replace ``update_proto``: the messages of the nodes are written when all passes are done."""
