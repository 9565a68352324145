"""Reads what a state of an execution got and gave: input, output, parameters and attempts.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from stepline.aws.event_data import EventDetails, read_event_data
from stepline.aws.redaction import redact_optional
from stepline.aws.state_visits import StateVisit, VisitCollector, child_arn
from stepline.core import strict_json
from stepline.core.executions.arns import ExecutionArn
from stepline.core.executions.history import HistoryEvent

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_LAMBDA_ARN = re.compile(r"arn:[a-z-]+:lambda:")
_LAMBDA_ACTION = re.compile(r"(?:aws-sdk:)?lambda:invoke(?:\.[A-Za-z:0-9]+)?")
_FUNCTION = re.compile(r"(?:(?:arn:[a-z-]+:lambda:[a-z0-9-]+:)?[0-9]{12}:function:)?([A-Za-z0-9_-]+)(?::.+)?")
"""A function's name, partial ARN or ARN, with or without a version or alias [model: Lambda, FunctionName]."""


@dataclass(frozen=True)
class Attempt:
    """One attempt of a task, Map or Parallel; `request_id` is that of the Lambda invocation, if it is known.

    `ended` is None while it runs.
    """

    started: datetime
    ended: datetime | None = None
    error: str | None = None
    cause: str | None = None
    request_id: str | None = None


@dataclass(frozen=True)
class StateData:
    """The data of one visit, without secrets. `input`, `output` and `parameters` are JSON text.

    `parameters` are what the latest attempt of a task was called with; `function` is the name of its Lambda
    function, `child` the ARN of the execution that it started.
    """

    visit: StateVisit
    input: str | None
    output: str | None
    parameters: str | None
    attempts: tuple[Attempt, ...]
    function: str | None
    child: str | None

    @property
    def request_ids(self) -> tuple[str, ...]:
        """The invocations of all attempts; none if one is unknown, whose lines would be missing in a log."""
        ids = tuple(attempt.request_id for attempt in self.attempts)
        return tuple(each for each in ids if each) if all(ids) else ()


def load_state_data(
    client: SFNClient,
    execution: ExecutionArn,
    visit: StateVisit,
    events: Sequence[HistoryEvent],
    visits: VisitCollector,
) -> StateData:
    """Return the data of `visit`; `events` are all that are known. Raises botocore's errors."""
    own = [event for event in events if _belongs_to(event, visit, visits)]
    scheduled = _last(own, lambda event: event.type.endswith("Scheduled"))
    submitted = _last(own, lambda event: event.type == "TaskSubmitted")
    succeeded = _last(own, _is_success)
    exited = _last(own, lambda event: event.is_exited)
    wanted = {visit.id, scheduled, submitted, succeeded, exited} - {0}
    details = read_event_data(client, execution, wanted, events[-1].id)

    called_with = _member(details, scheduled, "parameters", "input")
    result = _member(details, succeeded, "output")
    return StateData(
        visit=visit,
        input=redact_optional(_member(details, visit.id, "input")),
        output=redact_optional(_member(details, exited, "output")),
        parameters=redact_optional(called_with),
        attempts=tuple(_attempts(own, visit, _request_id_of_result(result))),
        function=function_name(visit.resource, called_with),
        child=_child(visit, _member(details, submitted, "output") or result),
    )


def function_name(resource: str | None, parameters: str | None) -> str | None:
    """Return the name of the Lambda function that a task calls, None if it calls none or this is unknown.

    `resource` is as in `HistoryEvent`, and `parameters` the JSON text of what an action was called with.
    """
    text = resource if resource and _LAMBDA_ARN.match(resource) else None
    if resource and _LAMBDA_ACTION.fullmatch(resource):
        text = _object(parameters).get("FunctionName")
    match = _FUNCTION.fullmatch(text) if isinstance(text, str) else None
    return match[1] if match else None


def _belongs_to(event: HistoryEvent, visit: StateVisit, visits: VisitCollector) -> bool:
    found = visits.visit_of(event.id)
    return found is not None and found.id == visit.id and not event.type.startswith("Execution")


def _last(events: Sequence[HistoryEvent], matches: Any) -> int:
    return next((event.id for event in reversed(events) if matches(event)), 0)


def _is_success(event: HistoryEvent) -> bool:
    return event.type.endswith("Succeeded") and not event.type.startswith("MapIteration")


def _member(details: Mapping[int, EventDetails], event_id: int, *names: str) -> str | None:
    found = details.get(event_id, {})
    return next((str(found[name]) for name in names if name in found), None)


def _attempts(
    events: Sequence[HistoryEvent], visit: StateVisit, last_request_id: str | None
) -> Iterator[Attempt]:
    current: Attempt | None = None
    for event in events:
        if event.type.startswith("MapIteration"):
            continue
        if event.type.endswith(("Scheduled", "StateStarted")):
            if current:
                yield current
            current = Attempt(event.time)
        elif event.is_failure:
            request_id = _object(event.cause).get("requestId")
            current = replace(
                current or Attempt(visit.entered),  # a state that fails before it has started a task
                ended=event.time,
                error=event.error or (current.error if current else None),
                cause=event.cause or (current.cause if current else None),
                request_id=request_id if isinstance(request_id, str) else None,
            )
        elif _is_success(event) and current:
            current = replace(current, ended=event.time, request_id=last_request_id)
    if current:
        yield _with_end(current, visit)


def _with_end(attempt: Attempt, visit: StateVisit) -> Attempt:
    """Return the last attempt, with what only the end of the visit tells."""
    ended = attempt.ended or visit.exited
    if ended is None:
        return attempt
    return replace(
        attempt, ended=ended, error=attempt.error or visit.error, cause=attempt.cause or visit.cause
    )


def _request_id_of_result(result: str | None) -> str | None:
    """Return the request id in the result of `lambda:invoke`, which is that of the invocation."""
    metadata = _object(result).get("SdkResponseMetadata")
    request_id = metadata.get("RequestId") if isinstance(metadata, Mapping) else None
    return request_id if request_id and isinstance(request_id, str) else None


def _child(visit: StateVisit, output: str | None) -> str | None:
    return visit.child or (child_arn(output) if visit.starts_execution else None)


def _object(text: str | None) -> Mapping[str, Any]:
    try:
        document = strict_json.loads(text, may_repeat_keys=True) if text else None
    except ValueError:
        return {}
    return document if isinstance(document, Mapping) else {}
