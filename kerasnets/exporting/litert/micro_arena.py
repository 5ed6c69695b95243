"""Run a file in TensorFlow Lite Micro, with an arena of so many bytes.

::

    python -P micro_arena.py model.tflite 100000

It is run as a program, and imports nothing of kerasnets. The runtime writes to standard error how
many bytes of the arena it used. If the arena is too small, it may end the process.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    import numpy as np
    from ai_edge_litert import schema_py_generated as schema
    from tflite_micro import runtime

    content = Path(sys.argv[1]).read_bytes()
    interpreter = runtime.Interpreter.from_bytes(content, arena_size=int(sys.argv[2]))
    for index in range(schema.Model.GetRootAs(content, 0).Subgraphs(0).InputsLength()):
        detail = interpreter.get_input_details(index)
        interpreter.set_input(np.zeros(detail["shape"], detail["dtype"]), index)
    interpreter.invoke()
    interpreter.print_allocations()
