"""Reads the schemas of AWS's resource types, which cfn-lint ships."""

from __future__ import annotations

import json


def type_schema(resource_type: str, region: str) -> str | None:
    """Return the schema of a resource type as JSON text, or None if AWS has no such type in the region."""
    # Imported here because that takes half a second, and few requests need a schema.
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER, ResourceNotFoundError  # noqa: PLC0415

    try:
        return json.dumps(PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, resource_type).schema)
    except ResourceNotFoundError:
        return None
