"""State machines: their records, in a mapping that CloudFormation may own.

A record is a dict in the API's shape; whoever creates state machines (CloudFormation does)
puts it there under its ARN. It is looked up at each call and never kept.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any

from stepline.localaws.context import Context
from stepline.localaws.protocol import AwsError, Params
from stepline.localaws.stepfunctions import errors
from stepline.localaws.stepfunctions.definition import check_definition
from stepline.localaws.stepfunctions.execution import Machine, MachineType
from stepline.localaws.stepfunctions.interpreter import Interpreter
from stepline.localaws.stepfunctions.names import Arns, check_arn, check_name

Record = dict[str, Any]

_LOGGING_OFF = {"level": "OFF", "includeExecutionData": False}
_TRACING_OFF = {"enabled": False}
_COMPARED_ON_CREATE = ("definition", "type", "loggingConfiguration", "tracingConfiguration")
"""What must be equal for a second CreateStateMachine to be the first one again [CreateStateMachine]."""
_UPDATABLE = ("definition", "roleArn", "loggingConfiguration", "tracingConfiguration")


class Machines:
    """The state machines of the local AWS."""

    def __init__(
        self, records: MutableMapping[str, Record], *, context: Context, interpreter: Interpreter
    ) -> None:
        self._records = records
        self._clock = context.clock
        self._arns = Arns(context.account_id, context.region)
        self._interpreter = interpreter

    def create(self, params: Params) -> Params:
        arn = self._arns.machine(check_name(params["name"]))
        _refuse_versions(params)
        record = self._new_record(arn, params)
        check_definition(record["definition"], MachineType(record["type"]), self._interpreter)
        existing = self._records.get(arn)
        if existing is None:
            self._records[arn] = existing = record
        elif any(_setting(existing, name) != record[name] for name in _COMPARED_ON_CREATE):
            raise errors.machine_exists(arn)
        return {"stateMachineArn": arn, "creationDate": _date(existing["creationDate"])}

    def update(self, params: Params) -> Params:
        _refuse_versions(params)
        record = self.record(params["stateMachineArn"])
        changes = {name: params[name] for name in _UPDATABLE if name in params}
        if not changes:
            raise AwsError(
                "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration "
                "must be specified",
                code="MissingRequiredParameter",
            )
        if "definition" in changes:
            check_definition(changes["definition"], _type(record), self._interpreter)
        now = self._clock.now()
        record.update(changes, revisionId=str(uuid.uuid4()), updateDate=now)
        return {"updateDate": now, "revisionId": record["revisionId"]}

    def delete(self, arn: str) -> None:
        """Deleting what does not exist is no error."""
        check_arn(arn, "stateMachine")
        if arn in self._records:
            del self._records[arn]

    def list(self) -> list[Params]:
        """The items of ListStateMachines, by name."""
        items = [_list_item(record) for record in list(self._records.values())]
        return sorted(items, key=lambda item: str(item["name"]))

    def record(self, arn: str) -> Record:
        """The record itself. Raises StateMachineDoesNotExist."""
        record = self._records.get(check_arn(arn, "stateMachine"))
        if record is None:
            raise errors.machine_does_not_exist(arn)
        return record

    def snapshot(self, arn: str) -> Machine:
        """The machine as it is now, for an execution."""
        record = self.record(arn)
        return Machine(
            arn=arn,
            name=record["name"],
            type=_type(record),
            definition=_setting(record, "definition"),
            role_arn=record["roleArn"],
            update_date=_date(record.get("updateDate") or record["creationDate"]),
            logging_configuration=_setting(record, "loggingConfiguration"),
            tracing_configuration=_setting(record, "tracingConfiguration"),
            revision_id=record.get("revisionId"),
        )

    def tags(self, arn: str) -> Iterable[Mapping[str, str]]:
        """The tags as the API lists them; CloudFormation may have stored them as a mapping."""
        tags = self._tagged(arn).get("tags") or []
        if isinstance(tags, Mapping):
            return [{"key": key, "value": value} for key, value in tags.items()]
        return [
            {"key": tag.get("key", tag.get("Key")), "value": tag.get("value", tag.get("Value"))}
            for tag in tags
        ]

    def tag(self, arn: str, tags: Iterable[Mapping[str, str]]) -> None:
        merged = {tag["key"]: tag["value"] for tag in [*self.tags(arn), *tags]}
        self._tagged(arn)["tags"] = [{"key": key, "value": value} for key, value in merged.items()]

    def untag(self, arn: str, keys: Iterable[str]) -> None:
        gone = set(keys)
        self._tagged(arn)["tags"] = [tag for tag in self.tags(arn) if tag["key"] not in gone]

    def _tagged(self, arn: str) -> Record:
        record = self._records.get(arn)
        if record is None:
            raise AwsError(f"Resource not found: '{arn}'", code="ResourceNotFound", resourceName=arn)
        return record

    def _new_record(self, arn: str, params: Params) -> Record:
        record: Record = {
            "stateMachineArn": arn,
            "name": params["name"],
            "definition": params["definition"],
            "roleArn": params["roleArn"],
            "type": params.get("type", MachineType.STANDARD.value),
            "status": "ACTIVE",
            "creationDate": self._clock.now(),
            "loggingConfiguration": params.get("loggingConfiguration", _LOGGING_OFF),
            "tracingConfiguration": params.get("tracingConfiguration", _TRACING_OFF),
        }
        if params.get("tags"):
            record["tags"] = list(params["tags"])
        return record


def describe(record: Record) -> Params:
    """The answer of DescribeStateMachine."""
    return {
        "stateMachineArn": record["stateMachineArn"],
        "name": record["name"],
        "status": "ACTIVE",
        "definition": _setting(record, "definition"),
        "roleArn": record["roleArn"],
        "type": _type(record).value,
        "creationDate": _date(record["creationDate"]),
        "loggingConfiguration": _setting(record, "loggingConfiguration"),
        "tracingConfiguration": _setting(record, "tracingConfiguration"),
        "revisionId": record.get("revisionId"),
    }


def _list_item(record: Record) -> Params:
    return {
        "stateMachineArn": record["stateMachineArn"],
        "name": record["name"],
        "type": _type(record).value,
        "creationDate": _date(record["creationDate"]),
    }


def _type(record: Record) -> MachineType:
    return MachineType(record.get("type") or MachineType.STANDARD)


def _setting(record: Record, name: str) -> Any:
    if name == "definition" and not isinstance(record[name], str):
        return json.dumps(record[name])
    defaults = {"loggingConfiguration": _LOGGING_OFF, "tracingConfiguration": _TRACING_OFF}
    return record.get(name) or defaults.get(name)


def _date(value: datetime | str | float) -> datetime:
    """CloudFormation's emulator writes dates as text or seconds."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, str):
        parsed = datetime.fromisoformat(value)
        return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return datetime.fromtimestamp(value, UTC)


def _refuse_versions(params: Params) -> None:
    if params.get("publish"):
        raise AwsError(
            "The local AWS of stepline does not publish versions of state machines",
            code="ValidationException",
        )
