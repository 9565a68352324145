"""What a web page could send, and requests beyond the limits, for each kind of path of a running server."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest
from botocore.exceptions import ClientError

from stepline.localaws.http.request_limits import MAX_API_BYTES, MAX_FUNCTION_CODE_BYTES
from tests.localaws.running_server import Server, running_server

pytestmark = pytest.mark.xdist_group("refused_requests")

CONTROL = b'{"a": 1}'
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
FORGED = {
    "origin": {"Origin": "http://attacker.example"},
    "no origin": {"Origin": "null"},
    "another port": {"Origin": "http://127.0.0.1:1"},
    "another site": {"Sec-Fetch-Site": "cross-site"},
    "another port of the site": {"Sec-Fetch-Site": "same-site"},
    "host": {"Host": "attacker.example"},
}


@dataclass(frozen=True)
class Request:
    """A request that succeeds when a client of the developer sends it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


def target(name: str, version: str = "1.1") -> dict[str, str]:
    return {"X-Amz-Target": name, "Content-Type": f"application/x-amz-json-{version}"}


def rest(service: str) -> dict[str, str]:
    """Return headers of a request to an API whose operations have paths."""
    scope = f"Credential=test/20261121/us-east-1/{service}/aws4_request"
    authorization = f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"
    return {"Content-Type": "application/json", "Authorization": authorization}


REQUESTS = {
    "query API": Request("POST", "/", FORM, urlencode({"Action": "ListStacks"}).encode()),
    "query API with GET": Request("GET", "/?Action=ListTopics&Version=2010-03-31", {}),
    "JSON API of stepline": Request("POST", "/", target("AWSStepFunctions.ListStateMachines", "1.0"), b"{}"),
    "JSON API of ministack": Request("POST", "/", target("AWSEvents.ListRules"), b"{}"),
    "object": Request("GET", "/bucket/key", {}),
    "upload": Request("PUT", "/bucket/other", {}, b"x"),
    "list of functions": Request("GET", "/2015-03-31/functions", rest("lambda")),
    "jobs of Batch": Request("POST", "/v1/describejobqueues", rest("batch"), b"{}"),
    "git": Request("GET", "/v1/repos/app/info/refs?service=git-upload-pack", {}),
    "image registry": Request("GET", "/v2/", {}),
    "REST API": Request("GET", "/restapis/{api}/live/_user_request_/items", {}),
    "health of stepline": Request("GET", "/_stepline/health", {}),
    "permissions": Request("GET", "/_stepline/permissions", {}),
    "health of ministack": Request("GET", "/_ministack/health", {}),
    "reset of ministack": Request("POST", "/_ministack/config", {}, b"{}"),
    "preflight": Request("OPTIONS", "/", {"Access-Control-Request-Method": "POST"}),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("server")) as server:
        server.client("codecommit").create_repository(repositoryName="app")
        s3 = server.client("s3")
        s3.create_bucket(Bucket="bucket")
        s3.put_object(Bucket="bucket", Key="key", Body=CONTROL)
        yield server


@pytest.fixture(scope="module")
def api(server: Server) -> str:
    return server.create_rest_api()


def send(
    port: int, request: Request, headers: Mapping[str, str] | None = None
) -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(
            request.method, request.path, request.body or None, {**request.headers, **(headers or {})}
        )
        response = connection.getresponse()
        return (
            response.status,
            response.read(),
            {name.lower(): value for name, value in response.getheaders()},
        )
    finally:
        connection.close()


def at(request: Request, api: str) -> Request:
    return Request(request.method, request.path.replace("{api}", api), request.headers, request.body)


@pytest.mark.parametrize("kind", REQUESTS)
def test_request_of_a_page_is_refused_and_that_of_a_client_is_not(
    server: Server, api: str, kind: str
) -> None:
    request = at(REQUESTS[kind], api)
    for name, forged in FORGED.items():
        status, body, headers = send(server.port, request, forged)
        assert status == 403, name
        assert b"local AWS" in body, name
        assert not [each for each in headers if each.startswith("access-control-")], name
    status, body, headers = send(server.port, request)
    assert status == 200, body
    assert "access-control-allow-origin" not in headers


