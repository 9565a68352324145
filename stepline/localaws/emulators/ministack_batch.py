"""Puts our AWS Batch in the place of ministack's, whose jobs succeed without running."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from botocore.model import Shape
from ministack import app as ministack_app
from ministack.services.cloudformation import provisioners

from stepline.localaws.batch import Batch
from stepline.localaws.emulators.ministack_cloudformation import Properties, Resource, _add_type
from stepline.localaws.protocol.rest import METHOD, PATH
from stepline.localaws.protocol.service import service_model


def serve(batch: Batch) -> None:
    """Answer all requests to Batch, whose paths ministack routes already."""

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, _query: dict[str, list[str]]
    ) -> tuple[int, dict[str, str], bytes]:
        response = await asyncio.to_thread(batch.handle, {**headers, METHOD: method, PATH: path}, body)
        return response.status, dict(response.headers), response.body

    ministack_app.SERVICE_HANDLERS["batch"] = handle


def add_types(client: Any) -> None:
    """AWS::Batch::ComputeEnvironment, AWS::Batch::JobQueue and AWS::Batch::JobDefinition."""
    _add_compute_environment(client)
    _add_job_queue(client)
    _add_job_definition(client)
    for name in ("ComputeEnvironment", "JobQueue", "JobDefinition"):
        provisioners._STACK_TAG_PROPERTY[f"AWS::Batch::{name}"] = ("Tags", "map")


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
    _add_type("AWS::Batch::ComputeEnvironment", create, update, delete, replacing=replacing)


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

    _add_type("AWS::Batch::JobQueue", create, update, delete, replacing=("JobQueueName",))


def _add_job_definition(client: Any) -> None:
    """An update registers a new revision, which has another ARN, and retires the old one."""

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

    _add_type("AWS::Batch::JobDefinition", create, update, delete, replacing=("JobDefinitionName",))


def _resource(arn: str, attribute: str) -> Resource:
    return arn, {attribute: arn}


def _name(stack_name: str, logical_id: str) -> str:
    return f"{logical_id}-{stack_name}"


def _request(operation: str, properties: Properties) -> dict[str, Any]:
    """The template's properties as the operation's parameters; those that it does not have are left out."""
    shape = service_model("batch").operation_model(operation).input_shape
    request: dict[str, Any] = _converted(shape, {**properties, "Tags": _own_tags(properties)})
    return {name: value for name, value in request.items() if value not in ({}, [])}


def _own_tags(properties: Properties) -> dict[str, str]:
    """Without the tags that CloudFormation adds itself: no API lets a client set those."""
    tags: Mapping[str, str] = properties.get("Tags") or {}
    return {key: value for key, value in tags.items() if not key.startswith("aws:")}


def _converted(shape: Any, value: Any) -> Any:
    """A template's value as the API has it, by the model: names, and numbers that may be text."""
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
