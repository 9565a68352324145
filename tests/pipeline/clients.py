"""Clients of services in this process, made once: a client takes longer to make than most tests to run."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from botocore.config import Config

from stepline.localaws.protocol import HttpResponse, JsonService, in_process_client

_ONE_ATTEMPT = Config(retries={"total_max_attempts": 1})


class _Socket:
    """Stands between a client and the service of the test at hand."""

    def __init__(self, service_name: str) -> None:
        self.service_name = service_name
        self.service: JsonService | None = None

    def handle(self, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        assert self.service is not None
        return self.service.handle(headers, body)


@functools.cache
def _client(service_name: str) -> tuple[_Socket, Any]:
    socket = _Socket(service_name)
    return socket, in_process_client(socket, config=_ONE_ATTEMPT)  # type: ignore[arg-type]


def client_of(service: JsonService) -> Any:
    """The one client of such a service, from now on talking to this one."""
    socket, client = _client(service.service_name)
    socket.service = service
    return client
