"""Ask a server for what an exported net gives.

    python scripts/ask_server.py http://localhost:8501 lenet5 exported/lenet5/1/request.json

The file is the body of a REST request; its inputs go over gRPC, grpc://localhost:8500, as well.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from kerasnets.exporting import ServerError, predict


def main() -> int:
    """Print every output, a row a line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("address", help="http://HOST:PORT for REST, grpc://HOST:PORT for gRPC")
    parser.add_argument("model", help="what the server calls the net")
    parser.add_argument("request", type=Path, help="JSON with the inputs by name")
    parser.add_argument("--signature", default="serving_default", help="or classify")
    parser.add_argument("--timeout", type=float, default=10.0, help="seconds")
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
