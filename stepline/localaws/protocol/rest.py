"""AWS's REST protocol with JSON bodies, for services whose operations each have a path of their own."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from stepline.localaws.protocol.service import HttpResponse, JsonService, service_model

METHOD, PATH = ":method", ":path"
"""The keys of a request's method and path among its headers: their names in HTTP/2."""


class RestJsonService(JsonService):
    """A `JsonService` that finds the operation by method and path instead of `X-Amz-Target`.

    Operations with parameters in their path or query are not supported.
    """

    def handle(self, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """Respond as `JsonService.handle` does; `headers` must also hold `:method` and `:path`."""
        name = operation_at(self.service_name, headers.get(METHOD, ""), headers.get(PATH, ""))
        target = name or f"{headers.get(METHOD)} {headers.get(PATH)}"
        return super().handle({**headers, "x-amz-target": target}, body)


def operation_at(service_name: str, method: str, path: str) -> str | None:
    """Return the name of the operation at this path, or None."""
    return _operations(service_name).get((method, path.rstrip("/")))


@functools.cache
def _operations(service_name: str) -> dict[tuple[str, str], str]:
    model = service_model(service_name)
    requests = {name: model.operation_model(name).http for name in model.operation_names}
    return {(http["method"], http["requestUri"]): name for name, http in requests.items()}
