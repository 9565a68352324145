"""Adds the types that neither ministack nor the local AWS implement: they are only recorded."""

from __future__ import annotations

from typing import Any

from ministack.core import responses
from ministack.services.cloudformation import provisioners

from stepline.localaws.cloudformation.names import Arns
from stepline.localaws.cloudformation.recorded_types import RecordedResource
from stepline.localaws.cloudformation.type_schemas import resource_schema, resource_types
from stepline.localaws.emulators.ministack.cloudformation.resource_types import (
    Properties,
    Resource,
    add_type,
)

_REGION = "us-east-1"
"""It has all types but a few."""


def add_recorded_types() -> None:
    """Add all types of AWS that are lacking. Call this after all others are added."""
    for resource_type in resource_types(_REGION) - provisioners._RESOURCE_HANDLERS.keys():
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
