"""`python -m stepline.console`: the console of a local AWS, until that ends. `stepline up` runs this."""

from __future__ import annotations

import argparse
import os
import socket
import sys
import threading
from pathlib import Path

from stepline.aws.target import TargetOptions, choose_target
from stepline.console import server


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m stepline.console", description=__doc__)
    parser.add_argument("--listener", type=int, required=True, help="file descriptor of a listening socket")
    parser.add_argument("--endpoint-url", required=True, help="of the local AWS")
    parser.add_argument("--region", required=True)
    parser.add_argument("--directory", type=Path, required=True, help="data folder of the local AWS")
    arguments = parser.parse_args()
    threading.Thread(target=_exit_with_local_aws, name="stepline-local-aws", daemon=True).start()
    server.serve(
        choose_target(TargetOptions(arguments.endpoint_url, arguments.region), {}),
        socket.socket(fileno=arguments.listener),
        allows_actions=True,
        on_ready=lambda _address: None,
        until=server.interrupted,
    )


def _exit_with_local_aws() -> None:
    """Exit at once when standard input closes: the local AWS has ended, and nothing is left to be done."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
