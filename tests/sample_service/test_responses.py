"""Responses to callers for all results of the process and its API."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from statemachines.process.sample_service import app as service_app
from statemachines.process.sample_service import bodies
from statemachines.process.sample_service.waiter import logger
from tests.sample_service import virtual_time
from tests.sample_service.fake_facade import API_KEY
from tests.sample_service.service import Service, facade, service

FAILED = {"status": "FAILED", "error": "S3DataPreconditionError", "cause": "stepB has not written"}
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def _response(act: Callable[[Service], Any], fake: Any = None, **settings: Any) -> httpx.Response:
    async def scenario() -> httpx.Response:
        async with service(fake, **settings) as running:
            response = await act(running)
            assert isinstance(response, httpx.Response)
            assert running.waiter.waiting == 0
            return response

    response = virtual_time.run(scenario())
    assert API_KEY not in response.text
    return response


def _instead(path: str, response: Response, *, times: int = 10**9) -> Callable[[Request], Response | None]:
    """Return an intervention for the first `times` requests of `path`."""
    left = times

    def respond(request: Request) -> Response | None:
        nonlocal left
        if request.url.path != path or left == 0:
            return None
        left -= 1
        return response

    return respond


def test_success_has_the_data() -> None:
    response = _response(lambda running: running.p1({"order": 7}))
    document = response.json()
    assert response.status_code == 200
    assert document["state"] == "SUCCEEDED"
    assert document["data"] == {"processInput": {"order": 7}, "stepA": {"done": True}}


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
def test_failure_has_error_and_cause(status: str) -> None:
    outcome = FAILED | {"status": status}
    response = _response(lambda running: running.p1({}), facade(outcome=lambda _: outcome))
    document = response.json()
    assert response.status_code == 400
    assert (document["state"], document["error"], document["cause"]) == (
        status, FAILED["error"], FAILED["cause"],
    )  # fmt: skip
    assert "data" not in document


def test_wait_can_be_resumed_after_the_time_out() -> None:
    async def scenario() -> None:
        async with service(facade(seconds=100), timeout_seconds=60) as running:
            late = await running.p1({"order": 7})
            assert late.status_code == 504
            assert asyncio.get_running_loop().time() == pytest.approx(60)
            assert late.headers["location"] == f"/p1/{late.json()['transactionId']}"
            again = await running.client.get(late.headers["location"])
            assert again.status_code == 200
            assert again.json()["data"]["processInput"] == {"order": 7}
            assert asyncio.get_running_loop().time() == pytest.approx(100, abs=2)

    virtual_time.run(scenario())


def test_id_is_returned_if_the_time_out_passes_during_the_start() -> None:
    fake = facade(response_seconds=5)
    response = _response(lambda running: running.p1({}), fake, timeout_seconds=3)
    assert response.status_code == 504
    assert {response.json()["transactionId"]} == set(fake.processes)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "it is empty"),
        ("[]", "must be a JSON object"),
        ("{", "line 1, column 2"),
        ('{"a": NaN}', "NaN is not JSON"),
        ('{"a": 1, "a": 2}', 'the key "a" twice'),
        ("\xff", "must be a JSON object"),
        ("[" * 100_000, "nested too deeply"),
        (r'{"a": "\ud800"}', "half of a surrogate pair"),
        (r'{"\udc00": 1}', "half of a surrogate pair"),
        ('{"a": 1e999}', "too large"),
    ],
)
def test_body_that_is_not_a_json_object_is_rejected(body: str, message: str) -> None:
    fake = facade()
    response = _response(lambda running: running.client.post("/p1", content=body.encode("latin-1")), fake)
    assert response.status_code == 400
    assert response.json()["error"] == "InvalidRequestError"
    assert message in response.json()["message"]
    assert fake.requests.total() == 0


def test_too_large_body_is_rejected() -> None:
    body = json.dumps({"a": "x" * bodies.MAX_BODY_BYTES})
    assert _response(lambda running: running.client.post("/p1", content=body)).status_code == 413


def test_body_that_does_not_arrive_in_time_is_rejected() -> None:
    """An earlier bug: a connection with an unfinished body stayed open without limit."""

    async def content() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(1e6)

    response = _response(lambda running: running.client.post("/p1", content=content()))
    assert response.status_code == 408
    assert response.json()["message"] == "the body did not arrive within 20 s"


@pytest.mark.parametrize(("limit", "value"), [("MAX_OPEN_BODIES", 20), ("MAX_OPEN_BYTES", 20 * 1002)])
def test_unfinished_bodies_have_a_limit_for_all_callers_together(
    limit: str, value: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An earlier bug: 800 unfinished bodies filled the memory."""
    monkeypatch.setattr(bodies, limit, value)

    async def content() -> AsyncIterator[bytes]:
        yield b" " * 1000
        await asyncio.sleep(10)
        yield b"{}"

    async def scenario() -> None:
        async with service() as running:
            crowd = [running.client.post("/p1", content=content()) for _ in range(30)]
            statuses = [response.status_code for response in await asyncio.gather(*crowd)]
            assert sorted(statuses) == [200] * 20 + [503] * 10
            assert (await running.p1({})).status_code == 200

    virtual_time.run(scenario())


