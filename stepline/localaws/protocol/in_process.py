"""A real boto3 client whose requests go to a service object in this process.

botocore validates, signs, retries and parses as always; only the socket is missing.
Tests and the fault simulation run the whole machine this way.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config

if TYPE_CHECKING:
    from stepline.localaws.protocol.service import HttpResponse, JsonService


class _Raw:
    """What botocore reads an answer from; `stream` is urllib3's interface."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_args: object, **_kwargs: object) -> list[bytes]:
        return [self._body]

    def read(self, *_args: object, **_kwargs: object) -> bytes:
        body, self._body = self._body, b""
        return body


def in_process_client(
    service: JsonService, *, region: str = "us-east-1", config: Config | None = None
) -> Any:
    """A boto3 client of `service`; `config` as for boto3 (retries, for example)."""
    client = _session(region).client(
        service.service_name,  # type: ignore[call-overload]
        endpoint_url=f"http://{service.service_name}.invalid",
        config=(config or Config()).merge(Config(inject_host_prefix=False)),
    )

    def answer(request: AWSPreparedRequest, **_kwargs: object) -> AWSResponse:
        headers = {
            key.lower(): value.decode() if isinstance(value, bytes) else value
            for key, value in request.headers.items()
        }
        body = request.body or b""
        response: HttpResponse = service.handle(
            headers, body if isinstance(body, bytes) else str(body).encode()
        )
        return AWSResponse(request.url, response.status, dict(response.headers), _Raw(response.body))  # type: ignore[arg-type]

    client.meta.events.register("before-send", answer)
    return client


@functools.cache
def _session(region: str) -> boto3.Session:
    """Shared, because a session reads the service models anew, which takes longer than most tests."""
    return boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name=region)  # noqa: S106
