"""Where state machines and executions are kept."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from datetime import UTC, datetime
from typing import Any

from stepline.localaws.context import Context
from stepline.localaws.protocol import Params
from stepline.localaws.stepfunctions import errors, settings
from stepline.localaws.stepfunctions.definition import check_definition
from stepline.localaws.stepfunctions.interpreter import Interpreter
from stepline.localaws.stepfunctions.models import Execution, Machine, MachineType
from stepline.localaws.stepfunctions.names import Arns
from stepline.localaws.stepfunctions.validation import (
    check_arn,
    check_name,
    check_role,
    check_tags,
    check_version_description,
)

Record = dict[str, Any]
CheckLog = Callable[[Mapping[str, Any], str, str], None]
"""Checks a logging configuration, with the machine's role, for an operation: Create or Update."""

_DEFAULTS: dict[str, Any] = {
    "type": MachineType.STANDARD.value,
    "loggingConfiguration": {"level": "OFF", "includeExecutionData": False},
    "tracingConfiguration": {"enabled": False},
}
_COMPARED_ON_CREATE = ("definition", "type", "loggingConfiguration", "tracingConfiguration")
"""What must be equal for a second CreateStateMachine to succeed like the first [CreateStateMachine]."""
_UPDATABLE = ("definition", "roleArn", "loggingConfiguration", "tracingConfiguration")


class MachineStore:
    """State machines, as records in a mapping that CloudFormation may own.

    A record is a dict in the API's shape under the machine's ARN. The mapping is read at each call and may
    return copies.
    """

    def __init__(
        self,
        records: MutableMapping[str, Record],
        context: Context,
        interpreter: Interpreter,
        check_log: CheckLog,
    ) -> None:
        self._records = records
        self._clock = context.clock
        self._arns = Arns(context.account_id, context.region)
        self._interpreter = interpreter
        self._check_log = check_log

    def create(self, params: Params) -> Machine:
        """Create a machine, or return the one that exists with the same settings."""
        arn = self._arns.machine(check_name(params["name"]))
        check_version_description(params)
        check_role(params["roleArn"])
        check_tags(params.get("tags", ()))
        self._check_log(params.get("loggingConfiguration", {}), params["roleArn"], "Create")
        record = self._new_record(arn, params)
        check_definition(record["definition"], MachineType(record["type"]), self._interpreter)
        existing = self._records.get(arn)
        if existing is None:
            self._records[arn] = existing = record
        elif any(_setting(existing, name) != record[name] for name in _COMPARED_ON_CREATE):
            raise errors.StateMachineAlreadyExists(arn)
        return _machine(existing)

    def update(self, params: Params) -> Machine:
        check_version_description(params)
        arn = params["stateMachineArn"]
        record = self._find(arn)
        changes = {name: params[name] for name in _UPDATABLE if name in params}
        if not changes and not params.get("publish"):
            raise errors.MissingRequiredParameter
        role_arn = check_role(str(changes.get("roleArn", record["roleArn"])))
        self._check_log(changes.get("loggingConfiguration", {}), role_arn, "Update")
        if "definition" in changes:
            check_definition(changes["definition"], _machine(record).type, self._interpreter)
        if any(_setting(record, name) != value for name, value in changes.items()):
            changes["revisionId"] = str(uuid.uuid4())
        changes["updateDate"] = self._clock.now()
        self._records[arn] = record | changes
        return _machine(self._records[arn])

    def delete(self, arn: str) -> None:
        """Delete the machine if it exists."""
        self._records.pop(check_arn(arn, "stateMachine"), None)

    def list(self) -> list[Machine]:
        """Return all machines by name."""
        return sorted(map(_machine, list(self._records.values())), key=lambda machine: machine.name)

    def get(self, arn: str) -> Machine:
        """Return the machine as it is now. Raises StateMachineDoesNotExist."""
        return _machine(self._find(arn))

    def tags(self, arn: str) -> Iterable[Mapping[str, str]]:
        """Return the tags as the API lists them; CloudFormation may have stored them as a mapping."""
        tags = self._find_tagged(arn).get("tags") or []
        if isinstance(tags, Mapping):
            return [{"key": key, "value": value} for key, value in tags.items()]
        return [
            {"key": tag.get("key", tag.get("Key")), "value": tag.get("value", tag.get("Value"))}
            for tag in tags
        ]

    def tag(self, arn: str, tags: Iterable[Mapping[str, str]]) -> None:
        merged = {tag["key"]: tag["value"] for tag in [*self.tags(arn), *tags]}
        check_tags(merged)
        self._set_tags(arn, [{"key": key, "value": value} for key, value in merged.items()])

    def untag(self, arn: str, keys: Iterable[str]) -> None:
        removed = set(keys)
        self._set_tags(arn, [tag for tag in self.tags(arn) if tag["key"] not in removed])

    def _set_tags(self, arn: str, tags: Sequence[Mapping[str, str]]) -> None:
        self._records[arn] = self._find_tagged(arn) | {"tags": tags}

    def _find(self, arn: str) -> Record:
        record = self._records.get(check_arn(arn, "stateMachine"))
        if record is None:
            raise errors.StateMachineDoesNotExist(arn)
        return record

    def _find_tagged(self, arn: str) -> Record:
        record = self._records.get(arn)
        if record is None:
            raise errors.ResourceNotFound(arn)
        return record

    def _new_record(self, arn: str, params: Params) -> Record:
        record: Record = {
            "stateMachineArn": arn,
            "name": params["name"],
            "definition": params["definition"],
            "roleArn": params["roleArn"],
            "status": "ACTIVE",
            "creationDate": self._clock.now(),
            **{name: params.get(name, default) for name, default in _DEFAULTS.items()},
        }
        if params.get("tags"):
            record["tags"] = list(params["tags"])
        return record


