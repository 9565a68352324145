"""The process behind a REST API: a caller starts it, reads its state until it ends, and reads the data.

The caller does what the API requires: after a 502 or a 503 it makes the same request again. A repeated start
is another transaction, and no caller knows the first one; the ending is about the transaction that the caller
knows.
"""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from statemachines.process.store_input import OWNER
from statemachines.process.transaction import Transaction
from tests.fakes.sparse_file import bytes_of
from tests.faults.schedule import CLASSES, Fault
from tests.faults.system_scenario import SystemScenario
from tests.faults.system_world import SystemWorld

_KEY, _OTHER_KEY = "callerkey1", "callerkey2"
_SECRET = "S3CR3T-OF-A-CALLER"
_INPUT = {"customer": _SECRET, "items": [1, 2, {"a": None}]}
_POLL_SECONDS, _POLLS, _ATTEMPTS = 60, 70, 8
_PROCESS, _EXECUTION = "ProcessStateMachine", "codepipeline-1"
_START, _STATE, _DATA = "StartProcessFunction", "ProcessStateFunction", "ProcessDataFunction"
_RECEIPT = re.compile(r'("receipt": ?")[0-9a-f]+')
_RETRIED = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE}


def _run_process(world: SystemWorld) -> None:
    status, started = _request(world, _START, body=json.dumps({"processInput": _INPUT}))
    world.responses.append(f"start: {status}")
    if status is not HTTPStatus.OK:
        return
    transaction = world.notes["transaction"] = started["transactionId"]
    status, state = _wait_for_end(world, transaction)
    world.responses.append(_without(transaction, f"state: {status} {json.dumps(state)}"))
    world.settle()
    status, data = _request(world, _DATA, transaction=transaction)
    world.responses.append(_without(transaction, f"data: {status} {json.dumps(data)}"))


def _run_process_with_invalid_data(world: SystemWorld) -> None:
    """Another process has replaced the data; the caller gets the reason of the failure.

    The reason has the step only if the history can be read.
    """
    status, started = _request(world, _START, body=json.dumps({"processInput": _INPUT}))
    if status is not HTTPStatus.OK:
        world.responses.append(f"start: {status}")
        return
    transaction = world.notes["transaction"] = started["transactionId"]
    world.s3.put(world.bucket("DataBucket"), f"transactions/{_KEY}/{transaction}.json", b"[]")
    status, state = _wait_for_end(world, transaction)
    text = _without(transaction, f"state: {status} {json.dumps(state)}")
    world.responses.append(text.replace("Step A: ", ""))


def _read_as_other_caller(world: SystemWorld) -> None:
    """Another caller, who may have seen the id, reads state and data."""
    _status, started = _request(world, _START, body=json.dumps({"processInput": _INPUT}))
    transaction = world.notes["transaction"] = (started or {}).get("transactionId", "")
    world.settle()
    for function in (_STATE, _DATA) if transaction else ():
        status, response = _request(world, function, transaction=transaction, key=_OTHER_KEY)
        world.responses.append(_without(transaction, f"{function}: {status} {json.dumps(response)}"))


def _run_process_without_the_api(world: SystemWorld) -> None:
    """A pipeline's action starts the process, and gives its input."""
    transaction = Transaction.named(OWNER, _EXECUTION)
    world.notes["transaction"] = transaction.id
    world.start(_PROCESS, {"processInput": _INPUT}, name=_EXECUTION)


def _wait_for_end(world: SystemWorld, transaction: str) -> tuple[HTTPStatus, Any]:
    """Return the first response whose state is not RUNNING."""
    for _ in range(_POLLS):
        status, state = _request(world, _STATE, transaction=transaction)
        if status is not HTTPStatus.OK or state["status"] != "RUNNING":
            return status, state
        world.clock.advance(_POLL_SECONDS)
    return HTTPStatus.GATEWAY_TIMEOUT, None


