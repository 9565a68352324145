"""Reads what an execution of the Deploy state machine does to a stack: its change set, events and outputs.

The states of Deploy pass on the stack's ARN, as `operation.stackId`, `changeSet.stackId` or `stack.id`, and
the ARN of the change set as `changeSet.id`, which CloudFormation describes until it is deleted. A new stack
is created without a change set.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from stepline.aws.stack_outputs import read_outputs
from stepline.core.cloudformation.errors import change_set_does_not_exist, stack_does_not_exist
from stepline.core.cloudformation.stack_events import StackEvent, read_events
from stepline.core.errors import TransientAwsError
from stepline.core.executions.arns import ExecutionArn
from stepline.core.executions.describe import Status
from stepline.core.limits import MAX_NESTED_STACKS

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_stepfunctions import SFNClient

_NEWEST_EVENTS: Final = 200
"""Of a history: the newest state that has ended passes on what is looked for."""

_MAX_SHOWN_EVENTS: Final = 500
_CLOCK: Final = timedelta(seconds=1)
"""CloudFormation's times may be cut to seconds."""


@dataclass(frozen=True)
class PlannedChange:
    """One change of a change set. `path` is the logical id, after those of nested stacks.

    `action` is Add, Modify, Remove, Import or Dynamic; `replacement` is True, False or Conditional, and empty
    if it makes no sense. `causes` are such as "property QueueName (always recreates)".
    """

    path: str
    type: str
    action: str
    replacement: str
    causes: tuple[str, ...]


@dataclass(frozen=True)
class Deployment:
    """`changes` is None if there is no change set, or CloudFormation no longer has it."""

    stack_id: str
    stack_name: str
    status: str
    reason: str
    change_set: str
    changes: tuple[PlannedChange, ...] | None
    events: tuple[StackEvent, ...]
    outputs: Mapping[str, str]


@dataclass(frozen=True)
class _Places:
    stack_id: str = ""
    change_set_id: str = ""


class DeploymentReader:
    """Reads one deployment again and again; what cannot change any more is read once."""

    def __init__(
        self,
        stepfunctions: SFNClient,
        cloudformation: Callable[[str], CloudFormationClient],  # by region
        execution: ExecutionArn,
    ) -> None:
        self._stepfunctions = stepfunctions
        self._cloudformation = cloudformation
        self._execution = execution
        self._places = _Places()
        self._changes: tuple[PlannedChange, ...] | None = None
        self._latest: Deployment | None = None
        self.has_ended = False

    def read(self) -> Deployment | None:
        """Return the deployment; None if the execution has named no stack (yet). Raises botocore's errors."""
        if self.has_ended:
            return self._latest
        described = self._stepfunctions.describe_execution(executionArn=str(self._execution))
        has_ended = not Status(described["status"]).is_open
        self._places = _find_places(self._stepfunctions, self._execution, self._places)
        self._latest = self._read_deployment(described["startDate"], described.get("stopDate"))
        self.has_ended = has_ended
        return self._latest

    def _read_deployment(self, since: datetime, until: datetime | None) -> Deployment | None:
        if not self._places.stack_id:
            return None
        cloudformation = self._cloudformation(self._places.stack_id.split(":")[3])
        if self._changes is None and self._places.change_set_id:
            self._changes = read_changes(cloudformation, self._places.change_set_id)
        deployment = _read_stack(cloudformation, self._places, since=since, until=until)
        return replace(deployment, changes=self._changes)


def _find_places(stepfunctions: SFNClient, execution: ExecutionArn, known: _Places) -> _Places:
    """Return where the execution deploys, from the newest state that says it."""
    if known.change_set_id:
        return known
    response = stepfunctions.get_execution_history(
        executionArn=str(execution),
        reverseOrder=True,
        includeExecutionData=True,
        maxResults=_NEWEST_EVENTS,
    )
    for event in response["events"]:
        data = event.get("stateExitedEventDetails", {}).get("output") or event.get(
            "stateEnteredEventDetails", {}
        ).get("input")
        places = _places(data or "")
        if places.stack_id:
            return places
    return known


