"""Run a file in TensorFlow Lite Micro, with an arena of so many bytes.

::

    python -P micro_run.py model.tflite 100000 inputs.npz outputs.npz

Each input has a row per run. The program imports nothing of kerasnets. The runtime writes to
standard error how many bytes of the arena it used. If the arena is too small, it may end the
process.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    import numpy as np
    from ai_edge_litert import schema_py_generated as schema
    from tflite_micro import runtime

    content = Path(sys.argv[1]).read_bytes()
    graph = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0)).subgraphs[0]
    inputs, outputs = (
        [graph.tensors[index].name.decode() for index in indices]
        for indices in (graph.inputs, graph.outputs)
    )
    with np.load(sys.argv[3]) as stored:
        arrays = dict(stored)
    interpreter = runtime.Interpreter.from_bytes(content, arena_size=int(sys.argv[2]))
    results = []
    for row in range(len(arrays[inputs[0]])):
        for index, name in enumerate(inputs):
            interpreter.set_input(arrays[name][row : row + 1], index)
        interpreter.invoke()
        results.append([interpreter.get_output(index) for index in range(len(outputs))])
    interpreter.print_allocations()
    parts = zip(*results, strict=True)
    np.savez(sys.argv[4], **dict(zip(outputs, map(np.concatenate, parts), strict=True)))
