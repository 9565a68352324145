"""The process: requests to its endpoints, inputs of its steps, and data that no step has written.

A process that a request has started must run to its end.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from tests.bad_input.contents import bytes_of
from tests.bad_input.observed import USER_VALUE
from tests.bad_input.outcome import Outcome, check_message
from tests.bad_input.strategies import any_object, any_text, any_value, json_texts, mutated
from tests.bad_input.system_runner import Group, invoke
from tests.bad_input.targets import Target
from tests.fakes.sparse_file import bytes_of as all_bytes
from tests.faults.scenarios import system_scenarios
from tests.faults.system_world import SystemWorld

_SCENARIO = system_scenarios()["process/whole"]
_OWNER, _ID = "callerkey1", "3f2b8c1e-5d4a-4b6f-9c7d-0e1f2a3b4c5d"
_TRANSACTION = f"{_OWNER}/{_ID}"
_READERS = ("ProcessStateFunction", "ProcessDataFunction")
_STATUSES = (400, 404, 413)
"""The caller can solve the problem."""


def _event(body: str | None = None, *, encoded: bool = False, query: Any = None) -> dict[str, Any]:
    return {
        "multiValueQueryStringParameters": query,
        "requestContext": {"identity": {"apiKeyId": _OWNER}},
        "body": body,
        "isBase64Encoded": encoded,
    }


def _encoded(body: bytes) -> dict[str, Any]:
    return _event(base64.b64encode(body).decode(), encoded=True)


def _responded(outcome: Outcome) -> Outcome:
    """Check the HTTP response; its error is `400 InvalidInputError`."""
    assert outcome.error == "", "every request must get a response"
    response = outcome.answer
    status, document = response["statusCode"], json.loads(response["body"])
    assert response["headers"]["Content-Type"] == "application/json"
    assert response["headers"]["Cache-Control"] == "no-store"
    if status == 200:
        return replace(outcome, answer=document)
    assert status in _STATUSES, response
    assert document.keys() == {"error", "message"}
    check_message(document["message"])
    assert not outcome.started, "what was refused has started something"
    return replace(outcome, error=f"{status} {document['error']}", message=document["message"])


def _post(event: Any) -> Outcome:
    """Start a process; the answer is what was stored."""
    stored: list[Any] = []

    def inspect(world: SystemWorld) -> None:
        _check_executions(world)
        contents = map(all_bytes, world.s3.objects.values())
        stored.extend(json.loads(content)["processInput"] for content in contents)

    outcome = _responded(invoke(_SCENARIO, "StartProcessFunction", event, inspect=inspect))
    assert not outcome.calls or not outcome.error, "a refused request needs no AWS call"
    return replace(outcome, answer={"processInput": stored[0]} if stored else None, started=())


def _check_executions(world: SystemWorld) -> None:
    ends = {execution.machine.name: execution.status.value for execution in world.executions}
    succeeded = {"ProcessStateMachine": "SUCCEEDED", "DownstreamStateMachine": "SUCCEEDED"}
    assert ends in ({}, succeeded), ends
    assert ends or not world.s3.objects, "what was refused was stored"


def _start_request(given: Mapping[str, Any]) -> Outcome:
    """`body`, a content; `encoded`: in base64, as API Gateway sends binary bodies; or `event`."""
    if "event" in given:
        return _post(_event() | given["event"])
    body = bytes_of(given["body"])
    return _post(_encoded(body) if given.get("encoded") else _event(body.decode(errors="surrogatepass")))


def _query(given: Mapping[str, Any]) -> Outcome:
    """`query`: all values of each parameter. Both endpoints must have the same response."""
    event = _event(query=given["query"])
    state, data = (_responded(invoke(_SCENARIO, function, event)) for function in _READERS)
    assert (state.error, state.message) == (data.error, data.message)
    return state


def _step_input(given: Mapping[str, Any]) -> Outcome:
    """`event` of step A, with valid data."""
    return _run_step(given["event"], b'{"processInput":{}}')


def _data(given: Mapping[str, Any]) -> Outcome:
    """`data`, a content: what another process has stored as the transaction's data. Step A reads it."""
    return _run_step({"transaction": _TRANSACTION}, bytes_of(given["data"]))


def _run_step(event: Any, data: bytes) -> Outcome:
    def put(world: SystemWorld) -> None:
        world.s3.put(world.bucket("DataBucket"), f"transactions/{_TRANSACTION}.json", data)

    return invoke(_SCENARIO, "StepAFunction", event, prepare=put)


GROUPS: Mapping[str, Group] = {
    "process_start_requests": _start_request,
    "process_queries": _query,
    "process_step_inputs": _step_input,
    "process_data": _data,
}

_VALID_BODY = {"processInput": {"customer": USER_VALUE, "items": [1, 2.5, {"deep": [None, True]}]}}
_bodies = json_texts(
    st.one_of(mutated(_VALID_BODY), st.builds(lambda value: {"processInput": value}, any_object), any_value)
)
_queries = st.one_of(
    st.dictionaries(
        st.one_of(st.just("transactionId"), any_text), st.lists(any_text, max_size=2), max_size=2
    ),
    st.builds(
        lambda text: {"transactionId": [text]}, st.one_of(any_text, st.just(_ID), st.just(_ID.upper()))
    ),
    st.none(),
)

TARGETS = (
    Target("process requests", _bodies, lambda body: _post(_encoded(body)).kind, 40),
    Target("process queries", _queries, lambda query: _query({"query": query}).kind, 30),
    Target(
        "process data",
        json_texts(st.one_of(mutated({"processInput": {"a": USER_VALUE}, "stepA": {}}), any_value)),
        lambda data: _run_step({"transaction": _TRANSACTION}, data).kind,
        40,
    ),
)
