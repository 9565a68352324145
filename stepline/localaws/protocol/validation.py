"""Checks a request against its botocore input shape, with AWS's messages.

botocore checks types and required members before it sends a request. Maximum lengths, patterns and enums are
left to the service.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from botocore.model import Shape

_MAX_LISTED_ERRORS = 10


def validation_message(shape: Shape, value: object) -> str | None:
    """Return the message of AWS's ValidationException for `value`, or None if it fits `shape`."""
    errors = [error for _, error in zip(range(_MAX_LISTED_ERRORS), _errors(shape, value, ""), strict=False)]
    if not errors:
        return None
    noun = "error" if len(errors) == 1 else "errors"
    return f"{len(errors)} validation {noun} detected: {'; '.join(errors)}"


def _errors(shape: Shape, value: object, path: str) -> Iterator[str]:
    type_name: str = shape.type_name
    if type_name == "structure":
        yield from _structure_errors(shape, value, path)
    elif type_name == "list":
        yield from _list_errors(shape, value, path)
    elif type_name == "map":
        yield from _map_errors(shape, value, path)
    elif type_name == "string":
        yield from _string_errors(shape, value, path)
    elif type_name in {"integer", "long"}:
        yield from _integer_errors(shape, value, path)
    elif type_name == "boolean" and not isinstance(value, bool):
        yield _wrong_type(path, value, "a boolean")


def _structure_errors(shape: Shape, value: object, path: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield _wrong_type(path, value, "an object")
        return
    members: Mapping[str, Shape] = shape.members  # type: ignore[attr-defined]
    required: Sequence[str] = shape.required_members
    for name in required:
        if value.get(name) is None:
            yield f"Value null at '{_join(path, name)}' failed to satisfy constraint: Member must not be null"
    for name, member in members.items():
        if value.get(name) is not None:
            yield from _errors(member, value[name], _join(path, name))


def _list_errors(shape: Shape, value: object, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield _wrong_type(path, value, "a list")
        return
    yield from _size_errors(shape, value, len(value), path)
    for index, item in enumerate(value, start=1):
        yield from _errors(shape.member, item, f"{path}.{index}.member")  # type: ignore[attr-defined]


def _map_errors(shape: Shape, value: object, path: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield _wrong_type(path, value, "an object")
        return
    yield from _size_errors(shape, value, len(value), path)
    for key, item in value.items():
        yield from _errors(shape.key, key, path)  # type: ignore[attr-defined]
        yield from _errors(shape.value, item, f"{path}.{key}.member")  # type: ignore[attr-defined]


def _string_errors(shape: Shape, value: object, path: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield _wrong_type(path, value, "a string")
        return
    yield from _size_errors(shape, value, len(value), path)
    enum: Sequence[str] = shape.enum  # type: ignore[attr-defined]
    if enum and value not in enum:
        yield _failed(path, value, f"Member must satisfy enum value set: [{', '.join(enum)}]")
    pattern = shape.metadata.get("pattern")
    if pattern and (compiled := _compile(pattern)) is not None and not compiled.fullmatch(value):
        yield _failed(path, value, f"Member must satisfy regular expression pattern: {pattern}")


def _integer_errors(shape: Shape, value: object, path: str) -> Iterator[str]:
    if not isinstance(value, int) or isinstance(value, bool):
        yield _wrong_type(path, value, "an integer")
        return
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and value < low:
        yield _failed(path, value, f"Member must have value greater than or equal to {low}")
    if high is not None and value > high:
        yield _failed(path, value, f"Member must have value less than or equal to {high}")


def _size_errors(shape: Shape, value: object, size: int, path: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and size < low:
        yield _failed(path, value, f"Member must have length greater than or equal to {low}")
    if high is not None and size > high:
        yield _failed(path, value, f"Member must have length less than or equal to {high}")


@functools.cache
def _compile(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern, re.DOTALL)
    except re.error:  # the models' patterns are Java's; a few are not Python's
        return None


def _join(path: str, name: str) -> str:
    lower = name[:1].lower() + name[1:]
    return f"{path}.{lower}" if path else lower


def _failed(path: str, value: object, constraint: str) -> str:
    return f"Value '{value}' at '{path}' failed to satisfy constraint: {constraint}"


def _wrong_type(path: str, value: object, expected: str) -> str:
    return _failed(path, type(value).__name__, f"Member must be {expected}")
