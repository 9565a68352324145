"""Parses OpenAPI definitions of HTTP APIs: their routes, integrations, authorizers and CORS configuration.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-open-api.html and "OpenAPI extensions
for API Gateway"
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

Document = Mapping[str, Any]

_METHODS: Final = ("delete", "get", "head", "options", "patch", "post", "put", "trace")
_ANY_METHOD: Final = "x-amazon-apigateway-any-method"
_AUTHORIZER: Final = "x-amazon-apigateway-authorizer"
_AUTH_TYPE: Final = "x-amazon-apigateway-authtype"
_INTEGRATION: Final = "x-amazon-apigateway-integration"
_INTEGRATIONS: Final = "x-amazon-apigateway-integrations"
_DEFAULT_ROUTE: Final = "$default"
_DEFAULT_PATHS: Final = frozenset({"$default", "/$default"})


@dataclass(frozen=True)
class Route:
    """A route, with the requests of CreateIntegration and CreateRoute for it.

    `authorizer` is a name in the definition; `request` lacks its id and the target.
    """

    request: Document
    integration: Document
    authorizer: str


@dataclass(frozen=True)
class HttpApiDefinition:
    """`authorizers` are requests of CreateAuthorizer by their names in the definition."""

    title: str
    routes: tuple[Route, ...]
    authorizers: Mapping[str, Document]
    cors: Document

    @classmethod
    def parse(cls, document: Document) -> HttpApiDefinition:
        components = _object(document, "components")
        schemes = _object(components, "securitySchemes")
        return cls(
            title=str(_object(document, "info").get("title", "")),
            routes=tuple(_routes(document, components, schemes)),
            authorizers={
                name: _authorizer_request(name, scheme[_AUTHORIZER])
                for name, scheme in schemes.items()
                if isinstance(scheme, Mapping) and isinstance(scheme.get(_AUTHORIZER), Mapping)
            },
            cors=_object(document, "x-amazon-apigateway-cors"),
        )


def _routes(document: Document, components: Document, schemes: Document) -> Iterator[Route]:
    for path, item in _object(document, "paths").items():
        for method, operation in item.items() if isinstance(item, Mapping) else ():
            if method.lower() not in (*_METHODS, _ANY_METHOD) or not isinstance(operation, Mapping):
                continue
            security = operation.get("security", document.get("security")) or []
            name, scopes = next(iter(security[0].items()), ("", [])) if security else ("", [])
            yield Route(
                {
                    "routeKey": _route_key(path, method),
                    "authorizationType": _authorization_type(_object(schemes, name)) if name else "NONE",
                    "authorizationScopes": list(scopes or []),
                    "operationName": operation.get("operationId", ""),
                },
                _integration_request(_integration(operation, components)),
                name,
            )


def _route_key(path: str, method: str) -> str:
    if path in _DEFAULT_PATHS:
        return _DEFAULT_ROUTE
    return f"{'ANY' if method == _ANY_METHOD else method.upper()} {path}"


def _authorization_type(scheme: Document) -> str:
    if scheme.get(_AUTH_TYPE) == "awsSigv4":
        return "AWS_IAM"
    return "CUSTOM" if _object(scheme, _AUTHORIZER).get("type") == "request" else "JWT"


def _integration(operation: Document, components: Document) -> Document:
    """Return the integration of an operation, which may be one that operations share."""
    integration = _object(operation, _INTEGRATION)
    name = str(integration.get("$ref", "")).rpartition("/")[2]
    return _object(_object(components, _INTEGRATIONS), name) if name else integration


def _integration_request(integration: Document) -> Document:
    request = {
        "integrationType": str(integration.get("type", "aws_proxy")).upper(),
        "integrationUri": integration.get("uri", ""),
        "integrationMethod": integration.get("httpMethod", "POST"),
        "payloadFormatVersion": str(integration.get("payloadFormatVersion", "1.0")),
        "connectionType": integration.get("connectionType", "INTERNET"),
    }
    if "timeoutInMillis" in integration:
        request["timeoutInMillis"] = int(integration["timeoutInMillis"])
    same = ("requestParameters", "responseParameters")
    return request | {name: integration[name] for name in same if name in integration}


def _authorizer_request(name: str, authorizer: Document) -> Document:
    source = authorizer.get("identitySource", [])
    request = {
        **authorizer,
        "name": name,
        "authorizerType": str(authorizer.get("type", "jwt")).upper(),
        # A list in the API; text with commas in a definition.
        "identitySource": [each.strip() for each in source.split(",")] if isinstance(source, str) else source,
    }
    request.pop("type", None)
    return request


def _object(document: Document, name: str) -> Document:
    member = document.get(name)
    return member if isinstance(member, Mapping) else {}
