"""Adds types that are only recorded to ministack's CloudFormation, and names those that are lacking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.core import responses
from ministack.services.cloudformation import changesets, engine, handlers, provisioners

from stepline.localaws.cloudformation.names import Arns
from stepline.localaws.cloudformation.recorded_types import RECORDED_TYPES, RecordedResource
from stepline.localaws.cloudformation.type_schemas import resource_schema, resource_types
from stepline.localaws.emulators.ministack.cloudformation.resource_types import (
    Properties,
    Resource,
    add_type,
)

_UNRECOGNIZED = "Template format error: Unrecognized resource types: ["


def add_recorded_types() -> None:
    """Add all of RECORDED_TYPES."""
    for resource_type in RECORDED_TYPES:
        _add(resource_type)


def _add(resource_type: str) -> None:
    attributes: dict[str, dict[str, Any]] = {}
    """By physical id."""

    def create(logical_id: str, properties: Properties, stack_name: str) -> Resource:
        region = responses.get_region()
        schema = resource_schema(resource_type, region)
        if schema is None:
            raise ValueError(f"{resource_type} does not exist in {region}")
        name = provisioners._physical_name(stack_name, logical_id)
        arns = Arns(responses.get_account_id(), region)
        resource = RecordedResource.create(resource_type, schema, properties, name, arns)
        attributes[resource.ref()] = resource.attributes()
        return resource.ref(), attributes[resource.ref()]

    def update(physical_id: str, _old: Properties, _new: Properties, _stack_name: str) -> Resource:
        return physical_id, attributes[physical_id]

    def delete(physical_id: str, _properties: Properties) -> None:
        attributes.pop(physical_id, None)

    add_type(resource_type, create, update, delete)


def name_lacking_types() -> None:
    """Say which types of a template the local AWS lacks; for ministack they are errors of the template."""
    original = engine.validate_template_support

    def validate(template: Any, conditions: Mapping[str, bool], *args: Any, **options: Any) -> None:
        try:
            original(template, conditions, *args, **options)
        except ValueError as error:
            raise _explained(error) from error

    for module in (changesets, engine, handlers):
        module.validate_template_support = validate


def _explained(error: ValueError) -> ValueError:
    message = str(error)
    if not message.startswith(_UNRECOGNIZED):
        return error
    names = message.removeprefix(_UNRECOGNIZED).removesuffix("]").split(", ")
    existing = resource_types(responses.get_region())
    if unknown := [name for name in names if name not in existing]:
        return ValueError(f"{_UNRECOGNIZED}{', '.join(unknown)}]")
    return ValueError(
        f"The local AWS does not have {', '.join(names)}, which AWS has. Its documentation lists the resource"
        " types that it has; remove these, or give them a condition that is false here."
    )
