"""`python -m stepline.localaws`: the local AWS in the foreground. `stepline up` runs this."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from stepline.errors import UsageError
from stepline.localaws import server


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m stepline.localaws", description=server.__doc__)
    parser.add_argument("--port", type=int, default=4566)
    parser.add_argument(
        "--directory", type=Path, required=True, help="where it keeps its files while it runs"
    )
    parser.add_argument(
        "--region",
        default=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1",
    )
    arguments = parser.parse_args()
    try:
        server.run(port=arguments.port, directory=arguments.directory, region=arguments.region)
    except UsageError as error:
        sys.exit(f"stepline: {error}")


if __name__ == "__main__":
    main()
