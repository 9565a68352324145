"""AWS's REST protocol with JSON bodies, for services whose operations each have a path of their own."""

from __future__ import annotations

import functools
import re
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
    """Return the name of the operation at this path, which may contain parameters, or None."""
    request = f"{method} {path.rstrip('/')}"
    return next((name for pattern, name in _operations(service_name) if pattern.fullmatch(request)), None)


@functools.cache
def _operations(service_name: str) -> list[tuple[re.Pattern[str], str]]:
    """Return patterns of `<method> <path>`, those with the fewest parameters first."""
    model = service_model(service_name)
    requests = [(name, model.operation_model(name).http) for name in model.operation_names]
    requests.sort(key=lambda item: item[1]["requestUri"].count("{"))
    return [(_pattern(f"{http['method']} {http['requestUri'].rstrip('/')}"), name) for name, http in requests]


def _pattern(template: str) -> re.Pattern[str]:
    """Return the pattern of a path in which `{Name}` is one part, and `{Name+}` may be several."""
    parts = re.split(r"(\{\w+\+?\})", template.partition("?")[0])
    labels = {True: ".+", False: "[^/]+"}
    return re.compile(
        "".join(labels["+" in part] if part.startswith("{") else re.escape(part) for part in parts)
    )
