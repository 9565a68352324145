"""Parses the setting of an approval: whether a person is asked, how long, and who that may be."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from statemachines.approvals.limits import DEFAULT_APPROVAL_MINUTES, MAX_APPROVAL_MINUTES
from stepline.core.environment import boolean, number
from stepline.core.fields import Fields, JsonObject

NOT_NEEDED: Final[JsonObject] = {"isNeeded": False}
"""What a state machine reads if nobody is asked; otherwise see `ApprovalSetting.needed`."""

_SECONDS_PER_MINUTE: Final = 60
_MEMBERS: Final = ("timeoutMinutes", "notByRequester")


@dataclass(frozen=True)
class ApprovalRequirement:
    """A member of the input; None is what the input leaves to the default."""

    is_asked: bool | None = None
    timeout_minutes: int | None = None
    not_by_requester: bool = False

    @classmethod
    def parse(cls, fields: Fields, name: str) -> Self:
        """Parse true, false, or `{"timeoutMinutes"?, "notByRequester"?}`. Raise `InvalidInputError`."""
        value = fields.value(name) if name in fields else None
        if value is None or isinstance(value, bool):
            return cls(is_asked=value)
        if not isinstance(value, Mapping):
            rule = "must be true, false or an object with timeoutMinutes or notByRequester"
            raise fields.wrong(name, rule, value)
        section = fields.section(name)
        section.allow_only(_MEMBERS)
        return cls(
            is_asked=True,
            timeout_minutes=_timeout_minutes(section),
            not_by_requester=section.flag("notByRequester"),
        )


@dataclass(frozen=True)
class ApprovalSetting:
    """What holds for an execution."""

    is_asked: bool
    timeout_minutes: int
    not_by_requester: bool

    @classmethod
    def of(cls, requirement: ApprovalRequirement, environment: Mapping[str, str] = os.environ) -> Self:
        """Complete the input by the function's environment. The input cannot allow what that forbids.

        ASK_FOR_APPROVAL and APPROVAL_TIMEOUT_MINUTES are defaults; if APPROVAL_NOT_BY_REQUESTER is true, no
        input changes it.
        """
        default = number(
            "APPROVAL_TIMEOUT_MINUTES", MAX_APPROVAL_MINUTES, environment, default=DEFAULT_APPROVAL_MINUTES
        )
        is_asked = boolean("ASK_FOR_APPROVAL", environment, default=False)
        is_forced = boolean("APPROVAL_NOT_BY_REQUESTER", environment, default=False)
        return cls(
            is_asked=is_asked if requirement.is_asked is None else requirement.is_asked,
            timeout_minutes=requirement.timeout_minutes or default,
            not_by_requester=is_forced or requirement.not_by_requester,
        )

    @property
    def needed(self) -> JsonObject:
        """`{"isNeeded": true, "timeoutSeconds", "notByRequester"}`, which a state machine reads to ask."""
        return {
            "isNeeded": True,
            "timeoutSeconds": self.timeout_minutes * _SECONDS_PER_MINUTE,
            "notByRequester": self.not_by_requester,
        }


def _timeout_minutes(section: Fields) -> int | None:
    if "timeoutMinutes" not in section:
        return None
    minutes = section.value("timeoutMinutes")
    if type(minutes) is not int or not 1 <= minutes <= MAX_APPROVAL_MINUTES:
        rule = f"must be a whole number of minutes from 1 to {MAX_APPROVAL_MINUTES}"
        raise section.wrong("timeoutMinutes", rule, minutes)
    return minutes
