"""Converts the scalars of a template to the types that a resource's schema has, as CloudFormation does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from stepline.localaws.cloudformation.type_schemas import Schema, resolved

_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_BOOLEANS = {"true": True, "false": False}
_SCALARS = frozenset({"string", "integer", "number", "boolean"})
_ALTERNATIVES = ("anyOf", "oneOf", "allOf")


def convert_scalars(schema: Schema, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties with 1 as text where the schema has a string, and `"2"` as 2 for a number.

    A value that does not fit, and what the schema does not describe, stays as it is.
    """
    return _Conversion(schema).object(schema, properties)


def as_text(value: Any) -> Any:
    """Return the value with all scalars as text; CloudFormation sends them so to custom resources."""
    if isinstance(value, Mapping):
        return {key: as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_text(item) for item in value]
    return _string(value) if isinstance(value, bool | int | float) else value


class _Conversion:
    def __init__(self, schema: Schema) -> None:
        self._root = schema

    def value(self, schema: Schema, value: Any) -> Any:
        schema = resolved(self._root, schema)
        if isinstance(value, Mapping):
            return self.object(schema, value)
        if isinstance(value, list):
            return [self.value(schema.get("items", {}), item) for item in value]
        return _scalar(self._types(schema), value)

    def object(self, schema: Schema, value: Mapping[str, Any]) -> dict[str, Any]:
        members, elements = self._members(schema), self._elements(schema)
        return {key: self.value(members.get(key, elements), item) for key, item in value.items()}

    def _alternatives(self, schema: Schema) -> Iterator[Schema]:
        yield schema
        for keyword in _ALTERNATIVES:
            for alternative in schema.get(keyword, ()):
                yield resolved(self._root, alternative)

    def _members(self, schema: Schema) -> dict[str, Any]:
        return {
            name: member
            for alternative in self._alternatives(schema)
            for name, member in alternative.get("properties", {}).items()
            if member is not True and member
        }

    def _elements(self, schema: Schema) -> Schema:
        """Return the schema of a map's values. Where that allows any scalar, the API has strings."""
        elements = resolved(self._root, next(iter(schema.get("patternProperties", {}).values()), {}))
        return {**elements, "type": "string"} if "string" in self._types(elements) else elements

    def _types(self, schema: Schema) -> frozenset[str]:
        found: set[str] = set()
        for alternative in self._alternatives(schema):
            types = alternative.get("type", [])
            found.update([types] if isinstance(types, str) else types)
        return frozenset(found)


def _scalar(types: frozenset[str], value: Any) -> Any:
    """Return the value as the one scalar type that the schema allows."""
    if not isinstance(value, str | int | float | bool) or len(types & _SCALARS) != 1:
        return value
    (wanted,) = types & _SCALARS
    return _CONVERSIONS[wanted](value)


def _string(value: str | float | bool) -> Any:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _integer(value: str | float | bool) -> Any:
    return int(value) if isinstance(value, str) and _INTEGER.fullmatch(value) else value


def _number(value: str | float | bool) -> Any:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return int(value) if _INTEGER.fullmatch(value) else float(value)
    return value


def _boolean(value: str | float | bool) -> Any:
    return _BOOLEANS.get(value.lower(), value) if isinstance(value, str) else value


_CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
}
