"""Evaluates the JMESPath expressions of output variables, within limits on time and memory.

A short expression can produce a huge value: each step of `[@,@]|[@,@]|…` doubles its size as JSON, although
it adds one small list in memory, and comparing or printing such a value takes as long as its JSON is. So the
interpreter counts its work while it runs, and the characters of each value, shared parts as often as they
occur.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import jmespath  # type: ignore[import-untyped]
from jmespath.visitor import TreeInterpreter  # type: ignore[import-untyped]

from pipeline.limits import (
    MAX_EXPRESSION_STEPS,
    MAX_EXPRESSION_VALUE_CHARACTERS,
    MAX_INNER_VALUE_CHARACTERS,
)

_CHARACTERS_PER_STEP = 8
"""Copying or comparing so many characters, or passing over so many items of a list, takes no longer than
visiting a node [measured]."""

_STEPS_PER_CALL = 8
"""A function takes as long as visiting so many nodes, besides its arguments [measured]."""

_CONSTANT_TIME_FUNCTIONS = frozenset({"length", "type"})
"""They do not go through their argument."""

_STEPS_PER_CONTAINER = 8
"""A new list or object needs some hundred bytes, with the record of its size [measured]."""


class ExpressionLimitError(Exception):
    """An expression takes too many steps, or one of its values is too large."""


def search_all(expressions: Mapping[str, str], document: Any) -> dict[str, Any]:
    """Return the values of `expressions` (name -> JMESPath); None for those that fail for any reason.

    Each expression may take half of the steps that are left, so that one that fails leaves enough for the
    others.
    """
    values: dict[str, Any] = {}
    steps_left = MAX_EXPRESSION_STEPS
    for name, expression in expressions.items():
        interpreter = _LimitedInterpreter(steps_left // 2)
        try:
            values[name] = interpreter.evaluate(jmespath.compile(expression).parsed, document)
        except Exception:  # jmespath raises TypeError, ValueError, RecursionError and others, besides its own
            values[name] = None
        steps_left -= interpreter.steps
    return values


class _LimitedInterpreter(TreeInterpreter):  # type: ignore[misc]
    """Raises `ExpressionLimitError` if it needs more than `max_steps`, or more characters for a value."""

    def __init__(self, max_steps: int) -> None:
        super().__init__()
        self.steps = 0
        self._max_steps = max_steps
        self._containers: dict[int, tuple[Any, int]] = {}
        """Each list and object with its size, by its `id`, which is unique while the value is kept here."""

    def evaluate(self, node: Any, document: Any) -> Any:
        value = self.visit(node, document)
        if isinstance(value, (list, dict)) and self._size(value) > MAX_EXPRESSION_VALUE_CHARACTERS:
            raise ExpressionLimitError
        return value

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        self._count(1)
        value = super().visit(node, *args, **kwargs)
        if isinstance(value, (list, dict)):
            is_new = id(value) not in self._containers
            self._count(_STEPS_PER_CONTAINER + len(value) if is_new else len(value) // _CHARACTERS_PER_STEP)
            _check_size(self._size(value))
        return value

    def visit_comparator(self, node: Any, value: Any) -> Any:
        sides = [self.visit(child, value) for child in node["children"]]
        self._count(min(map(self._size, sides)) // _CHARACTERS_PER_STEP)
        return super().visit_comparator(_with_values(node, sides), value)

    def visit_function_expression(self, node: Any, value: Any) -> Any:
        """The result of a function is as large as its arguments at most, but for `join(separator, list)`."""
        arguments = [self.visit(child, value) for child in node["children"]]
        size = sum(map(self._size, arguments))
        match node["value"], arguments:
            case "join", [str() as separator, list() as texts]:
                size += len(separator) * len(texts)
        _check_size(size)
        passed = 0 if node["value"] in _CONSTANT_TIME_FUNCTIONS else size // _CHARACTERS_PER_STEP
        self._count(_STEPS_PER_CALL + passed)
        return super().visit_function_expression(_with_values(node, arguments), value)

    def _count(self, steps: int) -> None:
        self.steps += steps
        if self.steps > self._max_steps:
            self.steps = self._max_steps
            raise ExpressionLimitError

    def _size(self, value: Any) -> int:
        """Return about how many characters `value` has as JSON; it may be deeper than Python's stack."""
        unknown = [value] if isinstance(value, (list, dict)) else []
        while unknown:
            container = unknown[-1]
            inner = [item for item in _items(container) if self._is_unknown(item)]
            if not inner:
                unknown.pop()
                size = sum(1 + self._known_size(item) for item in _items(container))
                self._containers[id(container)] = container, size
            unknown += inner
        return self._known_size(value)

    def _is_unknown(self, value: Any) -> bool:
        return isinstance(value, (list, dict)) and id(value) not in self._containers

    def _known_size(self, value: Any) -> int:
        match value:
            case str():
                return 2 + len(value)
            case list() | dict():
                return 2 + self._containers[id(value)][1]
            case int():
                return 1 + value.bit_length() // 3
        return 8


def _check_size(size: int) -> None:
    if size > MAX_INNER_VALUE_CHARACTERS:
        raise ExpressionLimitError


def _items(container: Any) -> Iterable[Any]:
    """Return the items of a list, or the keys and values of an object."""
    return [*container, *container.values()] if isinstance(container, dict) else container


def _with_values(node: Mapping[str, Any], values: list[Any]) -> dict[str, Any]:
    """Return `node` with its children replaced by their values."""
    return {**node, "children": [{"type": "literal", "value": value, "children": []} for value in values]}
