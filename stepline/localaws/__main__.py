"""`python -m stepline.localaws`: the local AWS in the foreground. `stepline up` runs this."""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
import threading
from pathlib import Path

from stepline.core.errors import UsageError
from stepline.core.local_aws import DEFAULT_PORT, DEFAULT_REGION
from stepline.localaws import server
from stepline.localaws.http.browser_protection import AllowedPages


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m stepline.localaws", description=server.__doc__)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument(
        "--directory", type=Path, required=True, help="holds the files of the local AWS while it runs"
    )
    parser.add_argument(
        "--region",
        default=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or DEFAULT_REGION,
    )
    parser.add_argument("--allow-host", action="append", default=[], help="another name of this server")
    parser.add_argument("--allow-origin", action="append", default=[], help="origin of pages that may use it")
    parser.add_argument("--until-input-closes", action="store_true", help="stop when standard input closes")
    arguments = parser.parse_args()
    if arguments.until_input_closes:
        threading.Thread(target=_stop_with_input, name="stepline-owner", daemon=True).start()
    try:
        server.run(
            port=arguments.port,
            directory=arguments.directory,
            region=arguments.region,
            allowed=AllowedPages.parse(arguments.allow_host, arguments.allow_origin),
        )
    except UsageError as error:
        sys.exit(f"stepline: {error}")
    gc.freeze()  # The interpreter would look for garbage in all modules for a second, and then end.


def _stop_with_input() -> None:
    """Stop when standard input closes: the command that started this process has ended."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
