"""Adds the types of AWS::Batch to ministack's CloudFormation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.model import Shape

from stepline.localaws.emulators.ministack.cloudformation.resource_types import (
    Properties,
    Resource,
    add_type,
    user_tags,
)
from stepline.localaws.protocol.service import service_model


def add_batch_types(client: Any) -> None:
    """Add AWS::Batch::ComputeEnvironment, AWS::Batch::JobQueue and AWS::Batch::JobDefinition."""
    _add_compute_environment(client)
    _add_job_queue(client)
    _add_job_definition(client)


def _add_compute_environment(client: Any) -> None:
    def create(logical_id: str, properties: Properties, stack_name: str) -> Resource:
        request = _request("CreateComputeEnvironment", properties)
        request.setdefault("computeEnvironmentName", _name(stack_name, logical_id))
        return _resource(
            client.create_compute_environment(**request)["computeEnvironmentArn"], "ComputeEnvironmentArn"
        )

    def update(arn: str, _old: Properties, new: Properties, _stack_name: str) -> Resource:
        request = _request("UpdateComputeEnvironment", new)
        client.update_compute_environment(**request | {"computeEnvironment": arn})
        return _resource(arn, "ComputeEnvironmentArn")

    def delete(arn: str, _properties: Properties) -> None:
        client.update_compute_environment(computeEnvironment=arn, state="DISABLED")
        client.delete_compute_environment(computeEnvironment=arn)

    replacing = ("ComputeEnvironmentName", "Type")
    add_type("AWS::Batch::ComputeEnvironment", create, update, delete, replacing=replacing, tags="map")


def _add_job_queue(client: Any) -> None:
    def create(logical_id: str, properties: Properties, stack_name: str) -> Resource:
        request = _request("CreateJobQueue", properties)
        request.setdefault("jobQueueName", _name(stack_name, logical_id))
        return _resource(client.create_job_queue(**request)["jobQueueArn"], "JobQueueArn")

    def update(arn: str, _old: Properties, new: Properties, _stack_name: str) -> Resource:
        client.update_job_queue(**_request("UpdateJobQueue", new) | {"jobQueue": arn})
        return _resource(arn, "JobQueueArn")

    def delete(arn: str, _properties: Properties) -> None:
        client.update_job_queue(jobQueue=arn, state="DISABLED")
        client.delete_job_queue(jobQueue=arn)

    add_type("AWS::Batch::JobQueue", create, update, delete, replacing=("JobQueueName",), tags="map")


def _add_job_definition(client: Any) -> None:
    """Add the type: an update registers a new revision, with a new ARN, and deregisters the old one."""

    def register(properties: Properties, name: str) -> Resource:
        request = _request("RegisterJobDefinition", properties) | {"jobDefinitionName": name}
        return _resource(client.register_job_definition(**request)["jobDefinitionArn"], "JobDefinitionArn")

    def create(logical_id: str, properties: Properties, stack_name: str) -> Resource:
        return register(properties, properties.get("JobDefinitionName") or _name(stack_name, logical_id))

    def update(arn: str, _old: Properties, new: Properties, _stack_name: str) -> Resource:
        resource = register(new, arn.rpartition("/")[2].partition(":")[0])
        client.deregister_job_definition(jobDefinition=arn)
        return resource

    def delete(arn: str, _properties: Properties) -> None:
        client.deregister_job_definition(jobDefinition=arn)

    replacing = ("JobDefinitionName",)
    add_type("AWS::Batch::JobDefinition", create, update, delete, replacing=replacing, tags="map")


def _resource(arn: str, attribute: str) -> Resource:
    return arn, {attribute: arn}


def _name(stack_name: str, logical_id: str) -> str:
    return f"{logical_id}-{stack_name}"


def _request(operation: str, properties: Properties) -> dict[str, Any]:
    """Return those of the template's properties that the operation has as its parameters."""
    shape = service_model("batch").operation_model(operation).input_shape
    tags = user_tags(properties.get("Tags") or {})
    request: dict[str, Any] = _converted(shape, {**properties, "Tags": tags})
    return {name: value for name, value in request.items() if value not in ({}, [])}


def _converted(shape: Any, value: Any) -> Any:
    """Convert a template's value by the model: names, and numbers that may be text."""
    convert: Callable[[Any, Any], Any] = _CONVERSIONS.get(shape.type_name, lambda _shape, item: item)
    return convert(shape, value)


def _structure(shape: Any, value: Mapping[str, Any]) -> dict[str, Any]:
    members: Mapping[str, Shape] = {name.lower(): member for name, member in shape.members.items()}
    names = {name.lower(): name for name in shape.members}
    return {
        names[key.lower()]: _converted(members[key.lower()], item)
        for key, item in value.items()
        if key.lower() in names
    }


_CONVERSIONS: dict[str, Callable[[Any, Any], Any]] = {
    "structure": _structure,
    "list": lambda shape, value: [_converted(shape.member, item) for item in value],
    "map": lambda shape, value: {key: _converted(shape.value, item) for key, item in value.items()},
    "integer": lambda _shape, value: int(value),
    "string": lambda _shape, value: str(value),
    "boolean": lambda _shape, value: value in {True, "true"},
}
