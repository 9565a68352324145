"""Embedded in a REST service: requests to the facade, inputs of the steps, and data that no step has written.

What the facade takes must do: the process that it starts is run to its end.
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
from tests.bad_input.strategies import any_object, any_text, any_value, json_texts, mutated
from tests.bad_input.system_runs import Group, Told, invoke, kind
from tests.bad_input.targets import Target
from tests.faults.system import SystemWorld
from tests.faults.ways import of_systems

_WAY = of_systems()["process/whole"]
_OWNER, _ID = "callerkey1", "3f2b8c1e-5d4a-4b6f-9c7d-0e1f2a3b4c5d"
_TRANSACTION = f"{_OWNER}/{_ID}"
_READERS = ("ProcessStateFunction", "ProcessDataFunction")
_STATUSES = (400, 404, 413)
"""Of what a caller can mend."""


def _event(*, body: str | None = None, encoded: bool = False, query: Any = None) -> dict[str, Any]:
    return {
        "multiValueQueryStringParameters": query,
        "requestContext": {"identity": {"apiKeyId": _OWNER}},
        "body": body,
        "isBase64Encoded": encoded,
    }


def _answered(told: Told) -> Told:
    """With the error of the HTTP answer, `400 InvalidInputError`, as its error."""
    assert told.error == "", "a request must be answered, whatever it is"
    status, document = told.answer["statusCode"], json.loads(told.answer["body"])
    if status == 200:
        return replace(told, answer=document)
    assert status in _STATUSES, told.answer
    assert document.keys() == {"error", "message"}
    assert document["message"].isprintable()
    assert USER_VALUE not in document["message"]
    assert not told.started, "what was refused has started something"
    return replace(told, error=f"{status} {document['error']}", message=document["message"])


def _posted(event: Any) -> Told:
    """Its answer is what was stored; the executions that it started have succeeded."""
    stored: list[Any] = []

    def look(world: SystemWorld) -> None:
        _all_is_well(world)
        contents = (content[0 : len(content)] for content in world.s3.objects.values())
        stored.extend(json.loads(content)["processInput"] for content in contents)

    told = _answered(invoke(_WAY, "StartProcessFunction", event, look=look))
    assert not told.calls or not told.error, "what is refused needs no AWS"
    return replace(told, answer={"processInput": stored[0]} if stored else None, started=())


def _all_is_well(world: SystemWorld) -> None:
    ends = {execution.machine.name: execution.status.value for execution in world.executions}
    wanted = {"ProcessStateMachine": "SUCCEEDED", "DownstreamStateMachine": "SUCCEEDED"}
    assert ends in ({}, wanted), ends
    assert ends or not world.s3.objects, "what was refused was stored"


def _read(function: str, query: Any) -> Told:
    return _answered(invoke(_WAY, function, _event(query=query)))


def _start_request(give: Mapping[str, Any]) -> Told:
    """`body`, a content; `encoded`: API Gateway hands it over in base64, as it does with binary bodies."""
    body = bytes_of(give["body"])
    if give.get("encoded"):
        return _posted(_event(body=base64.b64encode(body).decode(), encoded=True))
    return _posted(_event(body=body.decode(errors="surrogatepass")))


def _query(give: Mapping[str, Any]) -> Told:
    """`query`: all values of each parameter. Both endpoints must answer the same."""
    state, data = (_read(function, give["query"]) for function in _READERS)
    assert (state.error, state.message) == (data.error, data.message)
    return state


def _step_input(give: Mapping[str, Any]) -> Told:
    """`event` of step A, whose data are sound."""
    return _stepped(give["event"], b'{"processInput":{}}')


def _stored(give: Mapping[str, Any]) -> Told:
    """`data`, a content: what somebody has put where the transaction's data are. Step A reads it."""
    return _stepped({"transaction": _TRANSACTION}, bytes_of(give["data"]))


def _stepped(event: Any, data: bytes) -> Told:
    def put(world: SystemWorld) -> None:
        world.s3.put(world.bucket("DataBucket"), f"transactions/{_TRANSACTION}.json", data)

    return invoke(_WAY, "StepAFunction", event, prepare=put)


GROUPS: Mapping[str, Group] = {
    "process_start_requests": _start_request,
    "process_queries": _query,
    "process_step_inputs": _step_input,
    "process_data": _stored,
}

_SOUND = {"processInput": {"customer": USER_VALUE, "items": [1, 2.5, {"deep": [None, True]}]}}
_bodies = json_texts(
    st.one_of(mutated(_SOUND), st.builds(lambda value: {"processInput": value}, any_object), any_value)
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
    Target(
        "process requests",
        _bodies,
        lambda body: kind(_posted(_event(body=base64.b64encode(body).decode(), encoded=True))),
        40,
    ),
    Target("process queries", _queries, lambda query: kind(_query({"query": query})), 30),
    Target(
        "process data",
        json_texts(st.one_of(mutated({"processInput": {"a": USER_VALUE}, "stepA": {}}), any_value)),
        lambda data: kind(_stepped({"transaction": _TRANSACTION}, data)),
        40,
    ),
)
