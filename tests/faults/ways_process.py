"""Embedded in a REST service: a caller starts the process, asks for its state until it ends, reads the data.

The caller does what the interface asks of one: after a 502 or a 503 it makes the same request again. A start
that is repeated is another transaction, and nobody was told of the first; what the caller was told counts.
"""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from tests.faults.kinds import Fault
from tests.faults.system import SystemWorld, Way

_KEY, _OTHER_KEY = "callerkey1", "callerkey2"
_SECRET = "S3CR3T-OF-A-CALLER"
_INPUT = {"customer": _SECRET, "items": [1, 2, {"a": None}]}
_POLL_SECONDS, _POLLS, _TRIES = 60, 70, 8
_START, _STATE, _DATA = "StartProcessFunction", "ProcessStateFunction", "ProcessDataFunction"
_RECEIPT = re.compile(r'("receipt": ?")[0-9a-f]+')
_AGAIN = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE}


def _whole(world: SystemWorld) -> None:
    """Start, wait, read."""
    status, started = _request(world, _START, body=json.dumps({"processInput": _INPUT}))
    world.answers.append(f"start: {status}")
    if status is not HTTPStatus.OK:
        return
    transaction = world.memory["transaction"] = started["transactionId"]
    status, state = _end(world, transaction)
    world.answers.append(_without(transaction, f"state: {status} {json.dumps(state)}"))
    world.settle()
    status, data = _request(world, _DATA, transaction=transaction)
    world.answers.append(_without(transaction, f"data: {status} {json.dumps(data)}"))


def _fails(world: SystemWorld) -> None:
    """Somebody has put something else where the data are; the caller is told why the process failed.

    In which step only if the history can be read: the answer does without.
    """
    status, started = _request(world, _START, body=json.dumps({"processInput": _INPUT}))
    if status is not HTTPStatus.OK:
        world.answers.append(f"start: {status}")
        return
    transaction = world.memory["transaction"] = started["transactionId"]
    world.s3.put(world.bucket("DataBucket"), f"transactions/{_KEY}/{transaction}.json", b"[]")
    status, state = _end(world, transaction)
    told = _without(transaction, f"state: {status} {json.dumps(state)}")
    world.answers.append(told.replace("Step A: ", ""))


def _foreign(world: SystemWorld) -> None:
    """Another caller asks for it, with the id that it may have seen."""
    _status, started = _request(world, _START, body=json.dumps({"processInput": _INPUT}))
    transaction = world.memory["transaction"] = (started or {}).get("transactionId", "")
    world.settle()
    for function in (_STATE, _DATA) if transaction else ():
        status, answer = _request(world, function, transaction=transaction, key=_OTHER_KEY)
        world.answers.append(_without(transaction, f"{function}: {status} {json.dumps(answer)}"))


def _end(world: SystemWorld, transaction: str) -> tuple[HTTPStatus, Any]:
    """The first answer that does not say RUNNING."""
    for _ in range(_POLLS):
        status, state = _request(world, _STATE, transaction=transaction)
        if status is not HTTPStatus.OK or state["status"] != "RUNNING":
            return status, state
        world.clock.advance(_POLL_SECONDS)
    return HTTPStatus.GATEWAY_TIMEOUT, None


def _request(
    world: SystemWorld, function: str, *, body: str = "", transaction: str = "", key: str = _KEY
) -> tuple[HTTPStatus, Any]:
    """What API Gateway answers in the end: 502 where the function broke."""
    query = {"transactionId": [transaction]} if transaction else None
    event = {
        "httpMethod": "POST" if body else "GET",
        "multiValueQueryStringParameters": query,
        "requestContext": {"identity": {"apiKeyId": key}},
        "body": body or None,
        "isBase64Encoded": False,
    }
    status, document = HTTPStatus.BAD_GATEWAY, None
    for _ in range(_TRIES):
        answer = world.call(function, event)
        if answer is not None:
            status, document = HTTPStatus(answer["statusCode"]), json.loads(answer["body"])
        if status not in _AGAIN:
            break
        assert answer is None or "Retry-After" in answer["headers"]
        world.clock.advance(1)
    return status, document


def _without(transaction: str, text: str) -> str:
    """Without what each transaction has of its own: its id, and the digest of all its data."""
    return _RECEIPT.sub(r"\1<digest>", text.replace(transaction, "<id>"))


def _concerns(world: SystemWorld, execution: Any) -> bool:
    return str(execution.name).endswith(world.memory.get("transaction") or "none")


def _stored(world: SystemWorld) -> Iterator[str]:
    """The data of the transaction that the caller knows."""
    transaction = world.memory.get("transaction") or "none"
    for (_bucket, key), content in world.s3.objects.items():
        if transaction in key:
            yield _without(transaction, f"{key} {content[0 : len(content)].decode()}")


def _always(world: SystemWorld) -> Iterator[str]:
    yield from _no_update_is_lost(world)
    yield from _the_log_tells_what_callers_are_not_told(world)


def _the_log_tells_what_callers_are_not_told(world: SystemWorld) -> Iterator[str]:
    log = world.log.getvalue()
    for run in world.functions.invocations:
        is_internal = isinstance(run.answer, dict) and run.answer.get("statusCode", 0) == 500
        if is_internal and run.denied and not any(operation.name in log for operation in run.denied):
            yield f"{run.function} was denied {run.denied[0]}, and its log does not say so"


def _no_update_is_lost(world: SystemWorld) -> Iterator[str]:
    """What a step has answered to have written is there."""
    runs = world.functions.invocations
    posts = sum(run.function == _START for run in runs)
    for machine, count in Counter(item.machine.name for item in world.executions).items():
        if count > posts:
            yield f"{count} executions of {machine} for {posts} requests"
    if Fault.EXECUTION_STOPPED in world.schedule.faults:
        return
    for execution in world.executions:
        if execution.machine.name == "ProcessStateMachine" and execution.status.value == "SUCCEEDED":
            yield from _missing(world, execution.name.partition("-")[2])


def _missing(world: SystemWorld, transaction: str) -> Iterable[str]:
    (content,) = (item for (_, key), item in world.s3.objects.items() if transaction in key)
    members: Mapping[str, Any] = json.loads(content[0 : len(content)])
    wanted = {"processInput", *(f"step{letter}" for letter in "ABCDEF")}
    if missing := wanted - members.keys():
        yield f"the process succeeded, but its data lack {sorted(missing)}"
    if members["processInput"] != _INPUT:
        yield "the caller's input was changed"


_way = functools.partial(
    Way,
    "process",
    left=_stored,
    always=_always,
    concerns=_concerns,
    synchronous=frozenset({_START, _STATE, _DATA}),
    # the data expire before Step Functions forgets an execution: DataRetentionDays is at most 90
    never=frozenset({Fault.EXECUTION_EXPIRED}),
    secrets=(_SECRET,),
)

WAYS = (_way("whole", _whole), _way("fails", _fails), _way("foreign", _foreign))
