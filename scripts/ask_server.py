"""Send an example request to a server and print the outputs of the model.

    python scripts/ask_server.py http://localhost:8501 lenet5 exported/lenet5/1/request.json

The file is the body of a REST request. Its inputs can also be sent over gRPC, to
grpc://localhost:8500.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from kerasnets.exporting import ServerError, predict


def main() -> int:
    """Print every output, one line per row."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("address", help="http://HOST:PORT for REST, grpc://HOST:PORT for gRPC")
    parser.add_argument("model", help="name of the model on the server")
    parser.add_argument("request", type=Path, help="JSON file with the inputs by name")
    parser.add_argument(
        "--signature", default="serving_default", help="serving_default or classify"
    )
    parser.add_argument(
        "--timeout", type=float, default=10.0, help="seconds to wait for the answer"
    )
    arguments = parser.parse_args()
    inputs = json.loads(arguments.request.read_text(encoding="utf-8"))["inputs"]
    try:
        outputs = predict(
            arguments.address,
            arguments.model,
            inputs,
            signature=arguments.signature,
            timeout=arguments.timeout,
        )
    except (ServerError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    for name, array in outputs.items():
        for row in array:
            print(name, row.tolist())
    return 0


if __name__ == "__main__":
    sys.exit(main())
