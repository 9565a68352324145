"""Evaluates the Terraform that the project has: blocks, references, objects, conditions, a few functions.

Terraform itself would need its AWS provider, which is no package of PyPI or Debian.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import hcl2

_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "jsonencode": lambda value: json.dumps(value, separators=(",", ":")),
    "merge": lambda *objects: {key: value for item in objects for key, value in item.items()},
    "length": len,
    "keys": list,
    "values": lambda value: list(value.values()),
    "alltrue": all,
    "setsubtract": lambda first, second: set(first) - set(second),
    "setintersection": lambda first, second: set(first) & set(second),
}
_OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": lambda left, right: bool(left == right),
    "!=": lambda left, right: bool(left != right),
    "<=": lambda left, right: bool(left <= right),
}
Attributes = Callable[[str, str, Mapping[str, Any]], Any]
"""Returns what a resource or data source is after its creation: of a type, a name and its arguments."""


class Module:
    """The `*.tf` files of a folder. `attributes` creates resources and reads data sources."""

    def __init__(self, folder: Path, variables: Mapping[str, Any], attributes: Attributes) -> None:
        self._folder = folder
        self._blocks: dict[tuple[str, ...], Any] = {}
        self._locals: dict[str, Any] = {}
        self._attributes = attributes
        self._created: dict[tuple[str, str], Any] = {}
        self._modules: dict[str, Module] = {}
        self._given = variables
        self._loop_variables: dict[str, Any] = {}
        for file in sorted(folder.glob("*.tf")):
            for block in _children(hcl2.parses(file.read_text()), "BodyRule", "BlockRule"):
                self._add(block)
        declared = {labels[1] for labels in self._blocks if labels[0] == "variable"}
        assert variables.keys() <= declared, "undeclared variables"

    @cached_property
    def outputs(self) -> dict[str, Any]:
        """Check the conditions of variables and outputs, create the resources, and return the outputs."""
        for labels, block in self._blocks.items():
            if labels[0] == "variable":
                self._check(block, "validation")
            elif labels[0] == "resource" and self._count(block):
                self._resource(labels[1], labels[2])
        found = {}
        for labels, block in self._blocks.items():
            if labels[0] == "output":
                self._check(block, "precondition")
                found[labels[1]] = self._arguments(block)["value"]
        return found

    def _add(self, block: Any) -> None:
        names = [_text(child) for child in block.children if type(child).__name__ in _LABELS]
        if names[0] == "locals":
            self._locals |= {_text(item.children[0]): item.children[2] for item in _attributes(block)}
        else:
            self._blocks[tuple(names)] = block

    def _check(self, block: Any, kind: str) -> None:
        for inner in _children(block, "BodyRule", "BlockRule"):
            if _text(inner.children[0]) == kind:
                arguments = self._arguments(inner)
                assert arguments["condition"], arguments["error_message"]

    def _count(self, block: Any) -> int:
        return int(self._arguments(block).get("count", 1))

    def _arguments(self, block: Any) -> dict[str, Any]:
        """Return the arguments of a block; blocks inside are lists of the same."""
        found: dict[str, Any] = {
            _text(item.children[0]): self._value(item.children[2]) for item in _attributes(block)
        }
        for inner in _children(block, "BodyRule", "BlockRule"):
            if (name := _text(inner.children[0])) not in {"validation", "precondition"}:
                found.setdefault(name, []).append(self._arguments(inner))
        return found

    def _resource(self, kind: str, name: str, section: str = "resource") -> Any:
        if (kind, name) not in self._created:
            arguments = self._arguments(self._blocks[section, kind, name])
            self._created[kind, name] = self._attributes(kind, name, arguments)
        return self._created[kind, name]

    def _value(self, node: Any) -> Any:
        kind = type(node).__name__
        parts = [child for child in node.children if child is not None] if hasattr(node, "children") else []
        match kind:
            case "ExprTermRule":
                return self._value(next(part for part in parts if not type(part).__name__.endswith("TOKEN")))
            case "LiteralValueRule":
                return _LITERALS[_text(node).lower()]
            case "IntLitRule":
                return int(_text(node))
            case "StringRule":
                return "".join(map(_text, _children(node, "StringPartRule")))
            case "TupleRule":
                return [self._value(part) for part in parts if not _is_punctuation(part)]
            case "ObjectRule":
                items = _children(node, "ObjectElemRule")
                return {_text(item.children[0]): self._value(item.children[2]) for item in items}
            case "FunctionCallRule":
                arguments = [
                    self._value(part)
                    for group in _children(node, "ArgumentsRule")
                    for part in group.children
                    if part is not None and not _is_punctuation(part)
                ]
                return _FUNCTIONS[_text(parts[0])](*arguments)
            case "ForTupleExprRule":
                intro, body = (part for part in parts if not _is_punctuation(part))
                name, values = (part for part in intro.children if part and not _is_punctuation(part))
                return [self._with(_text(name), item, body) for item in self._value(values)]
            case "ConditionalRule":
                condition, then, otherwise = (part for part in parts if not _is_punctuation(part))
                return self._value(then if self._value(condition) else otherwise)
            case "BinaryOpRule":
                left, operation = parts[0], next(p for p in parts if type(p).__name__ == "BinaryTermRule")
                operator, right = (child for child in operation.children if child is not None)
                return _OPERATORS[_text(operator)](self._value(left), self._value(right))
        return self._reference(_text(node))

    def _with(self, name: str, value: Any, body: Any) -> Any:
        self._loop_variables = {name: value}
        return self._value(body)

    def _reference(self, text: str) -> Any:
        """Return the value of a reference, such as `data.type.name.attribute["key"]`."""
        head, *path = text.replace('["', ".").replace('"]', "").split(".")
        match head:
            case "var":
                return self._variable(path[0])
            case "local":
                found, path = self._value(self._locals[path[0]]), path[1:]
            case loop_variable if loop_variable in self._loop_variables:
                found = self._loop_variables[loop_variable]
            case "module":
                found, path = self._module(path[0]).outputs, path[1:]
            case "data":
                found, path = self._resource(path[0], path[1], "data"), path[2:]
            case _:
                found, path = self._resource(head, path[0]), path[1:]
        for key in path:
            found = found[key]
        return found

    def _variable(self, name: str) -> Any:
        attributes = {
            _text(item.children[0]): item.children[2] for item in _attributes(self._blocks["variable", name])
        }
        value = self._given[name] if name in self._given else self._value(attributes["default"])
        if value is not None and _text(attributes["type"]) == "map(string)":
            return {key: str(item) for key, item in value.items()}
        return value

    def _module(self, name: str) -> Module:
        if name not in self._modules:
            arguments = self._arguments(self._blocks["module", name])
            folder = self._folder / arguments.pop("source")
            self._modules[name] = Module(folder, arguments, self._attributes)
        return self._modules[name]


_LITERALS: Final = {"null": None, "none": None, "true": True, "false": False}
_LABELS = {"IdentifierRule", "StringRule"}
_PUNCTUATION = {"NewLineOrCommentRule"}


def _is_punctuation(node: Any) -> bool:
    return type(node).__name__.endswith("TOKEN") or type(node).__name__ in _PUNCTUATION


def _children(node: Any, *kinds: str) -> Iterator[Any]:
    """Yield the descendants at the path of these kinds."""
    for child in node.children:
        if type(child).__name__ == kinds[0]:
            if len(kinds) == 1:
                yield child
            else:
                yield from _children(child, *kinds[1:])


def _attributes(block: Any) -> Iterator[Any]:
    return _children(block, "BodyRule", "AttributeRule")


def _text(node: Any) -> str:
    text = str(node.serialize())
    return text[2:-1] if text.startswith("${") else text.strip('"')
