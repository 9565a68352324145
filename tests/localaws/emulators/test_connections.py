"""EventBridge connections, whose credentials HTTP tasks use and nobody reads."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from ministack.services import eventbridge

from stepline.localaws.emulators.ministack import connections
from stepline.localaws.iam import Actor, Permission, acting_as
from stepline.localaws.stepfunctions.interpreter import HttpRequest

ACCOUNT, REGION, SECRET = "000000000000", "us-east-1", "the secret"
ARN = f"arn:aws:events:{REGION}:{ACCOUNT}:connection/name/1"
MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:machine"
REQUEST = HttpRequest(MACHINE, ARN, "https://example.com/a", "GET")
PARAMETERS: dict[str, dict[str, Any]] = {
    "BASIC": {"BasicAuthParameters": {"Username": "me", "Password": SECRET}},
    "API_KEY": {"ApiKeyAuthParameters": {"ApiKeyName": "x-key", "ApiKeyValue": SECRET}},
    "OAUTH_CLIENT_CREDENTIALS": {
        "OAuthParameters": {
            "ClientParameters": {"ClientID": "id", "ClientSecret": SECRET},
            "AuthorizationEndpoint": "https://127.0.0.1:1/token",
            "HttpMethod": "POST",
        }
    },
}


@pytest.fixture(autouse=True)
def no_connection() -> Iterator[None]:
    yield
    eventbridge._connections.clear()


def create(kind: str, **more: Any) -> None:
    parameters = {**PARAMETERS[kind], **more}
    request = {"Name": "name", "AuthorizationType": kind, "AuthParameters": parameters}
    status, _, body = eventbridge._create_connection(request)
    assert status == 200, body


class Roles:
    def __init__(self) -> None:
        self.asked: list[Permission] = []

    def authorize(self, _actor: Actor, permissions: Iterable[Permission]) -> None:
        self.asked += permissions


def find(roles: Any = None) -> Any:
    given: Any = Roles() if roles is None else roles
    return connections.Connections(given, account_id=ACCOUNT, region=REGION)(REQUEST)


def test_connection_adds_its_credentials() -> None:
    create("BASIC")
    encoded = base64.b64encode(f"me:{SECRET}".encode()).decode()
    assert find().headers == {"Authorization": f"Basic {encoded}"}


def test_connection_adds_its_key_and_parameters() -> None:
    more = {
        "InvocationHttpParameters": {
            "HeaderParameters": [{"Key": "x-more", "Value": "1"}],
            "QueryStringParameters": [{"Key": "q", "Value": "2"}],
            "BodyParameters": [{"Key": "b", "Value": "3"}],
        }
    }
    create("API_KEY", **more)
    found = find()
    assert found.headers == {"x-key": SECRET, "x-more": "1"}
    assert (found.query_parameters, found.body) == ({"q": "2"}, {"b": "3"})
    assert SECRET not in repr(found)


def test_connection_that_is_missing_is_an_error() -> None:
    with pytest.raises(ClientError, match="Connection 'name' does not exist"):
        find()


def test_token_that_cannot_be_had_is_an_error_without_the_secret() -> None:
    create("OAUTH_CLIENT_CREDENTIALS")
    with pytest.raises(ClientError, match="Connection 'name' cannot get a token") as caught:
        find()
    assert SECRET not in str(caught.value)


def test_role_needs_the_documented_permissions() -> None:
    """[Step Functions guide, "Permission to run an HTTP Task"]"""
    create("API_KEY")
    roles = Roles()
    with acting_as(Actor("states.amazonaws.com", "arn:aws:iam::000000000000:role/r", "s")):
        find(roles)
    assert [(each.action, each.resource.rpartition(":")[2]) for each in roles.asked] == [
        ("states:InvokeHTTPEndpoint", "machine"),
        ("events:RetrieveConnectionCredentials", "connection/name/1"),
        ("secretsmanager:DescribeSecret", "events!connection/name/secret"),
        ("secretsmanager:GetSecretValue", "events!connection/name/secret"),
    ]
    assert roles.asked[0].context == {
        "states:httpendpoint": "https://example.com/a",
        "states:httpmethod": "GET",
    }


@pytest.mark.parametrize("kind", list(PARAMETERS))
def test_secrets_are_not_described(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eventbridge, "_describe_connection", eventbridge._describe_connection)
    connections.hide_credentials_of_connections()
    hidden = {"HeaderParameters": [{"Key": "k", "Value": SECRET, "IsValueSecret": True}]}
    create(kind, InvocationHttpParameters=hidden)
    status, _, body = eventbridge._describe_connection({"Name": "name"})
    assert status == 200
    assert SECRET not in body.decode()
    shown = json.loads(body)["AuthParameters"]
    assert shown.keys() == PARAMETERS[kind].keys() | {"InvocationHttpParameters"}
    assert shown["InvocationHttpParameters"] == {"HeaderParameters": [{"Key": "k", "IsValueSecret": True}]}


def test_requests_without_a_role_need_no_permission() -> None:
    create("BASIC")
    roles = SimpleNamespace()  # without `authorize`
    assert find(roles).headers