def _request(
    world: SystemWorld, function: str, *, body: str = "", transaction: str = "", key: str = _KEY
) -> tuple[HTTPStatus, Any]:
    """Return the last response of API Gateway: 502 after an error of the function."""
    query = {"transactionId": [transaction]} if transaction else None
    event = {
        "httpMethod": "POST" if body else "GET",
        "multiValueQueryStringParameters": query,
        "requestContext": {"identity": {"apiKeyId": key}},
        "body": body or None,
        "isBase64Encoded": False,
    }
    status, document = HTTPStatus.BAD_GATEWAY, None
    for _ in range(_ATTEMPTS):
        response = world.call(function, event)
        if response is not None:
            status, document = HTTPStatus(response["statusCode"]), json.loads(response["body"])
        if status not in _RETRIED:
            break
        assert response is None or "Retry-After" in response["headers"]
        world.clock.advance(1)
    return status, document


def _without(transaction: str, text: str) -> str:
    """Remove what is different for each transaction: its id, and the digest of all its data."""
    return _RECEIPT.sub(r"\1<digest>", text.replace(transaction, "<id>"))


def _includes(world: SystemWorld, execution: Any) -> bool:
    is_direct = execution.name == _EXECUTION
    return is_direct or str(execution.name).endswith(world.notes.get("transaction") or "none")


def _stored(world: SystemWorld) -> Iterator[str]:
    """Yield the data of the transaction that the caller knows."""
    transaction = world.notes.get("transaction") or "none"
    for (_bucket, key), content in world.s3.objects.items():
        if transaction in key:
            yield _without(transaction, f"{key} {bytes_of(content).decode()}")


def _check(world: SystemWorld) -> Iterator[str]:
    yield from _no_update_is_lost(world)
    yield from _internal_errors_are_logged(world)


def _internal_errors_are_logged(world: SystemWorld) -> Iterator[str]:
    """A caller does not get the reason of an internal error."""
    log = world.log.getvalue()
    for run in world.functions.invocations:
        is_internal = isinstance(run.result, dict) and run.result.get("statusCode", 0) == 500
        if is_internal and run.denied and not any(operation.name in log for operation in run.denied):
            yield f"{run.function} was denied {run.denied[0]}, and its log does not have it"


def _no_update_is_lost(world: SystemWorld) -> Iterator[str]:
    runs = world.functions.invocations
    requests = sum(run.function == _START for run in runs) + sum(
        execution.name == _EXECUTION for execution in world.executions
    )
    for machine, count in Counter(item.machine.name for item in world.executions).items():
        if count > requests:
            yield f"{count} executions of {machine} for {requests} requests"
    if Fault.EXECUTION_STOPPED in world.schedule.faults:
        return
    for execution in world.executions:
        if execution.machine.name == _PROCESS and execution.status.value == "SUCCEEDED":
            transaction = json.loads(execution.output)["transaction"].partition("/")[2]
            yield from _missing_members(world, transaction)


def _missing_members(world: SystemWorld, transaction: str) -> Iterable[str]:
    (content,) = (item for (_, key), item in world.s3.objects.items() if transaction in key)
    members: Mapping[str, Any] = json.loads(bytes_of(content))
    expected = {"processInput", *(f"step{letter}" for letter in "ABCDEF")}
    if missing := expected - members.keys():
        yield f"the process succeeded, but its data lack {sorted(missing)}"
    if members["processInput"] != _INPUT:
        yield "the caller's input was changed"


_scenario = functools.partial(
    SystemScenario,
    "process",
    stored=_stored,
    check=_check,
    includes=_includes,
    synchronous=frozenset({_START, _STATE, _DATA}),
    # the data expire before Step Functions deletes an execution: DataRetentionDays is at most 90
    impossible=frozenset({Fault.EXECUTION_EXPIRED}),
    secrets=(_SECRET,),
)

SCENARIOS = (
    _scenario("whole", _run_process),
    _scenario(
        "invalid_data",
        _run_process_with_invalid_data,
        # just after the start, only valid data prove that there is an execution
        impossible=frozenset({Fault.EXECUTION_EXPIRED, *CLASSES["stale"]}),
    ),
    _scenario("other_caller", _read_as_other_caller),
    _scenario("without_the_api", _run_process_without_the_api),
)
