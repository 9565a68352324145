"""The invariants of the load test: violations are found, and calls are counted correctly."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import MutableMapping
from typing import Any

import pytest

from benchmarks.load.bounds import check_after, check_peak
from benchmarks.load.burst import Burst
from benchmarks.load.calls import ACCESS_KEY, PATH, CallCounter
from benchmarks.load.invariants import one_final_result_per_action
from benchmarks.processes import Sample

SMALL = Sample(
    server_mib=180,
    server_threads=20,
    server_open_files=20,
    server_cpu_seconds=3,
    functions=0,
    functions_mib=0,
)
HUGE = Sample(
    server_mib=9e9,
    server_threads=10**6,
    server_open_files=10**6,
    server_cpu_seconds=3,
    functions=10**6,
    functions_mib=9e9,
)
BURST = Burst(started={"load-01": ["a", "b"]}, in_progress_at_once=2, seconds=1)


def test_use_of_resources_above_the_bounds_is_a_violation() -> None:
    assert not any(finding.holds for finding in check_peak(SMALL, HUGE, executions=10))
    assert not any(finding.holds for finding in check_after(SMALL, HUGE, idle_cpu_share=1.0))
    assert all(finding.holds for finding in check_peak(SMALL, SMALL, executions=10))


@pytest.mark.parametrize(
    ("ends", "starts", "holds"), [(2, 2, True), (1, 2, False), (3, 2, False), (2, 3, False)]
)
def test_action_that_starts_or_ends_other_than_once_is_a_violation(
    ends: int, starts: int, holds: bool
) -> None:
    calls = Counter({"codepipeline:PutJobSuccessResult OK": ends, "states:StartExecution OK": starts})
    assert one_final_result_per_action(BURST, calls).holds is holds


@pytest.mark.parametrize(
    ("request_", "response", "counted"),
    [
        (
            {"target": "CodePipeline_20150709.PutJobSuccessResult", "body": b'{"jobId": "1"}'},
            (200, b"{}"),
            "codepipeline:PutJobSuccessResult OK",
        ),
        (
            {
                "target": "CodePipeline_20150709.PutJobSuccessResult",
                "body": b'{"jobId": "1", "continuationToken": "t"}',
            },
            (400, b'{"__type": "InvalidJobStateException"}'),
            "codepipeline:PutJobSuccessResult(continued) InvalidJobStateException",
        ),
        (
            {"service": "cloudformation", "body": b"Action=DescribeStacks&StackName=a", "form": True},
            (400, b"<Error><Code>Throttling</Code></Error>"),
            "cloudformation:DescribeStacks Throttling",
        ),
        (
            {
                "service": "lambda",
                "path": "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A0%3Afunction%3Af/invocations",
            },
            (200, b"{}"),
            "lambda:Invoke(f) OK",
        ),
        ({"service": "s3", "method": "GET", "path": "/bucket/key"}, (503, b""), "s3:GetObject 503"),
    ],
)
def test_calls_are_counted_by_operation_and_outcome(
    request_: dict[str, Any], response: tuple[int, bytes], counted: str
) -> None:
    assert _counts(request_, response) == {counted: 1}


def test_calls_of_the_load_test_itself_are_not_counted() -> None:
    assert _counts({"service": "s3", "key": ACCESS_KEY}, (200, b"")) == {}


def _counts(request: dict[str, Any], response: tuple[int, bytes]) -> dict[str, int]:
    """Return the counts of a counter after that request."""
    sent: list[MutableMapping[str, Any]] = []

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": response[0], "headers": []})
        await send({"type": "http.response.body", "body": response[1]})

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": request.get("body", b"")}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def run() -> None:
        counter = CallCounter(app)
        await counter(_scope(request), receive, send)
        sent.clear()
        await counter({"type": "http", "path": PATH, "headers": []}, receive, send)

    asyncio.run(run())
    counts: dict[str, int] = json.loads(sent[-1]["body"])
    return counts


def _scope(request: dict[str, Any]) -> dict[str, Any]:
    key, service = request.get("key", "AKIA"), request.get("service", "codepipeline")
    credential = f"AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/{service}/aws4_request"
    headers = [(b"Authorization", credential.encode())]
    if "target" in request:
        headers.append((b"X-Amz-Target", request["target"].encode()))
    if "form" in request:
        headers.append((b"Content-Type", b"application/x-www-form-urlencoded; charset=utf-8"))
    return {
        "type": "http",
        "method": request.get("method", "POST"),
        "path": request.get("path", "/"),
        "headers": headers,
    }
