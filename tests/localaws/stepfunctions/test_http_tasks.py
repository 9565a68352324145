"""`http:invoke` and `apigateway:invoke`, with a server on the loopback interface."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stepline.localaws.stepfunctions.interpreter import HttpConnection, HttpRequest
from tests.localaws.stepfunctions.world import MACHINE_ARN, Outcome, State, World

CONNECTION = "arn:aws:events:us-east-1:000000000000:connection/name/1"
SECRET = "the secret"


class Server(ThreadingHTTPServer):
    """Answers each request with its parts, and `/404` with an error."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[dict[str, Any]] = []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        request = {"method": self.command, "path": self.path, "headers": dict(self.headers), "body": body}
        self.server.requests.append(request)  # type: ignore[attr-defined]
        failed = self.path.startswith("/404")
        text = "no such thing" if failed else json.dumps({"path": self.path})
        self.send_response(404 if failed else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = answer  # noqa: N815 - names of the base class

    def log_message(self, *_args: object) -> None:
        """Log nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server
        server.shutdown()


def connected(world: World) -> list[HttpRequest]:
    """Let requests have a secret header, parameter and member; return the requests for the connection."""
    asked: list[HttpRequest] = []

    def connection(request: HttpRequest) -> HttpConnection:
        asked.append(request)
        return HttpConnection({"Authorization": SECRET}, {"key": SECRET}, {"member": SECRET})

    world.http_connections = connection
    return asked


def call(world: World, url: str, method: str = "GET", **parameters: Any) -> Outcome:
    state: State = {
        "Type": "Task",
        "Resource": "arn:aws:states:::http:invoke",
        "Parameters": {
            "ApiEndpoint": url,
            "Method": method,
            "Authentication": {"ConnectionArn": CONNECTION},
            **parameters,
        },
        "End": True,
    }
    return world.run({"Call": state})


def test_response_is_the_result(world: World, server: Server) -> None:
    asked = connected(world)
    url = f"{server.url}/a?b=c"
    outcome = call(world, url, "POST", Headers={"X-One": "1"}, RequestBody={"n": 1})
    assert outcome.output["StatusCode"] == 200
    assert outcome.output["StatusText"] == "OK"
    assert outcome.output["Headers"]["Content-Type"] == ["application/json"]
    (request,) = server.requests
    assert json.loads(request["body"]) == {"n": 1, "member": SECRET}
    assert request["path"] == "/a?b=c&key=the+secret"
    assert request["headers"]["Authorization"] == SECRET
    assert request["headers"]["X-One"] == "1"
    assert request["headers"]["User-Agent"] == "Amazon|StepFunctions|HttpInvoke|us-east-1"
    assert request["headers"]["Range"] == "bytes=0-262144"
    assert asked == [HttpRequest(MACHINE_ARN, CONNECTION, url, "POST")]


def test_secrets_are_not_recorded(world: World, server: Server) -> None:
    connected(world)
    outcome = call(world, f"{server.url}/404")
    assert SECRET not in json.dumps(outcome.history, default=str) + json.dumps(
        outcome.description, default=str
    )


def test_status_is_the_error(world: World, server: Server) -> None:
    outcome = call(world, f"{server.url}/404")
    assert outcome.description["error"] == "States.Http.StatusCode.404"
    assert outcome.description["cause"] == "no such thing"
    assert [event["type"] for event in outcome.history][-2:] == ["TaskFailed", "ExecutionFailed"]


def test_server_that_does_not_answer_is_an_error(world: World) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as closed:
        url = f"http://127.0.0.1:{closed.server_port}"
    assert call(world, url).description["error"] == "States.Http.Socket"


@pytest.mark.parametrize(
    ("array_format", "body"),
    [
        ("INDICES", "a%5B0%5D=x&a%5B1%5D=y&b%5Bc%5D=1"),
        ("REPEAT", "a=x&a=y&b%5Bc%5D=1"),
        ("COMMAS", "a=x%2Cy&b%5Bc%5D=1"),
        ("BRACKETS", "a%5B%5D=x&a%5B%5D=y&b%5Bc%5D=1"),
    ],
)
def test_body_is_encoded_as_a_form(world: World, server: Server, array_format: str, body: str) -> None:
    transform = {
        "RequestBodyEncoding": "URL_ENCODED",
        "RequestEncodingOptions": {"ArrayFormat": array_format},
    }
    call(world, server.url, "POST", RequestBody={"a": ["x", "y"], "b": {"c": 1}}, Transform=transform)
    (request,) = server.requests
    assert request["body"] == body
    assert request["headers"]["Content-Type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("AccessDenied", "Events.ConnectionResource.AccessDenied"),
        ("ResourceNotFoundException", "Events.ConnectionResource.NotFound"),
    ],
)
def test_connection_that_cannot_be_used_is_an_error(
    world: World, server: Server, code: str, name: str
) -> None:
    def refuse(_request: HttpRequest) -> HttpConnection:
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "RetrieveConnectionCredentials")

    world.http_connections = refuse
    assert call(world, server.url).description["error"] == name
    assert server.requests == []


def test_error_of_api_gateway_is_its_status(world: World, server: Server) -> None:
    state: State = {
        "Type": "Task",
        "Resource": "arn:aws:states:::apigateway:invoke",
        "Parameters": {"ApiEndpoint": f"{server.url}/404", "Method": "GET"},
        "End": True,
    }
    outcome = world.run({"Call": state})
    assert outcome.description["error"] == "ApiGateway.404"
    assert outcome.description["cause"] == "no such thing"
