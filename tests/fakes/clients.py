"""Puts a fake, or a service of the local AWS, behind a real botocore client.

botocore validates and serializes the request as always, and its paginators, waiters and exceptions work. Only
the network is missing: a `JsonService` is called directly, and `FakeS3` receives the HTTP request.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.model import OperationModel

from stepline.localaws.protocol import AwsError, JsonService
from tests.fakes.s3 import FakeS3

Response = tuple[SimpleNamespace, dict[str, Any]]
"""The HTTP status, as an attribute, and the parsed response: what botocore's layers of HTTP return."""


def client_of(service: JsonService | FakeS3, *, access_key_id: str = "FUNCTION") -> Any:
    """Return the client of that service name and key, which calls `service` from now on.

    There is one client for each name and key, because it takes longer to make than most tests to run.
    """
    connection, client = _client(service.service_name, access_key_id)
    connection.service = service
    return client


def response_of(service: JsonService, operation: OperationModel, params: Mapping[str, Any]) -> Response:
    """Call a service without HTTP."""
    try:
        result = service.call(operation, dict(params)) or {}
    except AwsError as error:
        details = {"Error": {"Code": error.code, "Message": error.message}, **error.fields}
        return SimpleNamespace(status_code=error.http_status), details | metadata(error.http_status)
    return SimpleNamespace(status_code=200), {**present(result), **metadata(200)}


def metadata(status: int) -> dict[str, Any]:
    return {"ResponseMetadata": {"HTTPStatusCode": status, "RequestId": "of-the-fake"}}


def present(value: Any) -> Any:
    """Return `value` without members that are None, which a service does not send."""
    if isinstance(value, Mapping):
        return {name: present(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [present(item) for item in value]
    return value


class _Connection:
    """Connects a client to the service of the test that runs."""

    service: JsonService | FakeS3

    def __init__(self) -> None:
        self._params: dict[str, Any] = {}

    def keep_params(self, params: dict[str, Any], **_rest: object) -> None:
        self._params = dict(params)

    def call(self, model: OperationModel, **_rest: object) -> Response | None:
        if isinstance(self.service, FakeS3):
            return None  # the request follows
        return response_of(self.service, model, self._params)

    def send(self, request: AWSPreparedRequest, **_rest: object) -> AWSResponse:
        assert isinstance(self.service, FakeS3)
        return self.service.handle(request)


@functools.cache
def _client(service_name: str, access_key_id: str) -> tuple[_Connection, Any]:
    client: Any = _session().client(
        service_name,  # type: ignore[call-overload]
        aws_access_key_id=access_key_id,
        aws_secret_access_key="secret",
        endpoint_url=f"http://{service_name}.test",
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )
    connection = _Connection()
    client.meta.events.register(f"provide-client-params.{service_name}", connection.keep_params)
    client.meta.events.register(f"before-call.{service_name}", connection.call)
    client.meta.events.register(f"before-send.{service_name}", connection.send)
    return connection, client


@functools.cache
def _session() -> boto3.Session:
    """Return the one session: it keeps the service models, which take long to load."""
    return boto3.Session(region_name="us-east-1")
