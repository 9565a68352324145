"""Finds a Lambda function by its name, its stack and logical id, or a part of these."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepline.aws.stack_functions import StackFunction, list_stack_functions, list_stacks_with_functions
from stepline.core.errors import UsageError
from stepline.core.suggestions import did_you_mean

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

    from stepline.aws.target import Target

_SEPARATOR = "/"


class UnknownNameError(UsageError):
    """No function, or no resource of another kind, has the name."""


@dataclass(frozen=True)
class Function:
    """A function; `logical_id` is None for one that belongs to no stack that was read.

    `stack` is its root stack, `nested_stack` the stack that has it, if that is nested in the root stack.
    """

    name: str
    logical_id: str | None
    stack: str | None = None
    nested_stack: str | None = None

    @property
    def short_name(self) -> str:
        """A name that `find_function` finds: `create-stack` for the logical id `CreateStackFunction`."""
        if self.logical_id is None:
            return self.name
        words = self.logical_id.removesuffix("Function") or self.logical_id
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", words).lower()

    def listed_name(self, stack_name: str) -> str:
        """Return a name that `find_function` finds, where `stack_name` is the default stack."""
        if self.stack in {None, stack_name}:
            return self.short_name
        return f"{self.stack}{_SEPARATOR}{self.short_name}"


def resolve_function(target: Target, text: str, stack_name: str) -> Function:
    """Return the function that `text` names. Raises UsageError, listing candidates.

    The logical ids of other stacks than `stack_name` are read if the text has none of that stack; of a local
    AWS always.
    """
    functions = list_functions(target, stack_name, all_stacks=target.is_local)
    try:
        return find_function(functions, text, stack_name)
    except UsageError:
        if target.is_local:
            raise
    return find_function(list_functions(target, stack_name, all_stacks=True), text, stack_name)


def list_functions(target: Target, stack_name: str, *, all_stacks: bool) -> list[Function]:
    """Return all functions of the region, with the logical ids of those in the stack, or in all stacks."""
    names = _list_names(target.client("lambda"))
    cloudformation = target.client("cloudformation")
    found = list(list_stack_functions(cloudformation, stack_name))
    if all_stacks:
        found += list_stacks_with_functions(cloudformation, besides=stack_name)
    by_name: dict[str, StackFunction] = {}
    for each in found:
        by_name.setdefault(each.name, each)
    return [_function(name, by_name.get(name)) for name in names]


def _function(name: str, found: StackFunction | None) -> Function:
    if found is None:
        return Function(name, None)
    return Function(name, found.logical_id, found.root_stack, found.nested_stack)


def _list_names(lambda_client: LambdaClient) -> list[str]:
    pages = lambda_client.get_paginator("list_functions").paginate()
    return sorted(each["FunctionName"] for page in pages for each in page["Functions"])


def find_function(
    functions: Sequence[Function], text: str, stack_name: str, *, kind: str = "function"
) -> Function:
    """Return the function that `text` names; messages call it `kind`.

    It is a name or ARN, a logical id, `stack/LogicalId`, or a part of a name or logical id. Functions of the
    stack `stack_name` come first, and whole names before parts. Parts are compared without case and
    punctuation: `create-stack` finds `CreateStackFunction`. Raises UsageError, listing the candidates, if no
    function or more than one is found.
    """
    if not functions:
        raise UnknownNameError(f"no {kind}s exist: deploy template.yaml first (locally: `stepline up`)")
    name = text.split(":")[6] if text.startswith("arn:") and text.count(":") >= 6 else text
    stack, separator, rest = name.partition(_SEPARATOR)
    wanted = rest if separator else name
    searched = [each for each in functions if not separator or stack in {each.stack, each.nested_stack}]
    own = [each for each in searched if each.stack == stack_name]
    for matches in _matchers(wanted):
        for group in (own, searched):
            if found := [each for each in group if matches(each)]:
                if len(found) == 1:
                    return found[0]
                names = ", ".join(each.listed_name(stack_name) for each in found)
                raise UsageError(f"{text!r} matches several {kind}s: {names}")
    known = [each.listed_name(stack_name) for each in functions]
    raise UnknownNameError(
        f"{kind} {text!r} does not exist{did_you_mean(text, known)}; the {kind}s are: {', '.join(known)}"
    )


def _matchers(wanted: str) -> Iterator[Callable[[Function], bool]]:
    """Yield tests, from the exact name to a part of it."""
    part = _normalize(wanted)
    yield lambda each: wanted in {each.name, each.logical_id}
    yield lambda each: bool(part) and _normalize(each.logical_id) in {part, f"{part}function"}
    yield lambda each: bool(part) and part in f"{_normalize(each.name)} {_normalize(each.logical_id)}"


def _normalize(name: str | None) -> str:
    return re.sub(r"[^a-z0-9]", "", (name or "").lower())
