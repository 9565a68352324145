"""Divides the targets of a rollout into waves."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, Self, TypeVar

from statemachines.approvals.setting import ApprovalRequirement
from statemachines.rollout.approval import WAVE_APPROVAL
from statemachines.rollout.limits import MAX_BAKE_MINUTES, MAX_WAVES
from stepline.core.errors import InvalidInputError
from stepline.core.fields import Fields, listed_names
from stepline.core.text import quoted

REST: Final = "rest"
"""The wave of all targets that are in no earlier wave."""

DEFAULT_WAVES: Final = (1, REST)
_PERCENTAGE: Final = re.compile(r"(100|[1-9][0-9]?)%")


class Grouped(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def group(self) -> str: ...


_Target = TypeVar("_Target", bound=Grouped)


@dataclass(frozen=True)
class WaveRule:
    """Which targets a wave has: a number of them, a part such as "50%" of all, a group, or the rest."""

    selector: int | str
    bake_minutes: int
    approval: ApprovalRequirement

    @classmethod
    def parse(cls, value: object, fields: Fields, index: int) -> Self:
        """Parse a number, a text, or `{"targets": number or text, "bakeMinutes"?, "waveApproval"?}`.

        `fields` is the input, which has the defaults of all waves.
        """
        name = f"waves[{index}]"
        if not isinstance(value, dict):
            return cls(_selector(value, fields, name), *_settings(fields, fields))
        wave = Fields({"waves": value}, "the input").section("waves")
        wave.allow_only(("targets", "bakeMinutes", WAVE_APPROVAL))
        return cls(_selector(wave.value("targets"), fields, f"{name}.targets"), *_settings(wave, fields))

    def select(self, left: Sequence[_Target], total: int) -> list[_Target]:
        """Return the wave's targets of those that are left."""
        if isinstance(self.selector, int):
            return list(left[: self.selector])
        if self.selector == REST:
            return list(left)
        if self.selector.endswith("%"):
            return list(left[: math.ceil(total * int(self.selector[:-1]) / 100)])
        return [target for target in left if target.group == self.selector]


@dataclass(frozen=True)
class Wave:
    name: str
    targets: tuple[Any, ...]
    bake_minutes: int
    approval: ApprovalRequirement


def _settings(wave: Fields, document: Fields) -> tuple[int, ApprovalRequirement]:
    """Return the bake time and the approval of a wave, which has its own or those of the input."""
    return (
        _bake_minutes(wave if "bakeMinutes" in wave else document),
        ApprovalRequirement.parse(wave if WAVE_APPROVAL in wave else document, WAVE_APPROVAL),
    )


def _bake_minutes(fields: Fields) -> int:
    minutes = fields.count("bakeMinutes") if "bakeMinutes" in fields else 0
    if minutes > MAX_BAKE_MINUTES:
        raise fields.problem("bakeMinutes", f"is {minutes}; at most {MAX_BAKE_MINUTES:,} are possible")
    return minutes


def parse_waves(fields: Fields) -> list[WaveRule]:
    """Parse the member `waves` of the input. Raise `InvalidInputError`."""
    value = fields.value("waves") if "waves" in fields else list(DEFAULT_WAVES)
    if not isinstance(value, list) or not value:
        raise fields.wrong("waves", "must be a list that is not empty", value)
    if len(value) > MAX_WAVES:
        raise fields.problem("waves", f"has {len(value)} waves; at most {MAX_WAVES} are possible")
    return [WaveRule.parse(item, fields, index) for index, item in enumerate(value)]


def divide(targets: Sequence[_Target], rules: Sequence[WaveRule]) -> Iterator[Wave]:
    """Yield the waves that have targets. Raise `InvalidInputError` if a target is in none."""
    left = list(targets)
    groups = {target.group for target in targets if target.group}
    for number, rule in enumerate(rules, start=1):
        _check_group(rule, groups)
        chosen = rule.select(left, len(targets))
        names = {target.name for target in chosen}
        left = [target for target in left if target.name not in names]
        if chosen:
            yield Wave(f"{number} ({rule.selector})", tuple(chosen), rule.bake_minutes, rule.approval)
    if left:
        missing = listed_names([target.name for target in left])
        raise InvalidInputError(f'No wave has the targets {missing}: add "{REST}" to "waves".')


def _check_group(rule: WaveRule, groups: set[str]) -> None:
    selector = rule.selector
    is_group = isinstance(selector, str) and selector != REST and not selector.endswith("%")
    if is_group and selector not in groups:
        known = f"the groups are {listed_names(groups)}" if groups else "no target has a group"
        raise InvalidInputError(
            f'"waves" in the input names {quoted(selector)}, the group of no target; {known}.'
        )


def _selector(value: object, fields: Fields, name: str) -> int | str:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    if isinstance(value, str) and value.strip() and (not value.endswith("%") or _PERCENTAGE.fullmatch(value)):
        return value
    rule = f'must be a number of targets, a percentage such as "50%", the name of a group, or "{REST}"'
    raise fields.wrong(name, rule, value)
