"""AWS's REST protocol with JSON bodies, as far as each operation is one POST to a path of its own."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from stepline.localaws.protocol.service import HttpResponse, JsonService, service_model

METHOD, PATH = ":method", ":path"
"""How a request's first line is handed to `handle`: the names that it has in HTTP/2."""


class RestJsonService(JsonService):
    """A `JsonService` whose operations are told by method and path instead of `X-Amz-Target`.

    Not for operations with parameters in their path or query.
    """

    def handle(self, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """As `JsonService.handle`; `headers` also holds `:method` and `:path`."""
        name = operation_at(self.service_name, headers.get(METHOD, ""), headers.get(PATH, ""))
        target = name or f"{headers.get(METHOD)} {headers.get(PATH)}"
        return super().handle({**headers, "x-amz-target": target}, body)


def operation_at(service_name: str, method: str, path: str) -> str | None:
    """The operation that the service has at that place, or None."""
    return _operations(service_name).get((method, path.rstrip("/")))


@functools.cache
def _operations(service_name: str) -> dict[tuple[str, str], str]:
    model = service_model(service_name)
    places = {name: model.operation_model(name).http for name in model.operation_names}
    return {(http["method"], http["requestUri"]): name for name, http in places.items()}
