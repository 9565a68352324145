"""`python -m stepline.localaws`: the local AWS in the foreground. `stepline up` runs this."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from stepline.core.errors import UsageError
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
    parser.add_argument(
        "--until-input-closes", action="store_true", help="end with whoever holds the other end of its input"
    )
    arguments = parser.parse_args()
    if arguments.until_input_closes:
        threading.Thread(target=_end_with_input, name="stepline-owner", daemon=True).start()
    try:
        server.run(port=arguments.port, directory=arguments.directory, region=arguments.region)
    except UsageError as error:
        sys.exit(f"stepline: {error}")


def _end_with_input() -> None:
    """The command that started this was killed: end as it would have asked for."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
