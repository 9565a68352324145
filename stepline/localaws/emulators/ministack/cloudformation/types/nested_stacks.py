"""Replaces ministack's AWS::CloudFormation::Stack: a nested stack is a stack of its own, as on AWS.

ministack creates the resources of a nested stack itself, without transforms, service role and rollback.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-nested-stacks.html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError
from ministack.services import cloudformation
from ministack.services.cloudformation import handlers

from stepline.core.cloudformation.stack_events import STACK_TYPE
from stepline.localaws.cloudformation.names import generated_name
from stepline.localaws.cloudformation.scalars import as_text
from stepline.localaws.emulators.ministack.cloudformation.deployments import describe_with
from stepline.localaws.emulators.ministack.cloudformation.resource_types import (
    Properties,
    Resource,
    add_type,
    listed_tags,
    refuse_properties,
)

_PARENT, _ROOT, _ROLE = "ParentId", "RootId", "RoleARN"
_POLL_SECONDS = 0.01
_NO_UPDATES = "No updates are to be performed."


def add_nested_stacks(client_for: Callable[[str], Any]) -> None:
    """Serve nested stacks by calls of this CloudFormation; `client_for` returns boto3's client of a service.

    ministack runs the handlers of this type outside of its event loop, which serves the calls.
    """
    nested = _NestedStacks(client_for)
    add_type(STACK_TYPE, nested.create, nested.update, nested.delete)
    describe_with(_parents)


class _NestedStacks:
    def __init__(self, client_for: Callable[[str], Any]) -> None:
        self._client_for = client_for

    def create(self, logical_id: str, properties: Properties, parent_name: str) -> Resource:
        parent = cloudformation._stacks[parent_name]
        keeps_failed = bool(parent["DisableRollback"])
        stack_id = self._client.create_stack(
            StackName=generated_name(parent_name, logical_id),
            DisableRollback=keeps_failed,
            **_request(parent, properties),
        )["StackId"]
        stack = _stack(stack_id)
        stack[_PARENT] = parent["StackId"]
        stack[_ROOT] = parent.get(_ROOT, parent["StackId"])
        if _wait(stack_id) != "CREATE_COMPLETE":
            reason = _failures(stack_id)
            if not keeps_failed:
                self._delete_and_wait(stack_id)
            raise ValueError(f"Embedded stack {stack_id} was not successfully created: {reason}")
        return stack_id, _outputs(_stack(stack_id))

    def update(self, stack_id: str, _old: Properties, new: Properties, parent_name: str) -> Resource:
        request = _request(cloudformation._stacks[parent_name], new)
        try:
            self._client.update_stack(StackName=stack_id, **request)
        except ClientError as error:
            if error.response["Error"]["Message"] != _NO_UPDATES:
                raise
        else:
            if _wait(stack_id) != "UPDATE_COMPLETE":
                reason = _failures(stack_id)
                raise ValueError(f"Embedded stack {stack_id} was not successfully updated: {reason}")
        return stack_id, _outputs(_stack(stack_id))

    def delete(self, stack_id: str, _properties: Properties) -> None:
        if self._delete_and_wait(stack_id) != "DELETE_COMPLETE":
            reason = _stack(stack_id)["StackStatusReason"]
            raise ValueError(f"Embedded stack {stack_id} was not successfully deleted: {reason}")

    def _delete_and_wait(self, stack_id: str) -> str:
        self._client.delete_stack(StackName=stack_id)
        return _wait(stack_id)

    @property
    def _client(self) -> Any:
        return self._client_for("cloudformation")


def _request(parent: Mapping[str, Any], properties: Properties) -> dict[str, Any]:
    """Return what both operations take: the parent's role and capabilities hold for its nested stacks."""
    refuse_properties(STACK_TYPE, properties, {"NotificationARNs"})
    parameters = properties.get("Parameters") or {}
    if any(isinstance(value, list | dict) for value in parameters.values()):
        raise ValueError(
            "Value of property Parameters must be an object with String (or simple type) properties"
        )
    request: dict[str, Any] = {
        "TemplateURL": properties["TemplateURL"],
        "Parameters": [
            {"ParameterKey": name, "ParameterValue": as_text(value)} for name, value in parameters.items()
        ],
        "Capabilities": parent.get("Capabilities") or [],
        "Tags": [{"Key": key, "Value": value} for key, value in listed_tags(properties).items()],
    }
    return request | ({_ROLE: parent[_ROLE]} if parent.get(_ROLE) else {})


def _stack(stack_id: str) -> dict[str, Any]:
    stack: dict[str, Any] = handlers._resolve_stack(stack_id)
    return stack


def _wait(stack_id: str) -> str:
    """Wait until no operation is in progress, and return the status."""
    while (status := str(_stack(stack_id)["StackStatus"])).endswith("_IN_PROGRESS"):
        time.sleep(_POLL_SECONDS)
    return status


def _outputs(stack: Mapping[str, Any]) -> dict[str, str]:
    return {f"Outputs.{output['OutputKey']}": output["OutputValue"] for output in stack["Outputs"]}


def _failures(stack_id: str) -> str:
    """Return what failed in the last operation, in CloudFormation's words."""
    failed: list[str] = []
    verb = "create"
    for event in reversed(cloudformation._stack_events[stack_id]):
        status = event["ResourceStatus"]
        if event["PhysicalResourceId"] != stack_id:
            if status in {"CREATE_FAILED", "UPDATE_FAILED"}:
                failed.append(event["LogicalResourceId"])
                verb = status.removesuffix("_FAILED").lower()
        elif status in {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"}:
            break
    if failed:
        return f"The following resource(s) failed to {verb}: [{', '.join(reversed(failed))}]. "
    return str(_stack(stack_id)["StackStatusReason"])


def _parents(stack: Mapping[str, Any]) -> dict[str, str]:
    return {name: stack[name] for name in (_PARENT, _ROOT) if name in stack}
