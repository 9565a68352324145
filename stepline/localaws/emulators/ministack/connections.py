"""Finds EventBridge connections for the HTTP tasks of state machines, as the role of the machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError
from ministack.core import responses
from ministack.services import eventbridge

from stepline.localaws.iam import Permission, current_actor
from stepline.localaws.service_roles import ServiceRoles
from stepline.localaws.stepfunctions.interpreter import HttpConnection, HttpRequest

_SHOWN = {
    "ApiKeyAuthParameters": ("ApiKeyName",),
    "BasicAuthParameters": ("Username",),
    "OAuthParameters": ("AuthorizationEndpoint", "ClientParameters", "HttpMethod", "OAuthHttpParameters"),
}
"""The members of AuthParameters that DescribeConnection returns [service model]."""


def hide_credentials_of_connections() -> None:
    """Return no secrets from DescribeConnection; ministack returns passwords, keys and secret parameters."""
    original = eventbridge._describe_connection

    def describe(data: Mapping[str, Any]) -> Any:
        status, headers, body = original(data)
        document = json.loads(body)
        if "AuthParameters" in document:
            document["AuthParameters"] = _without_secrets(document["AuthParameters"])
        return status, headers, json.dumps(document).encode()

    eventbridge._describe_connection = describe


def _without_secrets(parameters: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for kind, value in parameters.items():
        members = _SHOWN.get(kind)
        shown[kind] = _public(
            value if members is None else {name: value[name] for name in members if name in value}
        )
    return shown


def _public(value: Any) -> Any:
    if isinstance(value, list):
        return [_public(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    hidden = {"ClientSecret"} | ({"Value"} if value.get("IsValueSecret") else set())
    return {name: _public(item) for name, item in value.items() if name not in hidden}


class Connections:
    """Implements `stepfunctions.interpreter.HttpConnections`."""

    def __init__(self, roles: ServiceRoles, *, account_id: str, region: str) -> None:
        self._roles = roles
        self._account_id = account_id
        self._region = region

    def __call__(self, request: HttpRequest) -> HttpConnection:
        """Return what the connection adds. Raises ClientError if it is missing or the role may not use it.

        [Step Functions guide, "Permission to run an HTTP Task"]
        """
        name = request.connection_arn.partition(":connection/")[2].partition("/")[0]
        self._authorize(request, name)
        responses.set_request_account_id(self._account_id)
        responses.set_request_region(self._region)
        connection = eventbridge._connections.get(name)
        if connection is None:
            raise _error("ResourceNotFoundException", f"Connection '{name}' does not exist.")
        key = (self._account_id, self._region, name)
        try:
            headers = eventbridge._connection_auth_headers(connection, key)
        except Exception as error:  # of the request for a token, which may quote the client's secret
            raise _error("InvalidConnectionState", f"Connection '{name}' cannot get a token.") from error
        parameters = (connection.get("AuthParameters") or {}).get("InvocationHttpParameters") or {}
        more_headers, query, body = (
            eventbridge._connection_params_map(parameters.get(f"{kind}Parameters"))
            for kind in ("Header", "QueryString", "Body")
        )
        return HttpConnection({**more_headers, **headers}, query, body)

    def _authorize(self, request: HttpRequest, name: str) -> None:
        if (actor := current_actor()) is None:
            return
        secret = (
            f"arn:aws:secretsmanager:{self._region}:{self._account_id}:secret:events!connection/{name}/secret"
        )
        context = {"states:httpendpoint": request.endpoint, "states:httpmethod": request.method}
        self._roles.authorize(
            actor,
            (
                Permission("states:InvokeHTTPEndpoint", request.state_machine_arn, context),
                Permission("events:RetrieveConnectionCredentials", request.connection_arn),
                Permission("secretsmanager:DescribeSecret", secret),
                Permission("secretsmanager:GetSecretValue", secret),
            ),
        )


def _error(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "RetrieveConnectionCredentials")
