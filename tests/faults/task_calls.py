"""What Task states call themselves: functions, jobs. They go wrong, too, and the definition must know how.

Step Functions calls by an SDK of its own; what it makes of an error is the local Step Functions' business.
Which error names are tried again is the definition's, which is under test. How Step Functions itself looks
after a job that it waits for is not: that it does until it knows.
"""

from __future__ import annotations

import functools
import io
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from botocore import xform_name
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from tests.faults import functions
from tests.faults.functions import Call, Killed
from tests.faults.kinds import CLASSES, Fault
from tests.faults.network import Operation

if TYPE_CHECKING:
    from tests.faults.system import SystemWorld

PREFIX = "task of "
"""Begins the name under which such calls are told: `task of lambda`."""

_OPERATIONS = {
    "lambda": ("Invoke",),
    "batch": ("SubmitJob",),
}
_POSSIBLE: Mapping[str, frozenset[Fault]] = {
    "lambda": frozenset(
        {
            Fault.THROTTLED,
            Fault.SERVER_ERROR,
            Fault.CONNECTION_REFUSED,
            Fault.TIMED_OUT_AFTER,
            Fault.KILLED_BEFORE,
            Fault.KILLED_AFTER,
            Fault.FUNCTION_TIMED_OUT_BEFORE,
            Fault.FUNCTION_TIMED_OUT_AFTER,
            Fault.ACCESS_DENIED,
            *CLASSES["execution"],
        }
    ),
    # A submission that acted and was not answered is submitted again: SubmitJob has no token.
    "batch": frozenset(
        {
            Fault.THROTTLED,
            Fault.SERVER_ERROR,
            Fault.CONNECTION_REFUSED,
            Fault.ACCESS_DENIED,
            *CLASSES["execution"],
        }
    ),
}
_REFUSALS = {
    ("lambda", Fault.THROTTLED): ("TooManyRequestsException", 429),
    ("lambda", Fault.SERVER_ERROR): ("ServiceException", 500),
    ("batch", Fault.THROTTLED): ("TooManyRequestsException", 429),
    ("batch", Fault.SERVER_ERROR): ("ServerException", 500),
}
"""The services' names for it [model]."""
_DENIED_AS_IF_THROTTLED = {"batch"}
"""Their model has neither error, so that Step Functions has one name for both: a definition cannot tell."""


def possible(function: str) -> frozenset[Fault]:
    """What may go wrong at calls that are told under this name."""
    return _POSSIBLE[function.removeprefix(PREFIX)]


class TaskCalls:
    """The client of a service as Task states use it."""

    def __init__(self, world: SystemWorld, service: str, client: Any) -> None:
        self._world = world
        self._service = service
        self._client = client
        self._names = {xform_name(name): name for name in _OPERATIONS[service]}

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if name not in self._names:
            return method
        return functools.partial(self._call, self._names[name], method)

    def _call(self, name: str, method: Callable[..., Any], **parameters: Any) -> Any:
        world = self._world
        operation = Operation(self._service, name, "task", 0)
        function = PREFIX + self._service
        call = Call(len(world.calls) + 1, 1, function, operation, parameters, attempts=1)
        world.calls.append(call)
        fault = world.fault_at(call.number)
        if fault is Fault.ACCESS_DENIED:
            world.denied.add(operation)
        if operation in world.denied:
            if self._service not in _DENIED_AS_IF_THROTTLED:
                world.denied_tasks.append(json.dumps(parameters, default=str, sort_keys=True))
            raise _refusal(operation, "AccessDeniedException", 403)
        return self._go_wrong(operation, fault, functools.partial(method, **parameters))

    def _go_wrong(self, operation: Operation, fault: Fault | None, act: Callable[[], Any]) -> Any:
        match fault:
            case None:
                return act()
            case Fault.THROTTLED | Fault.SERVER_ERROR:
                raise _refusal(operation, *_REFUSALS[operation.service, fault])
            case Fault.CONNECTION_REFUSED:
                raise EndpointConnectionError(endpoint_url="the endpoint")
            case Fault.TIMED_OUT_AFTER:
                act()
                raise ReadTimeoutError(endpoint_url="the endpoint")
            case Fault.KILLED_BEFORE | Fault.FUNCTION_TIMED_OUT_BEFORE:
                return _dead(fault)
            case Fault.KILLED_AFTER | Fault.FUNCTION_TIMED_OUT_AFTER:
                act()
                return _dead(fault)
            case _:
                self._world.happen(fault)
                return act()


def _dead(fault: Fault) -> dict[str, Any]:
    """Lambda's answer for a function that died."""
    is_killed = fault in {Fault.KILLED_BEFORE, Fault.KILLED_AFTER}
    killed: Killed = functions.crash() if is_killed else functions.time_out(60)
    document = {"errorType": killed.error_type, "errorMessage": str(killed)}
    payload = io.BytesIO(json.dumps(document).encode())
    return {
        "StatusCode": 200,
        "ExecutedVersion": "$LATEST",
        "FunctionError": "Unhandled",
        "Payload": payload,
    }


def _refusal(operation: Operation, code: str, status: int) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": "no"},
        "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": "1"},
    }
    return ClientError(response, operation.name)
