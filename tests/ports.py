"""Ports to listen on."""

from __future__ import annotations

import contextlib
import random
import socket
from typing import Final

_PORTS: Final = range(20_000, 32_000)
"""Below those that systems give to clients, whose connections could take the port before the server does."""


def free_port() -> int:
    """Return a port of the loopback address that no process uses at this moment."""
    while True:
        port = random.SystemRandom().choice(_PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
