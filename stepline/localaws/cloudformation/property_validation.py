"""Checks the properties of a resource against the schema of its type, as CloudFormation does.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html. Only
rules that CloudFormation itself applies are checked: not `format`, nor the keywords that cfn-lint adds.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from stepline.localaws.cloudformation.type_schemas import Schema, resolved


class _Unknown:
    """A value that is known only when other resources exist."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()

_OBJECT, _ARRAY = "object", "array"
_JSON_TYPES: Final = {
    _ARRAY: "JSONArray",
    "boolean": "Boolean",
    "integer": "Integer",
    "number": "Number",
    _OBJECT: "JSONObject",
    "string": "String",
}
_INTEGER = re.compile(r"[+-]?\d+")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class PropertyProblem:
    """A value that breaks the schema.

    `path` is below the properties (`Code/S3Key`). `reason` is what pre-deployment validation reports, and
    `message` what a resource that fails reports, both as CloudFormation words it [user reports].
    """

    path: str
    reason: str
    message: str


def property_problems(schema: Schema, properties: Any) -> list[PropertyProblem]:
    """Return what is wrong with the properties; UNKNOWN values are right."""
    return list(_Validator(schema).problems(schema, properties, ()))


def legacy_message(schema: Schema, properties: Mapping[str, Any]) -> str | None:
    """Return why a resource fails whose type has no handlers in the registry, or None.

    CloudFormation checks only the names of such a type's properties [user reports].
    """
    known = schema.get("properties", {})
    if unknown := [name for name in properties if name not in known]:
        return f"Encountered unsupported property {unknown[0]}"
    if missing := [name for name in schema.get("required", ()) if name not in properties]:
        return f"Property {missing[0]} cannot be empty."
    return None


def is_in_registry(schema: Schema) -> bool:
    """Return whether the type has handlers, so that CloudFormation checks its schema."""
    return bool(schema.get("handlers"))


Path = tuple[str, ...]


class _Validator:
    def __init__(self, root: Schema) -> None:
        self._root = root

    def problems(self, schema: Schema, value: Any, path: Path) -> Iterator[PropertyProblem]:
        if value is UNKNOWN:
            return
        schema = resolved(self._root, schema)
        if (wrong := _type_problem(schema, value, path)) is not None:
            yield wrong
            return
        if isinstance(value, Mapping):
            yield from self._object_problems(schema, value, path)
        elif isinstance(value, list):
            yield from self._array_problems(schema, value, path)
        else:
            yield from _scalar_problems(schema, value, path)
        yield from self._combination_problems(schema, value, path)

    def _object_problems(
        self, schema: Schema, value: Mapping[str, Any], path: Path
    ) -> Iterator[PropertyProblem]:
        for name in schema.get("required", ()):
            if name not in value:
                yield _problem(
                    path, f"required key [{name}] not found", f"Required property [{name}] not found"
                )
        patterns = {key: sub for key, sub in schema.get("patternProperties", {}).items() if _regex(key)}
        for name, item in value.items():
            matching = [sub for key, sub in patterns.items() if _matches(key, str(name))]
            if name in schema.get("properties", {}):
                matching.append(schema["properties"][name])
            for sub in matching:
                yield from self.problems(sub, item, (*path, str(name)))
            if not matching and self._is_closed(schema):
                yield _problem(
                    path, f"extraneous key [{name}] is not permitted", f"Unsupported property [{name}]"
                )
        yield from _count_problems(schema, value, path, "Properties", "property")

    @staticmethod
    def _is_closed(schema: Schema) -> bool:
        patterns = schema.get("patternProperties", {})
        return schema.get("additionalProperties") is False and all(_regex(key) for key in patterns)

    def _array_problems(self, schema: Schema, value: list[Any], path: Path) -> Iterator[PropertyProblem]:
        if isinstance(items := schema.get("items"), Mapping):
            for index, item in enumerate(value):
                yield from self.problems(items, item, (*path, str(index)))
        if not any(item is UNKNOWN for item in value):  # one that is unknown may be a list of any length
            yield from _count_problems(schema, value, path, "Items", "item")
            texts = [json.dumps(item, sort_keys=True, default=repr) for item in value]
            if schema.get("uniqueItems") and len(set(texts)) < len(texts) and "UNKNOWN" not in str(texts):
                yield _problem(path, "array items are not unique")

    def _combination_problems(self, schema: Schema, value: Any, path: Path) -> Iterator[PropertyProblem]:
        """Refuse a value that no alternative allows. That several do is accepted."""
        for keyword in ("anyOf", "oneOf"):
            alternatives = schema.get(keyword, ())
            if alternatives and all(any(self.problems(sub, value, path)) for sub in alternatives):
                yield _problem(
                    path, f"#: no subschema matched out of the total {len(alternatives)} subschemas"
                )
        for sub in schema.get("allOf", ()):
            yield from self.problems(sub, value, path)


