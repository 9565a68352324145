"""The intrinsic functions of JSONPath states [guide, "Intrinsic functions for JSONPath states"]."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import random
import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

MAX_CHARACTERS: Final = 10_000
"""Of the input of Base64Encode, Base64Decode and Hash."""

MAX_RANGE_ITEMS: Final = 1_000
HASHES: Final = {
    "MD5": hashlib.md5,
    "SHA-1": hashlib.sha1,
    "SHA-256": hashlib.sha256,
    "SHA-384": hashlib.sha384,
    "SHA-512": hashlib.sha512,
}
_NAME = re.compile(r"\s*States\.(\w+)\s*\(")
_STRING = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_WORDS: Final = {"true": True, "false": False, "null": None}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_PLACEHOLDER = re.compile(r"\\.|\{\}", re.DOTALL)


class IntrinsicError(Exception):
    """An argument is invalid. The text is the reason."""


class _Template(str):
    """A string literal as it is written: States.Format needs its escapes."""

    __slots__ = ()


@dataclass(frozen=True)
class Literal:
    value: Any


@dataclass(frozen=True)
class Path:
    """A path into the input, the Context object (`$$`) or a variable."""

    text: str


@dataclass(frozen=True)
class Call:
    function: str
    arguments: tuple[Call | Path | Literal, ...]


def parse(text: str) -> Call:
    """Parse `States.Format('{}', $.name)`. Raises ValueError."""
    call, end = _parse_call(text, 0)
    if text[end:].strip():
        raise ValueError(f"'{text}' is not a valid intrinsic function")
    return call


def call(parsed: Call, arguments: Sequence[Any]) -> Any:
    """Return the result of a function for the values of its arguments. Raises IntrinsicError."""
    values = [
        _unescaped(value) if isinstance(value, _Template) and parsed.function != "Format" else value
        for value in arguments
    ]
    return _FUNCTIONS[parsed.function][0](*values)


def _parse_call(text: str, start: int) -> tuple[Call, int]:
    found = _NAME.match(text, start)
    if not found or found[1] not in _FUNCTIONS:
        raise ValueError(f"'{text}' is not a valid intrinsic function")
    arguments: list[Call | Path | Literal] = []
    position = _skip_space(text, found.end())
    while not text.startswith(")", position):
        if arguments:
            if not text.startswith(",", position):
                raise ValueError(f"'{text}' is not a valid intrinsic function")
            position = _skip_space(text, position + 1)
        argument, position = _parse_argument(text, position)
        arguments.append(argument)
        position = _skip_space(text, position)
    least, most = _FUNCTIONS[found[1]][1:]
    if not least <= len(arguments) <= most:
        raise ValueError(f"'{text}' has a wrong number of arguments")
    return Call(found[1], tuple(arguments)), position + 1


def _parse_argument(text: str, start: int) -> tuple[Call | Path | Literal, int]:
    if found := _STRING.match(text, start):
        return Literal(_Template(found[1])), found.end()
    if text.startswith("$", start):
        end = _end_of_path(text, start)
        return Path(text[start:end].strip()), end
    if text.startswith("States.", start):
        return _parse_call(text, start)
    for word, value in _WORDS.items():
        if text.startswith(word, start):
            return Literal(value), start + len(word)
    if found := _NUMBER.match(text, start):
        return Literal(json.loads(found[0])), found.end()
    raise ValueError(f"'{text}' is not a valid intrinsic function")


def _end_of_path(text: str, start: int) -> int:
    depth = 0
    quote = ""
    for position in range(start, len(text)):
        character = text[position]
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif depth == 0 and character in ",)":
            return position
        else:
            depth += (character in "([") - (character in ")]")
    return len(text)


def _skip_space(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    if position >= len(text):
        raise ValueError(f"'{text}' is not a valid intrinsic function")
    return position


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(r"\1", text)


def _format(template: Any, *values: Any) -> str:
    if not isinstance(template, str):
        raise IntrinsicError("The first argument must be a string")
    remaining = iter(values)
    used = 0

    def replaced(found: re.Match[str]) -> str:
        nonlocal used
        if found[0] != "{}":
            return found[0][1]
        used += 1
        return _shown(next(remaining, ""))

    text = _PLACEHOLDER.sub(replaced, template)
    if used != len(values):
        raise IntrinsicError(f"The template has {used} placeholders, but {len(values)} arguments follow")
    return text


def _shown(value: Any) -> str:
    """Return a value as States.Format writes it: `{a=1, b=[x, y]}` [recorded]."""
    if isinstance(value, _Template):
        return _unescaped(value)
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={_shown(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)


def _string_to_json(text: Any) -> Any:
    if not isinstance(text, str):
        raise IntrinsicError("The argument must be a string")
    if not text.strip():
        return None  # [recorded]
    try:
        return json.loads(text)
    except ValueError as error:
        raise IntrinsicError("The argument is not valid JSON") from error


def _json_to_string(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _array(*values: Any) -> list[Any]:
    return list(values)


def _array_partition(items: Any, size: Any) -> list[Any]:
    step = _integer(size)
    if step < 1:
        raise IntrinsicError("The chunk size must be a positive integer")
    array = _list(items)
    return [array[start : start + step] for start in range(0, len(array), step)]


def _array_contains(items: Any, value: Any) -> bool:
    return any(item == value and type(item) is type(value) for item in _list(items))


def _array_range(first: Any, last: Any, step: Any) -> list[int]:
    start, end, increment = _integer(first), _integer(last), _integer(step)
    if increment == 0:
        raise IntrinsicError("The increment must not be zero")
    found = range(start, end + (1 if increment > 0 else -1), increment)
    if len(found) > MAX_RANGE_ITEMS:
        raise IntrinsicError(f"The array must not have more than {MAX_RANGE_ITEMS} items")
    return list(found)


def _array_get_item(items: Any, index: Any) -> Any:
    array, position = _list(items), _integer(index)
    if not 0 <= position < len(array):
        raise IntrinsicError(f"The index {position} is out of the bounds of the array")
    return array[position]


def _array_length(items: Any) -> int:
    return len(_list(items))


def _array_unique(items: Any) -> list[Any]:
    found: list[Any] = []
    for item in _list(items):
        if not _array_contains(found, item):
            found.append(item)
    return found


def _base64_encode(text: Any) -> str:
    return base64.b64encode(_short_text(text).encode()).decode()


def _base64_decode(text: Any) -> str:
    try:
        return base64.b64decode(_short_text(text), validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise IntrinsicError("The argument is not valid Base64") from error


def _hash(data: Any, algorithm: Any) -> str:
    if algorithm not in HASHES:
        raise IntrinsicError(f"The algorithm must be one of {', '.join(HASHES)}")
    text = data if isinstance(data, str) else _json_to_string(data)
    return HASHES[algorithm](_short_text(text).encode()).hexdigest()


def _json_merge(first: Any, second: Any, is_deep: Any) -> dict[str, Any]:
    if is_deep is not False:
        raise IntrinsicError("Only the shallow merging mode is supported: the third argument must be false")
    if not isinstance(first, dict) or not isinstance(second, dict):
        raise IntrinsicError("The first two arguments must be JSON objects")
    return first | second


def _math_random(first: Any, last: Any, seed: Any = None) -> int:
    start, end = _integer(first), _integer(last)
    if start >= end:
        raise IntrinsicError("The start number must be less than the end number")
    source = random.Random(None if seed is None else _integer(seed))  # noqa: S311
    return source.randrange(start, end)


def _math_add(first: Any, second: Any) -> int:
    return _integer(first) + _integer(second)


def _string_split(text: Any, delimiters: Any) -> list[str]:
    if not isinstance(text, str) or not isinstance(delimiters, str):
        raise IntrinsicError("Both arguments must be strings")
    pattern = "|".join(map(re.escape, delimiters))
    return [part for part in re.split(pattern, text) if part] if pattern else [text]


def _uuid() -> str:
    return str(uuid.uuid4())


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise IntrinsicError("The first argument must be an array")
    return value


def _integer(value: Any) -> int:
    """Return a number, rounded to the nearest integer."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise IntrinsicError("The argument must be a number")
    return value if isinstance(value, int) else math.floor(value + 0.5)