class ExecutionStore:
    """Standard executions: all that are open, and the newest closed ones. Not safe for several threads."""

    def __init__(self) -> None:
        self._executions: dict[str, Execution] = {}
        self._task_tokens: dict[str, set[str]] = {}  # of closed executions, in the order of their ends
        self._bytes_when_closed: dict[str, int] = {}
        self._closed_bytes = 0  # their sum

    def find(self, arn: str) -> Execution | None:
        return self._executions.get(arn)

    def get(self, arn: str) -> Execution:
        """Return the execution. Raises ExecutionDoesNotExist."""
        execution = self._executions.get(arn)
        if execution is None:
            raise errors.ExecutionDoesNotExist(arn)
        return execution

    def all(self) -> Iterable[Execution]:
        return list(self._executions.values())

    def list(self, machine_arn: str) -> list[Execution]:
        """Return the executions of a machine, the latest first."""
        executions = [item for item in list(self._executions.values()) if item.machine.arn == machine_arn]
        return executions[::-1]

    def put(self, execution: Execution) -> None:
        """Keep an open execution."""
        self._forget_closed(execution)
        self._executions[execution.arn] = execution

    def delete(self, execution: Execution) -> None:
        self._executions.pop(execution.arn, None)
        self._forget_closed(execution)

    def _forget_closed(self, execution: Execution) -> None:
        self._task_tokens.pop(execution.arn, None)
        self._closed_bytes -= self._bytes_when_closed.pop(execution.arn, 0)

    def put_closed(self, execution: Execution, task_tokens: set[str]) -> None:
        """Keep a closed execution unless it was deleted, and delete the oldest if there are too many.

        Their number and their bytes are limited. The newest is kept in any case.
        """
        if execution.arn not in self._executions:
            return
        self._task_tokens[execution.arn] = task_tokens
        self._bytes_when_closed[execution.arn] = execution.history_bytes
        self._closed_bytes += execution.history_bytes
        while self._is_full() and len(self._task_tokens) > 1:
            self.delete(self._executions[next(iter(self._task_tokens))])

    def _is_full(self) -> bool:
        too_many = len(self._task_tokens) > settings.MAX_CLOSED_EXECUTIONS
        return too_many or self._closed_bytes > settings.MAX_CLOSED_BYTES

    def is_task_of_closed_execution(self, token: str) -> bool:
        return any(token in tokens for tokens in list(self._task_tokens.values()))


def _machine(record: Record) -> Machine:
    return Machine(
        arn=record["stateMachineArn"],
        name=record["name"],
        type=MachineType(_setting(record, "type")),
        definition=_setting(record, "definition"),
        role_arn=record["roleArn"],
        creation_date=_date(record["creationDate"]),
        update_date=_date(record["updateDate"]) if record.get("updateDate") else None,
        logging_configuration=_DEFAULTS["loggingConfiguration"] | _setting(record, "loggingConfiguration"),
        tracing_configuration=_setting(record, "tracingConfiguration"),
        revision_id=record.get("revisionId"),
    )


def _setting(record: Record, name: str) -> Any:
    if name == "definition" and not isinstance(record[name], str):
        return json.dumps(record[name])
    return record.get(name) or _DEFAULTS.get(name)


def _date(value: datetime | str | float) -> datetime:
    """Parse a date, which ministack's CloudFormation writes as text or seconds."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, str):
        parsed = datetime.fromisoformat(value)
        return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return datetime.fromtimestamp(value, UTC)
