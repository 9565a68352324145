"""The Runtime API listens on a port of the loopback interface, where web pages could call it, too."""

from __future__ import annotations

import http.client
import urllib.request
from collections.abc import Iterator, Mapping

import pytest

from stepline.localaws.functions.runtime_api import Channel, Invocation, RuntimeApi

NEXT = "/2018-06-01/runtime/invocation/next"
RESPONSE = "/2018-06-01/runtime/invocation/any/response"


@pytest.fixture
def channel() -> Iterator[Channel]:
    api = RuntimeApi()
    channel = api.open()
    yield channel
    api.close_channel(channel)
    api.close()


def status_of(channel: Channel, method: str, path: str, headers: Mapping[str, str]) -> int:
    connection = http.client.HTTPConnection(channel.address, timeout=10)
    try:
        connection.request(method, path, b"{}" if method == "POST" else None, dict(headers))
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://attacker.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "none"},
        {"User-Agent": "Mozilla/5.0"},
        {"Host": "attacker.example"},
        {"Host": "localhost:4566"},
    ],
)
def test_web_page_can_neither_take_an_event_nor_send_a_result(
    channel: Channel, headers: dict[str, str]
) -> None:
    invocation = Invocation("r", "arn", b'{"a": 1}', 0)
    channel.send(invocation)
    assert status_of(channel, "GET", NEXT, headers) == 403
    assert not channel.ready.done()
    with urllib.request.urlopen(f"http://{channel.address}{NEXT}", timeout=10) as event:
        assert event.read() == b'{"a": 1}'
    assert status_of(channel, "POST", RESPONSE, headers) == 403
    assert not invocation.response.done()
    assert status_of(channel, "POST", RESPONSE, {}) == 202
    assert invocation.response.result(10).payload == b"{}"
