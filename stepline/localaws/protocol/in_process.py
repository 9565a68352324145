"""A boto3 client whose requests go to a service object in this process.

botocore validates, retries and parses as always; only signature and socket are missing.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore import UNSIGNED
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config

from stepline.localaws.protocol.rest import METHOD, PATH

if TYPE_CHECKING:
    from stepline.localaws.protocol.service import HttpResponse, JsonService


_CONFIG = Config(
    inject_host_prefix=False,
    # No service reads the signature or the user agent, and they take a third of the time of a call.
    signature_version=UNSIGNED,
    user_agent="stepline",
)


@dataclass(frozen=True)
class _RawBody:
    """The response body as botocore reads it; `stream` is urllib3's interface."""

    body: bytes

    def stream(self) -> list[bytes]:
        return [self.body]


def in_process_client(
    service: JsonService, *, region: str = "us-east-1", config: Config | None = None
) -> Any:
    """Return a boto3 client of `service`; `config` is boto3's (retries, for example)."""
    client = _session(region).client(
        service.service_name,  # type: ignore[call-overload]
        endpoint_url=f"http://{service.service_name}.invalid",
        config=_CONFIG.merge(config or Config()),
    )

    def send(request: AWSPreparedRequest, **_kwargs: object) -> AWSResponse:
        headers = {
            key.lower(): value.decode() if isinstance(value, bytes) else value
            for key, value in request.headers.items()
        }
        headers |= {METHOD: request.method, PATH: urlsplit(request.url).path}
        body = request.body or b""
        response: HttpResponse = service.handle(
            headers, body if isinstance(body, bytes) else str(body).encode()
        )
        return AWSResponse(request.url, response.status, dict(response.headers), _RawBody(response.body))  # type: ignore[arg-type]

    client.meta.events.register("before-send", send)
    return client


@functools.cache
def _session(region: str) -> boto3.Session:
    """Return one session for each region: a new one reads the service models again, which takes long."""
    core = botocore.session.Session()
    core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_parse_timestamp)
    return boto3.Session(
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106
        region_name=region,
        botocore_session=core,
    )


def _parse_timestamp(seconds: float) -> datetime:
    """Parse the one form that our services send; botocore's own parser is slow, as it tries all forms."""
    return datetime.fromtimestamp(seconds, UTC)
