"""Starts the console of a local AWS as a process, which ends with the local AWS, however that ends.

It runs `python -m stepline.console`. Its standard input is a pipe whose other end only the local AWS holds:
when that ends, even by `kill -9`, the pipe closes and the console exits. It gets a socket that listens
already, so that its address is known at once, and is that of no other program.
"""

from __future__ import annotations

import errno
import importlib.util
import socket
import subprocess
import sys
import time
from contextlib import suppress
from itertools import chain
from typing import Final

from stepline.aws import local_servers
from stepline.aws.local_servers import LocalAws
from stepline.core.errors import UsageError
from stepline.core.local_aws import DEFAULT_CONSOLE_PORT, HOST
from stepline.processes import process_table

_PACKAGES: Final = ("hypercorn", "jinja2", "starlette")  # those of stepline[console]
_READY_SECONDS: Final = 10.0  # usually it is ready long before the templates are deployed
_POLL_SECONDS: Final = 0.05


def is_installed() -> bool:
    """Whether the packages of `stepline[console]` are there."""
    return all(importlib.util.find_spec(name) for name in _PACKAGES)


def listen(port: int | None, *, local_aws_port: int) -> socket.socket:
    """Return a socket that listens on `port`; without one on the default port, or else on a free one.

    Raises UsageError if the given port is in use.
    """
    if port is not None:
        if port == local_aws_port:
            raise UsageError(f"port {port} is that of the local AWS: use another --console-port")
        return _listen_on(port)
    if local_aws_port != DEFAULT_CONSOLE_PORT:
        with suppress(UsageError):
            return _listen_on(DEFAULT_CONSOLE_PORT)
    return socket.create_server((HOST, 0))


def _listen_on(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
            raise
        process = process_table.find_listener(port) if error.errno == errno.EADDRINUSE else None
        program = f"in use by {process.name} (process {process.pid})" if process else "not free"
        raise UsageError(f"port {port} is {program}: use another --console-port, or --no-console") from error


def spawn(
    listener: socket.socket, local_aws: LocalAws, *, environment: dict[str, str], until_closed: int
) -> subprocess.Popen[bytes]:
    """Start the console on the socket; it exits when the pipe `until_closed` closes.

    The folder in its command line shows to which local AWS it belongs.
    """
    options = {
        "--listener": str(listener.fileno()),
        "--endpoint-url": local_aws.endpoint_url,
        "--region": local_aws.region,
        "--directory": str(local_aws.data_folder),
    }
    with local_aws.console_log_file.open("wb") as log:
        return subprocess.Popen(  # noqa: S603 (our own interpreter)
            [sys.executable, "-m", "stepline.console", *chain.from_iterable(options.items())],
            stdin=until_closed,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )


def wait_until_ready(local_aws: LocalAws) -> str:
    """Return the address of its console. Raises UsageError, with its last message, if it does not respond."""
    deadline = time.monotonic() + _READY_SECONDS
    while local_aws.console and time.monotonic() < deadline:
        if url := local_servers.console_url(local_aws):
            return url
        if process_table.find_process(local_aws.console.pid) is None:
            break
        time.sleep(_POLL_SECONDS)
    lines = local_aws.console_log_file.read_text(encoding="utf-8", errors="replace").split("\n")
    reason = next((line for line in reversed(lines) if line.strip()), "its log is empty")
    raise UsageError(f"the console did not start: {reason.strip()}")