def _type_problem(schema: Schema, value: Any, path: Path) -> PropertyProblem | None:
    declared = schema.get("type")
    allowed = [declared] if isinstance(declared, str) else list(declared or ())
    if not allowed or any(_has_type(value, name, schema) for name in allowed):
        return None
    expected = _JSON_TYPES.get(allowed[0], allowed[0])
    text = f"expected type: {expected}, found: {_found_type(value)}"
    return _problem(path, text, f"Property [{path[-1]}] {text}" if path else None)


def _has_type(value: Any, name: str, schema: Schema) -> bool:
    """Return whether a value has a type, or can be converted, as scalars are."""
    if name == _OBJECT:
        is_json_text = isinstance(value, str) and "properties" not in schema
        return isinstance(value, Mapping) or is_json_text
    if name == _ARRAY:
        return isinstance(value, list)
    if isinstance(value, Mapping | list):
        return False
    if name == "integer":
        return not isinstance(value, bool) and _is_integer(value)
    if name == "number":
        return not isinstance(value, bool) and bool(_NUMBER.fullmatch(str(value).strip()))
    if name == "boolean":
        return str(value).lower() in {"true", "false"}
    return True


def _is_integer(value: Any) -> bool:
    return bool(_INTEGER.fullmatch(str(value).strip())) or (isinstance(value, float) and value.is_integer())


def _found_type(value: Any) -> str:
    if isinstance(value, Mapping):
        return "JSONObject"
    if isinstance(value, list):
        return "JSONArray"
    return "Boolean" if isinstance(value, bool) else "String"


def _scalar_problems(schema: Schema, value: Any, path: Path) -> Iterator[PropertyProblem]:
    text = _text(value)
    if "{{resolve:" in text:
        return
    if (allowed := schema.get("enum")) is not None and text not in (
        texts := [_text(item) for item in allowed]
    ):
        reason = f"{text} is not a valid enum value"
        yield _problem(path, reason, f"{reason}. Supported values: [{', '.join(texts)}]")
    declared = schema.get("type")
    if declared in ("integer", "number"):
        yield from _range_problems(schema, float(text), text, path)
    elif declared == "string":
        yield from _length_problems(schema, text, path)


def _range_problems(schema: Schema, number: float, text: str, path: Path) -> Iterator[PropertyProblem]:
    comparisons: tuple[tuple[str, Callable[[float], bool], str], ...] = (
        ("minimum", lambda limit: number >= limit, "greater or equal to"),
        ("maximum", lambda limit: number <= limit, "less or equal to"),
        ("exclusiveMinimum", lambda limit: number > limit, "greater than"),
        ("exclusiveMaximum", lambda limit: number < limit, "less than"),
    )
    for keyword, holds, words in comparisons:
        limit = schema.get(keyword)
        if isinstance(limit, int | float) and not isinstance(limit, bool) and not holds(limit):
            yield _problem(path, f"{text} is not {words} {limit}")


def _length_problems(schema: Schema, text: str, path: Path) -> Iterator[PropertyProblem]:
    length = len(text)
    if length < schema.get("minLength", 0):
        yield _problem(path, f"expected minLength: {schema['minLength']}, actual: {length}")
    if length > schema.get("maxLength", length):
        yield _problem(path, f"expected maxLength: {schema['maxLength']}, actual: {length}")
    pattern = schema.get("pattern")
    if pattern and _regex(pattern) and not _matches(pattern, text):
        yield _problem(path, "failed validation constraint for keyword [pattern]")


def _count_problems(
    schema: Schema, value: Any, path: Path, keyword: str, noun: str
) -> Iterator[PropertyProblem]:
    count = len(value)
    if count < (least := schema.get(f"min{keyword}", 0)):
        yield _problem(path, f"expected minimum {noun} count: {least}, found: {count}")
    if count > (most := schema.get(f"max{keyword}", count)):
        yield _problem(path, f"expected maximum {noun} count: {most}, found: {count}")


def _problem(path: Path, text: str, reason: str | None = None) -> PropertyProblem:
    """`reason` is by default the message, as CloudFormation has it for most keywords."""
    message = f"{'/'.join(('#', *path))}: {text}"
    return PropertyProblem("/".join(path), reason or message, message)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@functools.lru_cache(maxsize=4096)
def _regex(pattern: str) -> re.Pattern[str] | None:
    """Return None for a pattern that only Java understands."""
    try:
        return re.compile(pattern)
    except re.error:
        return None


def _matches(pattern: str, text: str) -> bool:
    compiled = _regex(pattern)
    return compiled is None or compiled.search(text) is not None
