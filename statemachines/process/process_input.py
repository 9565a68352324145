"""Validates the input of a new transaction, whoever gives it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from statemachines.process.data import PROCESS_INPUT
from statemachines.process.errors import RequestTooLargeError
from statemachines.process.limits import MAX_INPUT_BYTES, MAX_INPUT_LEVELS
from stepline.core import strict_json
from stepline.core.errors import InvalidInputError
from stepline.core.fields import Fields, JsonObject


def parse_process_input(document: Fields, *, expected: str) -> JsonObject:
    """Return `processInput` of the document; `expected` is the message if it is missing.

    Raise `InvalidInputError`, or `RequestTooLargeError` if it is too large when it is stored.
    """
    process_input = document.object_or_none(PROCESS_INPUT)
    if process_input is None:
        raise InvalidInputError(expected)
    if _is_deeper(process_input, MAX_INPUT_LEVELS):
        raise document.problem(PROCESS_INPUT, f"must not have more than {MAX_INPUT_LEVELS} levels")
    try:
        stored = strict_json.canonical(process_input)
    except ValueError as error:
        raise document.problem(PROCESS_INPUT, f"cannot be stored: {error}") from error
    if len(stored.encode()) > MAX_INPUT_BYTES:  # a number may be longer than in the request: 1e15
        raise RequestTooLargeError(
            f"processInput must not be longer than {MAX_INPUT_BYTES:,} bytes when it is stored."
        )
    return process_input


def _is_deeper(value: Any, levels: int) -> bool:
    """Return whether objects and lists have more levels than that, without recursion."""
    level = [value]
    for _ in range(levels):
        level = [inner for outer in level for inner in _inside(outer)]
    return any(isinstance(item, (Mapping, list)) for item in level)


def _inside(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    return value if isinstance(value, list) else []
