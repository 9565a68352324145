"""Reads the schemas of AWS's resource types, which cfn-lint ships."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any


def type_schema(resource_type: str, region: str) -> str | None:
    """Return the schema of a resource type as JSON text, or None if AWS has no such type in the region."""
    schema = resource_schema(resource_type, region)
    return None if schema is None else json.dumps(schema)


def resource_schema(resource_type: str, region: str) -> Mapping[str, Any] | None:
    """Return the schema of a resource type, or None if AWS has no such type in the region."""
    # Imported here because that takes half a second, and few requests need a schema.
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER, ResourceNotFoundError  # noqa: PLC0415

    try:
        schema: Mapping[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, resource_type).schema
    except ResourceNotFoundError:
        return None
    return schema


@functools.cache
def supports_attribute(resource_type: str, attribute: str, region: str) -> bool:
    """Return whether Fn::GetAtt may name the attribute.

    True also for a type without a schema, and for a type all of whose properties are attributes: its unknown
    attributes fail the resource that refers to them [ministack, measured on AWS].
    """
    schema = resource_schema(resource_type, region)
    if schema is None:
        return True
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER  # noqa: PLC0415

    attributes = PROVIDER_SCHEMA_MANAGER.get_type_getatts(resource_type, region)
    if attributes.get(attribute) is not None:
        return True
    read_only = {pointer.removeprefix("/properties/") for pointer in schema.get("readOnlyProperties", ())}
    return bool(
        {name.replace(".", "/") for name in attributes} & schema.get("properties", {}).keys() - read_only
    )
