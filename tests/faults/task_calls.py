"""The calls of Task states: functions and jobs. They fail, too, and the definition must handle it.

Step Functions makes these calls itself, and the local Step Functions decides under which name a definition
sees an error. Which names are retried is up to the definition, which is tested here. How Step Functions waits
for a job until its end is not.
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
from tests.faults.functions import Call, KilledError
from tests.faults.network import Operation
from tests.faults.schedule import CLASSES, DENIALS, Fault

if TYPE_CHECKING:
    from tests.faults.system_world import SystemWorld

PREFIX = "task of "
"""The beginning of the name of the caller: `task of lambda`."""

_OPERATIONS = {
    "lambda": ("Invoke",),
    "batch": ("SubmitJob",),
    "stepfunctions": ("StartExecution",),
}
_REFUSED = {Fault.THROTTLED, Fault.SERVER_ERROR, Fault.CONNECTION_REFUSED, *DENIALS}
_POSSIBLE: Mapping[str, frozenset[Fault]] = {
    "lambda": frozenset(
        {
            *_REFUSED,
            Fault.TIMED_OUT_AFTER,
            Fault.KILLED_BEFORE,
            Fault.KILLED_AFTER,
            Fault.FUNCTION_TIMED_OUT_BEFORE,
            Fault.FUNCTION_TIMED_OUT_AFTER,
            *CLASSES["execution"],
        }
    ),
    # No time-outs: a submission without a response is submitted again, because SubmitJob has no token.
    "batch": frozenset({*_REFUSED, *CLASSES["execution"]}),
    # The name of an execution is its token.
    "stepfunctions": frozenset({*_REFUSED, Fault.TIMED_OUT_AFTER, *CLASSES["execution"]}),
}
_ERRORS = {
    ("lambda", Fault.THROTTLED): ("TooManyRequestsException", 429),
    ("lambda", Fault.SERVER_ERROR): ("ServiceException", 500),
    ("batch", Fault.THROTTLED): ("TooManyRequestsException", 429),
    ("batch", Fault.SERVER_ERROR): ("ServerException", 500),
    ("stepfunctions", Fault.THROTTLED): ("ThrottlingException", 400),
    ("stepfunctions", Fault.SERVER_ERROR): ("InternalServerException", 500),
}
"""The codes of the services [model]."""

_DENIED_LIKE_THROTTLED = {"batch", "stepfunctions"}
"""Their models have neither error, so Step Functions has one name for both, and a definition retries both."""


def possible(function: str) -> frozenset[Fault]:
    """Return what may go wrong at the calls of this caller."""
    return _POSSIBLE[function.removeprefix(PREFIX)]


class TaskCalls:
    """The client with which Task states call a service."""

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

    def _call(self, name: str, method: Callable[..., Any], /, **parameters: Any) -> Any:
        world = self._world
        operation = Operation(self._service, name, "task", 0)
        call = Call(len(world.calls) + 1, 1, PREFIX + self._service, operation, parameters, attempts=1)
        world.calls.append(call)
        fault = world.fault_at(call.number)
        if fault is Fault.ACCESS_DENIED:
            world.denied.add(operation)
        if operation in world.denied or fault is Fault.CALL_DENIED:
            world.denials.append(operation)
            if self._service not in _DENIED_LIKE_THROTTLED:
                world.denied_tasks.append(json.dumps(parameters, default=str, sort_keys=True))
            raise _error(operation, "AccessDeniedException", 403)
        return self._fail(operation, fault, functools.partial(method, **parameters))

    def _fail(self, operation: Operation, fault: Fault | None, act: Callable[[], Any]) -> Any:
        match fault:
            case None:
                return act()
            case Fault.THROTTLED | Fault.SERVER_ERROR:
                raise _error(operation, *_ERRORS[operation.service, fault])
            case Fault.CONNECTION_REFUSED:
                raise EndpointConnectionError(endpoint_url="the endpoint")
            case Fault.TIMED_OUT_AFTER:
                act()
                raise ReadTimeoutError(endpoint_url="the endpoint")
            case Fault.KILLED_BEFORE | Fault.FUNCTION_TIMED_OUT_BEFORE:
                return _killed_response(fault)
            case Fault.KILLED_AFTER | Fault.FUNCTION_TIMED_OUT_AFTER:
                act()
                return _killed_response(fault)
            case _:
                self._world.apply(fault)
                return act()


def _killed_response(fault: Fault) -> dict[str, Any]:
    """Return Lambda's response for a function whose process has ended."""
    is_killed = fault in {Fault.KILLED_BEFORE, Fault.KILLED_AFTER}
    killed: KilledError = functions.crash() if is_killed else functions.time_out(60)
    document = {"errorType": killed.error_type, "errorMessage": str(killed)}
    payload = io.BytesIO(json.dumps(document).encode())
    return {
        "StatusCode": 200,
        "ExecutedVersion": "$LATEST",
        "FunctionError": "Unhandled",
        "Payload": payload,
    }


def _error(operation: Operation, code: str, status: int) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": "no"},
        "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": "1"},
    }
    return ClientError(response, operation.name)
