"""Reads the schemas of AWS's resource types, which cfn-lint ships as files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, cast

from stepline.core.cloudformation.stack_events import STACK_TYPE

Schema = Mapping[str, Any]

CUSTOM_RESOURCE: Final = "AWS::CloudFormation::CustomResource"
_CUSTOM_PREFIX: Final = "Custom::"
_OUTPUT_PREFIX: Final = "Outputs."
_DEFAULT_REGION: Final = "us-east-1"
_MAX_REFERENCES: Final = 10
_NOT_IN_SCHEMA: Final = {"AWS::Route53::RecordSet": ("/properties/Name",)}
"""Create-only properties that schemas lack, by the template reference ("Update requires: Replacement")."""


@cache
def resource_schema(resource_type: str, region: str) -> Schema | None:
    """Return the schema of a resource type, or None if AWS has no such type in the region.

    The files are read without cfn-lint's code, the import of which takes a second. A type `Custom::…` has the
    schema of custom resources.
    """
    name = CUSTOM_RESOURCE if resource_type.startswith(_CUSTOM_PREFIX) else resource_type
    file = _files_of_types(region).get(name)
    if file is None:
        return None
    schema = json.loads((_directory() / "resources" / f"{file}.json").read_text())
    if name in _NOT_IN_SCHEMA:
        schema["createOnlyProperties"] = [*schema.get("createOnlyProperties", ()), *_NOT_IN_SCHEMA[name]]
    return cast("Schema", schema)


def resolved(root: Schema, schema: Any) -> Schema:
    """Follow a `$ref` such as `#/definitions/Tag` below the root; empty if the schema allows everything."""
    for _ in range(_MAX_REFERENCES):
        if not isinstance(schema, Mapping):
            return {}
        if not isinstance(reference := schema.get("$ref"), str):
            return schema
        found: Any = root
        for part in reference.removeprefix("#/").split("/"):
            found = found.get(part.replace("~1", "/").replace("~0", "~"), {})
        schema = found
    return {}


def resource_types(region: str) -> frozenset[str]:
    """Return the names of all types that AWS has in the region."""
    return frozenset(_files_of_types(region))


def names_of(pointers: Iterable[str]) -> list[str]:
    """Return the names of JSON pointers, as Fn::GetAtt has them: `/properties/A/B` -> `A.B`."""
    return [pointer.removeprefix("/properties/").replace("/", ".") for pointer in pointers]


def attributes_of(schema: Schema) -> list[str]:
    """Return the attributes that AWS gives a resource of the type."""
    return names_of(schema.get("readOnlyProperties", ()))


def identifiers_of(schema: Schema) -> list[str]:
    """Return the properties that together identify a resource of the type."""
    return names_of(schema.get("primaryIdentifier", ()))


def sole_identifier(schema: Schema) -> list[str]:
    """Return the attribute that alone identifies a resource and is no ARN, which Ref returns; or nothing."""
    identifiers, attributes = identifiers_of(schema), attributes_of(schema)
    found = [name for name in identifiers if name in attributes and not name.lower().endswith("arn")]
    return found if len(identifiers) == 1 else []


def type_schema(resource_type: str, region: str) -> str | None:
    """Return the schema of a resource type as JSON text, or None if AWS has no such type in the region."""
    schema = resource_schema(resource_type, region)
    return None if schema is None else json.dumps(schema)


@cache
def _files_of_types(region: str) -> Mapping[str, str]:
    """Return resource type -> name of its file, for us-east-1 if the region is unknown."""
    file = _directory() / "providers" / f"{region}.json"
    if not file.exists():
        file = file.with_name(f"{_DEFAULT_REGION}.json")
    types: Mapping[str, str] = json.loads(file.read_text())
    return types


@cache
def _directory() -> Path:
    package = find_spec("cfnlint")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("cfn-lint is not installed, which has the schemas of resource types.")
    return Path(package.origin).with_name("data") / "schemas"


@cache
def supports_attribute(resource_type: str, attribute: str, region: str) -> bool:
    """Return whether Fn::GetAtt may name the attribute.

    True also for a type without a schema, and for a type all of whose properties are attributes: its unknown
    attributes fail the resource that refers to them [ministack, measured on AWS].
    """
    schema = resource_schema(resource_type, region)
    is_custom = resource_type == CUSTOM_RESOURCE or resource_type.startswith(_CUSTOM_PREFIX)
    if schema is None or is_custom or attribute in attributes_of(schema):
        return True
    if resource_type == STACK_TYPE and attribute.startswith(_OUTPUT_PREFIX):
        return True  # which outputs a nested stack has is known when it is created
    # Imported here because that takes half a second, and few attributes are not in the schema's list.
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER  # noqa: PLC0415

    attributes = PROVIDER_SCHEMA_MANAGER.get_type_getatts(resource_type, region)
    if attributes.get(attribute) is not None:
        return True
    writable = schema.get("properties", {}).keys() - attributes_of(schema)
    return not writable.isdisjoint(attributes)