def _short_text(value: Any) -> str:
    if not isinstance(value, str):
        raise IntrinsicError("The argument must be a string")
    if len(value) > MAX_CHARACTERS:
        raise IntrinsicError(f"The argument must not have more than {MAX_CHARACTERS} characters")
    return value


_MANY: Final = 1_000_000
_FUNCTIONS: Final[dict[str, tuple[Callable[..., Any], int, int]]] = {
    "Array": (_array, 0, _MANY),
    "ArrayContains": (_array_contains, 2, 2),
    "ArrayGetItem": (_array_get_item, 2, 2),
    "ArrayLength": (_array_length, 1, 1),
    "ArrayPartition": (_array_partition, 2, 2),
    "ArrayRange": (_array_range, 3, 3),
    "ArrayUnique": (_array_unique, 1, 1),
    "Base64Decode": (_base64_decode, 1, 1),
    "Base64Encode": (_base64_encode, 1, 1),
    "Format": (_format, 1, _MANY),
    "Hash": (_hash, 2, 2),
    "JsonMerge": (_json_merge, 3, 3),
    "JsonToString": (_json_to_string, 1, 1),
    "MathAdd": (_math_add, 2, 2),
    "MathRandom": (_math_random, 2, 3),
    "StringSplit": (_string_split, 2, 2),
    "StringToJson": (_string_to_json, 1, 1),
    "UUID": (_uuid, 0, 0),
}
"""Name -> function, and the least and largest number of its arguments."""