def test_user_can_open_an_object_but_no_query_api_in_a_browser(server: Server) -> None:
    opened = {"User-Agent": "Mozilla/5.0", "Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}
    assert send(server.port, REQUESTS["object"], opened)[1] == CONTROL
    assert send(server.port, REQUESTS["query API with GET"], opened)[0] == 403


@pytest.mark.parametrize(
    ("request_lines", "status"),
    [
        (b"GET /_stepline/health HTTP/1.0", b"403"),
        (b"GET /_stepline/health HTTP/1.0\r\nHost: localhost", b"200"),
        (b"GET /_stepline/health HTTP/1.1", b"400"),
        (b"GET /_stepline/health HTTP/1.1\r\nHost: localhost\r\nHost: localhost", b"400"),
        (b"GET /_stepline/health HTTP/1.1\r\nHost: a b", b"403"),
        (b"GET http://localhost/_stepline/health HTTP/1.1\r\nHost: attacker.example", b"403"),
    ],
)
def test_host_header_is_checked_in_each_version_of_http(
    server: Server, request_lines: bytes, status: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(request_lines + b"\r\nConnection: close\r\n\r\n")
        assert connection.recv(1000).split()[1] == status


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("stepfunctions", "list_state_machines"),
        ("cloudformation", "list_stacks"),
        ("s3", "list_buckets"),
        ("lambda", "list_functions"),
    ],
)
def test_boto3_shows_the_reason(server: Server, service: str, operation: str) -> None:
    client = server.client(service, aws_access_key_id="attacker")  # no other test gets this client
    client.meta.events.register(
        "before-send", lambda request, **_: request.headers.update(Host="attacker.example")
    )
    with pytest.raises(ClientError, match=r"--allow-host attacker\.example"):
        getattr(client, operation)()


def test_allowed_host_and_origin_are_served(tmp_path: Path) -> None:
    options = ("--allow-host=host.docker.internal", "--allow-origin=http://localhost:3000")
    with running_server(tmp_path, *options) as server:
        host = {"Host": f"host.docker.internal:{server.port}"}
        assert send(server.port, REQUESTS["JSON API of stepline"], host)[0] == 200
        page = {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "cross-site"}
        for kind in ("preflight", "query API"):
            status, _, headers = send(server.port, REQUESTS[kind], page)
            assert status == 200
            assert headers["access-control-allow-origin"] == "http://localhost:3000"


DEEP = b"[" * 200_000


@pytest.mark.parametrize("closing", [b"", b"]" * 200_000], ids=["unfinished", "complete"])
@pytest.mark.parametrize(
    "request_",
    [
        Request("POST", "/", target("AWSStepFunctions.StartExecution", "1.0")),
        Request("POST", "/", target("CodePipeline_20150709.ListPipelines")),
        Request("POST", "/", target("AWSEvents.PutEvents")),
        Request("POST", "/v1/submitjob", rest("batch")),
        Request("POST", "/2015-03-31/functions", rest("lambda")),
    ],
    ids=["Step Functions", "CodePipeline", "EventBridge", "Batch", "Lambda"],
)
def test_deeply_nested_document_is_a_client_error(server: Server, request_: Request, closing: bytes) -> None:
    status, body, _ = send(server.port, Request("POST", request_.path, request_.headers, DEEP + closing))
    assert (status, json.loads(body)["__type"]) == (400, "SerializationException")


def test_deeply_nested_definition_is_a_client_error(server: Server) -> None:
    states = server.client("stepfunctions")
    role = "arn:aws:iam::000000000000:role/r"
    with pytest.raises(ClientError, match="nested too deeply"):
        states.create_state_machine(name="m", definition="[" * 100_000 + "]" * 100_000, roleArn=role)


@pytest.mark.parametrize(
    ("path", "headers", "limit"),
    [
        ("/", target("AWSStepFunctions.StartExecution", "1.0"), MAX_API_BYTES),
        ("/", FORM, MAX_API_BYTES),
        ("/2015-03-31/functions", rest("lambda"), MAX_FUNCTION_CODE_BYTES),
    ],
    ids=["JSON", "query", "Lambda"],
)
def test_large_body_is_refused_and_not_stored(
    server: Server, path: str, headers: Mapping[str, str], limit: int
) -> None:
    before = peak_memory_bytes(server)
    body = b"x" * (limit + 1)
    status, response, _ = send(server.port, Request("POST", path, headers, body))
    assert status == 413
    assert f"smaller than {limit} bytes".encode() in response
    assert peak_memory_bytes(server) - before < limit // 2


def test_large_object_is_stored(server: Server) -> None:
    status, _, _ = send(server.port, Request("PUT", "/bucket/large", {}, b"x" * (MAX_API_BYTES + 1)))
    assert status == 200


def peak_memory_bytes(server: Server) -> int:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
