"""Adds the types of AWS::Batch to ministack's CloudFormation."""

from __future__ import annotations

from typing import Any

from botocore import xform_name

from stepline.localaws.emulators.ministack.cloudformation.resource_types import (
    Properties,
    Resource,
    add_type,
    request_parameters,
    user_tags,
)


def add_batch_types(client: Any) -> None:
    """Add AWS::Batch::ComputeEnvironment, AWS::Batch::JobQueue and AWS::Batch::JobDefinition."""
    _add_type_with_state(client, "ComputeEnvironment")
    _add_type_with_state(client, "JobQueue")
    _add_job_definition(client)


def _add_type_with_state(client: Any, noun: str) -> None:
    """Add a type whose resources must be disabled before they are deleted."""
    member, method = noun[0].lower() + noun[1:], xform_name(noun)

    def create(logical_id: str, properties: Properties, stack_name: str) -> Resource:
        request = _request(f"Create{noun}", properties)
        request.setdefault(f"{member}Name", _name(stack_name, logical_id))
        arn = getattr(client, f"create_{method}")(**request)[f"{member}Arn"]
        return arn, {f"{noun}Arn": arn}

    def update(arn: str, _old: Properties, new: Properties, _stack_name: str) -> Resource:
        getattr(client, f"update_{method}")(**_request(f"Update{noun}", new) | {member: arn})
        return arn, {f"{noun}Arn": arn}

    def delete(arn: str, _properties: Properties) -> None:
        getattr(client, f"update_{method}")(**{member: arn}, state="DISABLED")
        getattr(client, f"delete_{method}")(**{member: arn})

    add_type(f"AWS::Batch::{noun}", create, update, delete, tags="map")


def _add_job_definition(client: Any) -> None:
    """Add the type: an update registers a new revision, with a new ARN.

    ministack then deletes the resource with the old ARN. That deregisters the old revision, unless
    ResourceRetentionPolicy says `SkipDeregisterOnUpdate`.
    """
    retained: set[str] = set()

    def register(properties: Properties, name: str) -> Resource:
        request = _request("RegisterJobDefinition", properties) | {"jobDefinitionName": name}
        arn = client.register_job_definition(**request)["jobDefinitionArn"]
        return arn, {"JobDefinitionArn": arn}

    def create(logical_id: str, properties: Properties, stack_name: str) -> Resource:
        return register(properties, properties.get("JobDefinitionName") or _name(stack_name, logical_id))

    def update(arn: str, _old: Properties, new: Properties, _stack_name: str) -> Resource:
        resource = register(new, arn.rpartition("/")[2].partition(":")[0])
        retention = new.get("ResourceRetentionPolicy", {})
        if retention.get("SkipDeregisterOnUpdate") in {True, "true"}:
            retained.add(arn)
        return resource

    def delete(arn: str, _properties: Properties) -> None:
        if arn not in retained:
            client.deregister_job_definition(jobDefinition=arn)

    add_type("AWS::Batch::JobDefinition", create, update, delete, tags="map")


def _name(stack_name: str, logical_id: str) -> str:
    return f"{logical_id}-{stack_name}"


def _request(operation: str, properties: Properties) -> dict[str, Any]:
    """Return those of the template's properties that the operation has as its parameters."""
    tags = user_tags(properties.get("Tags") or {})
    request = request_parameters("batch", operation, {**properties, "Tags": tags})
    return {name: value for name, value in request.items() if value not in ({}, [])}