def _places(data: str) -> _Places:
    try:
        found = json.loads(data)
    except ValueError:
        return _Places()
    stack, change_set, operation = (_member(found, name) for name in ("stack", "changeSet", "operation"))
    stack_id = _text(operation, "stackId") or _text(change_set, "stackId") or _text(stack, "id")
    return _Places(stack_id, _text(change_set, "id"))


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _text(value: Any, name: str) -> str:
    found = _member(value, name)
    return found if isinstance(found, str) and found.startswith("arn:") else ""


def read_changes(
    cloudformation: CloudFormationClient, change_set_id: str
) -> tuple[PlannedChange, ...] | None:
    """Return the changes, also those of nested stacks.

    None if the change set is being created, or does not exist any more.
    """
    try:
        pages = list(_pages(cloudformation, change_set_id))
        if any(page["Status"] in {"CREATE_PENDING", "CREATE_IN_PROGRESS"} for page in pages):
            return None
        return tuple(_changes(cloudformation, pages, "", 0))
    except ClientError as error:
        if change_set_does_not_exist(error) or stack_does_not_exist(error):
            return None
        raise


def _pages(cloudformation: CloudFormationClient, change_set_id: str) -> Iterator[Any]:
    # Without property values: they may be secrets.
    yield from cloudformation.get_paginator("describe_change_set").paginate(ChangeSetName=change_set_id)


def _changes(
    cloudformation: CloudFormationClient, pages: list[Any], path: str, depth: int
) -> Iterator[PlannedChange]:
    for page in pages:
        for each in page.get("Changes", []):
            change = each.get("ResourceChange", {})
            own_path = f"{path}{change.get('LogicalResourceId', '?')}"
            yield PlannedChange(
                own_path,
                change.get("ResourceType", "?"),
                change.get("Action", ""),
                change.get("Replacement", ""),
                _causes(change.get("Details", [])),
            )
            nested = change.get("ChangeSetId")
            if nested and depth < MAX_NESTED_STACKS:
                yield from _changes(
                    cloudformation, list(_pages(cloudformation, nested)), f"{own_path}/", depth + 1
                )


def _causes(details: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """CloudFormation lists a property twice if it depends on a parameter: with and without that."""
    causes = dict.fromkeys(_cause(detail) for detail in details)
    return tuple(cause for cause in causes if not any(other.startswith(f"{cause}, ") for other in causes))


def _cause(detail: Mapping[str, Any]) -> str:
    """Return such as "property QueueName (always recreates)", or "Tags, because of Stage"."""
    target = detail.get("Target", {})
    attribute = target.get("Attribute", "?")
    text = f"property {target.get('Name', '?')}" if attribute == "Properties" else attribute
    recreation = target.get("RequiresRecreation", "Never")
    if recreation != "Never":
        text += f" ({recreation.lower()} recreates)"
    entity = detail.get("CausingEntity")
    return f"{text}, because of {entity}" if entity else text


def _read_stack(
    cloudformation: CloudFormationClient, places: _Places, *, since: datetime, until: datetime | None
) -> Deployment:
    """Read the stack as it is now, and its events of that time, the newest first."""
    stack: Mapping[str, Any] = {}
    events: list[StackEvent] = []
    try:
        stack = cloudformation.describe_stacks(StackName=places.stack_id)["Stacks"][0]
        found = read_events(cloudformation, places.stack_id, since=since - _CLOCK)
        own = (event for event in found if until is None or event.moment <= until + _CLOCK)
        events = list(islice(own, _MAX_SHOWN_EVENTS))
    except TransientAwsError:  # CloudFormation does not show the events of a new stack yet
        pass
    except ClientError as error:
        if not stack_does_not_exist(error):
            raise
    return Deployment(
        stack_id=places.stack_id,
        stack_name=stack.get("StackName") or places.stack_id.split("/")[1],
        status=stack.get("StackStatus", ""),
        reason=stack.get("StackStatusReason", ""),
        change_set=places.change_set_id.partition("/")[2].partition("/")[0],
        changes=None,
        events=tuple(events),
        outputs=read_outputs(cloudformation, stack),
    )
