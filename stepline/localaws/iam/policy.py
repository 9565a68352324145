"""Parses policy documents, and matches their statements with requests.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from stepline.localaws.iam.conditions import Condition, ContextValue, parse_conditions
from stepline.localaws.iam.patterns import as_list, matches
from stepline.localaws.iam.principals import Caller, PrincipalElement

_MAX_DOCUMENTS = 512


class Effect(StrEnum):
    ALLOW = "Allow"
    DENY = "Deny"


@dataclass(frozen=True)
class Request:
    """One action of a caller on one resource. Context keys are in lower case."""

    caller: Caller
    action: str
    resource: str
    context: Mapping[str, ContextValue] = field(default_factory=dict)


@dataclass(frozen=True)
class Statement:
    """`policy` is the document's name, `index` the statement's position in it, from 0."""

    policy: str
    index: int
    effect: Effect
    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    resources: tuple[str, ...]
    not_resources: tuple[str, ...]
    conditions: tuple[Condition, ...]
    principal: PrincipalElement | None

    def covers(self, request: Request) -> bool:
        """Whether the statement applies to this action on this resource, whoever the principal is."""
        return (
            (
                bool(self.matching_actions(request.action))
                or _excludes(self.not_actions, request.action, False)
            )
            and (
                bool(self.matching_resources(request.resource))
                or _excludes(self.not_resources, request.resource, True)
            )
            and all(condition.holds(request.context) for condition in self.conditions)
        )

    def allows_in(self, service: str) -> bool:
        """Whether it allows any action of the service, on any resource."""
        patterns = (pattern.lower() for pattern in self.actions)
        named = any(pattern == "*" or pattern.partition(":")[0] == service for pattern in patterns)
        return self.effect is Effect.ALLOW and (named or bool(self.not_actions))

    def matching_actions(self, action: str) -> tuple[str, ...]:
        """Return the action patterns that match, ignoring case."""
        return tuple(pattern for pattern in self.actions if matches(pattern, action, case=False))

    def matching_resources(self, resource: str) -> tuple[str, ...]:
        return tuple(pattern for pattern in self.resources if matches(pattern, resource, case=True))


def parse(document: str | Mapping[str, Any], *, policy: str = "") -> tuple[Statement, ...]:
    """Return the statements of a policy document. Raises ValueError if it is not valid."""
    if isinstance(document, str):
        return _parse_text(document, policy)
    return _parse_text(json.dumps(document), policy)


@functools.lru_cache(maxsize=_MAX_DOCUMENTS)
def _parse_text(text: str, policy: str) -> tuple[Statement, ...]:
    document = json.loads(text)
    if not isinstance(document, dict):
        raise ValueError(f"{policy} is not a JSON object")  # noqa: TRY004
    return tuple(
        _statement(item, policy, index) for index, item in enumerate(as_list(document.get("Statement")))
    )


def _statement(item: Mapping[str, Any], policy: str, index: int) -> Statement:
    principal = item.get("Principal")
    if "NotPrincipal" in item:
        raise ValueError(f"{policy}: the local AWS does not support NotPrincipal")
    return Statement(
        policy=policy,
        index=index,
        effect=Effect(item["Effect"]),
        actions=_strings(item, "Action"),
        not_actions=_strings(item, "NotAction"),
        resources=_strings(item, "Resource"),
        not_resources=_strings(item, "NotResource"),
        conditions=parse_conditions(item.get("Condition", {})),
        principal=None if principal is None else PrincipalElement.parse(principal),
    )


def _strings(item: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return tuple(map(str, as_list(item.get(name))))


def _excludes(patterns: tuple[str, ...], value: str, case: bool) -> bool:
    """Whether there are patterns (NotAction, NotResource) and none matches."""
    return bool(patterns) and not any(matches(pattern, value, case=case) for pattern in patterns)
