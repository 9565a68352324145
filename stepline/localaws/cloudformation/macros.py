"""Runs the macros of a template: those of `Fn::Transform` anywhere in it, and of its `Transform` section.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-macros-author.html and
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-macros-overview.html
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stepline.localaws.cloudformation.names import Arns, is_hosted

Template = dict[str, Any]
Invoke = Callable[[str, bytes], Awaitable[bytes | None]]
"""Invokes the macro of that name with an event; returns its response, or None if the function failed."""

FN_TRANSFORM = "Fn::Transform"
_NOT_PROCESSED = frozenset({"AWSTemplateFormatVersion", "Parameters", "Transform"})


class MacroError(Exception):
    """A template could not be processed; the message is CloudFormation's."""


@dataclass(frozen=True)
class MacroCall:
    """One entry of a `Transform` section, which has no parameters, or of an `Fn::Transform`."""

    name: str
    parameters: Mapping[str, Any]


class Expansion:
    """Processes one template: nested macros first, from the inside out, then the section, in its order.

    `run_hosted` applies one of CloudFormation's own transforms to a template. `values` are the values of the
    template's parameters.
    """

    def __init__(
        self,
        arns: Arns,
        invoke: Invoke,
        run_hosted: Callable[[Template, str], Template],
        values: Mapping[str, Any],
    ) -> None:
        self._arns = arns
        self._invoke = invoke
        self._run_hosted = run_hosted
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
            return self._run_hosted(content, call.name)
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
        transform = self._arns.transform_id(macro)
        request_id = str(uuid.uuid4())
        event = {
            "region": self._arns.region,
            "accountId": self._arns.account_id,
            "fragment": fragment,
            "transformId": transform,
            "params": parameters,
            "requestId": request_id,
            "templateParameterValues": self._values,
        }
        return _fragment(await self._invoke(macro, json.dumps(event).encode()), transform, request_id)


def macro_names(template: Template) -> list[str]:
    """Return the names of the macros in a template, each once, also those that CloudFormation hosts."""
    calls = [*section_calls(template)]
    for section, value in template.items():
        if section not in _NOT_PROCESSED:
            calls.extend(_calls_below(value))
    return list(dict.fromkeys(call.name for call in calls))


def custom_macros(names: Iterable[str]) -> list[str]:
    """Return the names of the macros that CloudFormation does not host."""
    return [name for name in names if not is_hosted(name)]


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


def _fragment(payload: bytes | None, transform: str, request_id: str) -> Any:
    """Return the fragment that the function returned. Raises MacroError."""
    try:
        response = None if payload is None else json.loads(payload)
    except ValueError:
        response = None
    if not isinstance(response, dict) or response.get("requestId") != request_id:
        raise MacroError(f"Received malformed response from transform {transform}")
    if str(response.get("status")).lower() != "success":
        if message := response.get("errorMessage"):
            raise MacroError(f"Transform {transform} failed with: {message}")
        raise MacroError(f"Transform {transform} failed without an error message.")
    if "fragment" not in response:
        raise MacroError(f"Received malformed response from transform {transform}")
    return response["fragment"]