@pytest.mark.parametrize("status", [400, 413])
def test_rejection_by_the_api_is_returned(status: int) -> None:
    rejection = JSONResponse({"error": "ProcessInputError", "message": "too deep"}, status)
    fake = facade(intervention=_instead("/start-process", rejection))
    response = _response(lambda running: running.p1({}), fake)
    assert (response.status_code, response.json()) == (
        status,
        {"error": "ProcessInputError", "message": "too deep"},
    )
    assert fake.requests["/start-process"] == 1


@pytest.mark.parametrize("path", ["/process-state", "/process-data"])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_transient_errors_are_retried(path: str, status: int) -> None:
    fake = facade(intervention=_instead(path, Response(status_code=status), times=4))
    assert _response(lambda running: running.p1({}), fake).status_code == 200


@pytest.mark.parametrize("path", ["/start-process", "/process-state", "/process-data"])
def test_persistent_errors_are_a_503(path: str) -> None:
    fake = facade(intervention=_instead(path, Response(status_code=503)))
    response = _response(lambda running: running.p1({}), fake)
    assert response.status_code == 503
    assert response.json()["error"] == "UnavailableError"
    assert response.headers["retry-after"]
    assert response.json().get("transactionId") == next(iter(fake.processes), None)
    assert fake.requests[path] == 5


def test_retry_after_is_respected() -> None:
    unavailable = Response(status_code=503, headers={"retry-after": "20"})
    fake = facade(intervention=_instead("/start-process", unavailable, times=1))
    _response(lambda running: running.p1({}), fake)
    (process,) = fake.processes.values()
    assert process.started_at == pytest.approx(20)


@pytest.mark.parametrize("status", [500, 502, 504])
def test_start_with_unknown_outcome_is_not_retried(status: int) -> None:
    fake = facade(intervention=_instead("/start-process", Response(status_code=status)))
    response = _response(lambda running: running.p1({}), fake)
    assert response.status_code == 502
    assert response.json()["error"] == "UnknownOutcomeError"
    assert fake.requests["/start-process"] == 1


@pytest.mark.parametrize(
    ("error", "status", "name", "attempts"),
    [
        (httpx.ConnectError("refused"), 503, "UnavailableError", 5),
        (httpx.ReadTimeout("silence"), 502, "UnknownOutcomeError", 1),
        (httpx.RemoteProtocolError("closed"), 502, "UnknownOutcomeError", 1),
    ],
)
def test_only_refused_connections_are_retried(
    error: Exception, status: int, name: str, attempts: int
) -> None:
    attempted = 0

    def fail(_request: httpx.Request) -> httpx.Response:
        nonlocal attempted
        attempted += 1
        raise error

    response = _response(lambda running: running.p1({}), transport=httpx.MockTransport(fail))
    assert (response.status_code, response.json()["error"], attempted) == (status, name, attempts)


@pytest.mark.parametrize(
    ("path", "api_response", "message"),
    [
        ("/start-process", Response("<html>"), "without a JSON object"),
        ("/start-process", JSONResponse({}), "no transactionId"),
        ("/start-process", JSONResponse({"transactionId": "../x"}), "no transactionId"),
        ("/start-process", Response(status_code=307, headers={"location": "//else"}), "returns 307"),
        ("/start-process", JSONResponse({"message": "Missing Token"}, 404), "returns 404"),
        ("/process-state", JSONResponse({"status": 1}), "no status"),
        ("/process-state", JSONResponse({}), "no status"),
        ("/process-data", JSONResponse([]), "without a JSON object"),
    ],
)  # fmt: skip
def test_malformed_response_of_the_api_is_a_502(path: str, api_response: Response, message: str) -> None:
    response = _response(lambda running: running.p1({}), facade(intervention=_instead(path, api_response)))
    assert response.status_code == 502
    assert response.json()["error"] == "UnexpectedResponseError"
    assert message in response.json()["message"]


def test_process_with_an_unknown_status_is_awaited() -> None:
    fake = facade(intervention=_instead("/process-state", JSONResponse({"status": "SOMETHING_NEW"}), times=1))
    response = _response(lambda running: running.p1({}), fake)
    assert (response.status_code, fake.requests["/process-state"] > 1) == (200, True)


def test_wrong_api_key_is_a_502() -> None:
    response = _response(lambda running: running.p1({}), api_key="wrong")
    assert response.status_code == 502
    assert "check the API key" in response.json()["message"]


@pytest.mark.parametrize(("identifier", "status"), [(UNKNOWN, 404), ("nonsense", 400), ("%2e%2e%3f", 400)])
def test_unknown_transaction_id_is_rejected(identifier: str, status: int) -> None:
    response = _response(lambda running: running.client.get(f"/p1/{identifier}"))
    assert response.status_code == status
    assert response.json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/", 404), ("GET", "/p1", 405), ("POST", "/health", 405)]
)
def test_unknown_path_and_method_are_rejected(method: str, path: str, status: int) -> None:
    response = _response(lambda running: running.client.request(method, path))
    assert response.status_code == status
    assert response.json()["message"]


def test_internal_error_hides_its_details(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise ZeroDivisionError("with something secret")

    monkeypatch.setattr(service_app, "_content", fail)
    response = _response(lambda running: running.p1({}))
    assert response.status_code == 500
    assert "secret" not in response.text


def test_key_and_input_are_not_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", log)
    fake = facade(intervention=_instead("/process-data", Response(status_code=503)))
    response = _response(lambda running: running.p1({"card": "4111"}), fake)
    output = log.getvalue()
    assert response.json()["transactionId"] in output
    assert API_KEY not in output
    assert "4111" not in output
