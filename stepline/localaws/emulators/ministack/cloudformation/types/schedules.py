"""Replaces AWS::Scheduler::Schedule of ministack's CloudFormation, which drops most of its properties."""

from __future__ import annotations

import json
from typing import Any

from ministack.services import scheduler
from ministack.services.cloudformation import provisioners

from stepline.localaws.emulators.ministack.cloudformation.resource_types import (
    Properties,
    Resource,
    add_type,
    request_parameters,
)

_TYPE = "AWS::Scheduler::Schedule"
_DEFAULT_GROUP = "default"


def add_schedule_type() -> None:
    """Add the type.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-scheduler-schedule.html
    """

    def create(logical_id: str, properties: Properties, stack_name: str) -> Resource:
        name = properties.get("Name") or provisioners._physical_name(stack_name, logical_id, max_len=64)
        _check(scheduler._create_schedule(name, _body("CreateSchedule", properties)))
        return resource(name, properties)

    def update(name: str, _old: Properties, new: Properties, _stack_name: str) -> Resource:
        _check(scheduler._update_schedule(name, _body("UpdateSchedule", new)))
        return resource(name, new)

    def delete(name: str, properties: Properties) -> None:
        """A schedule may have deleted itself."""
        scheduler._delete_schedule(name, {"groupName": properties.get("GroupName", _DEFAULT_GROUP)})

    def resource(name: str, properties: Properties) -> Resource:
        return name, {"Arn": scheduler._schedule_arn(properties.get("GroupName", _DEFAULT_GROUP), name)}

    add_type(_TYPE, create, update, delete, tags=None)


def _body(operation: str, properties: Properties) -> dict[str, Any]:
    return request_parameters("scheduler", operation, properties)


def _check(response: tuple[int, Any, bytes]) -> None:
    """Raise ValueError with the message of an error response."""
    if response[0] != 200:
        raise ValueError(f"{_TYPE}: {json.loads(response[2])['Message']}")
