"""Reads the schemas of AWS's resource types, which cfn-lint ships as files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

Schema = Mapping[str, Any]

CUSTOM_RESOURCE: Final = "AWS::CloudFormation::CustomResource"
_CUSTOM_PREFIX: Final = "Custom::"
_DEFAULT_REGION: Final = "us-east-1"


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
    schema: Schema = json.loads((_directory() / "resources" / f"{file}.json").read_text())
    return schema


def resource_types(region: str) -> frozenset[str]:
    """Return the names of all types that AWS has in the region."""
    return frozenset(_files_of_types(region))


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
