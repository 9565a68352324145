"""Runs the macros of a template: of `Fn::Transform` anywhere in it, and of its section `Transform`.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-macros-author.html and
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-macros-overview.html
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Template = dict[str, Any]
Invoke = Callable[[str, bytes], Awaitable[bytes | None]]
"""Runs the macro of that name with an event; its answer, or None if the function failed."""

FN_TRANSFORM = "Fn::Transform"
_HOSTED = "AWS::"  # transforms of CloudFormation's own begin so
_NOT_PROCESSED = frozenset({"AWSTemplateFormatVersion", "Parameters", "Transform"})


class MacroError(Exception):
    """A template could not be processed; the message is what CloudFormation says about it."""


@dataclass(frozen=True)
class MacroCall:
    """One entry of a `Transform` section (then without parameters) or of an `Fn::Transform`."""

    name: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    account_id: str
    region: str

    def transform_id(self, macro: str) -> str:
        return f"{self.account_id}::{macro}"

    def transform_arn(self, macro: str) -> str:
        """What one needs `cloudformation:CreateChangeSet` on, besides the stack, to use a macro."""
        return f"arn:aws:cloudformation:{self.region}:{self.account_id}:transform/{macro}"


class Expansion:
    """Processes one template, from the most deeply nested macro outward, then the section in its order.

    `hosted` applies one of CloudFormation's own transforms to a template. `values` are the
    parameters' values.
    """

    def __init__(
        self,
        place: Place,
        invoke: Invoke,
        hosted: Callable[[Template, str], Template],
        values: Mapping[str, Any],
    ) -> None:
        self._place = place
        self._invoke = invoke
        self._hosted = hosted
        self._values = values

    async def expand(self, template: Template) -> Template:
        """Raises MacroError."""
        expanded = {
            section: value if section in _NOT_PROCESSED else await self._nested(value)
            for section, value in template.items()
        }
        for call in section_calls(template):
            expanded = await self._section(expanded, call)
        return expanded

    async def _section(self, template: Template, call: MacroCall) -> Template:
        content = {section: value for section, value in template.items() if section != "Transform"}
        if is_hosted(call.name):
            return self._hosted(content, call.name)
        processed = await self._run(call.name, content, {})
        if not isinstance(processed, dict):
            raise MacroError("Template format error: unsupported structure.")
        return processed

    async def _nested(self, node: Any) -> Any:
        if isinstance(node, list):
            return [await self._nested(item) for item in node]
        if not isinstance(node, dict):
            return node
        siblings: Any = {key: await self._nested(value) for key, value in node.items() if key != FN_TRANSFORM}
        for call in calls_in(node):
            siblings = await self._run(call.name, siblings, call.parameters)
        return siblings

    async def _run(self, macro: str, fragment: Any, parameters: Mapping[str, Any]) -> Any:
        transform = self._place.transform_id(macro)
        request = str(uuid.uuid4())
        event = {
            "region": self._place.region,
            "accountId": self._place.account_id,
            "fragment": fragment,
            "transformId": transform,
            "params": parameters,
            "requestId": request,
            "templateParameterValues": self._values,
        }
        return _fragment(await self._invoke(macro, json.dumps(event).encode()), transform, request)


def custom_macros(template: Template) -> list[str]:
    """The names of the macros that a template uses and that are not CloudFormation's own, each once."""
    calls = [*section_calls(template)]
    for section, value in template.items():
        if section not in _NOT_PROCESSED:
            calls.extend(_calls_below(value))
    return list(dict.fromkeys(call.name for call in calls if not is_hosted(call.name)))


def is_hosted(macro: str) -> bool:
    return macro.startswith(_HOSTED)


def section_calls(template: Template) -> Iterator[MacroCall]:
    yield from _calls(template.get("Transform"))


def calls_in(node: Mapping[str, Any]) -> Iterator[MacroCall]:
    yield from _calls(node.get(FN_TRANSFORM))


def _calls_below(node: Any) -> Iterator[MacroCall]:
    if isinstance(node, dict):
        yield from calls_in(node)
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        yield from _calls_below(child)


def _calls(value: Any) -> Iterator[MacroCall]:
    for entry in value if isinstance(value, list) else [value]:
        if isinstance(entry, str):
            yield MacroCall(entry, {})
        elif isinstance(entry, dict) and isinstance(entry.get("Name"), str):
            yield MacroCall(entry["Name"], entry.get("Parameters") or {})


def _fragment(payload: bytes | None, transform: str, request: str) -> Any:
    """What the function made of the fragment. Raises MacroError."""
    try:
        answer = None if payload is None else json.loads(payload)
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or answer.get("requestId") != request:
        raise MacroError(f"Received malformed response from transform {transform}")
    if str(answer.get("status")).lower() != "success":
        if message := answer.get("errorMessage"):
            raise MacroError(f"Transform {transform} failed with: {message}")
        raise MacroError(f"Transform {transform} failed without an error message.")
    if "fragment" not in answer:
        raise MacroError(f"Received malformed response from transform {transform}")
    return answer["fragment"]
