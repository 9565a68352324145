"""Decides which changes of a change set are refused: they remove or replace what holds data or an identity.

Unknown values and types are dangerous, too. The values are those of `ChangeAction`, `Replacement` and
`PolicyAction` in botocore's model of CloudFormation. The action of a removal is `Remove`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from statemachines.deploy.allowance import Allowance
from statemachines.deploy.harmless_types import TYPES_THAT_HOLD_NOTHING
from statemachines.deploy.kept_resources import Kept, is_left_to_its_function, kept_resources
from statemachines.deploy.resource_changes import ResourceChange

_HARMLESS_ACTIONS: Final = frozenset({"Add", "Import", "Modify", "SyncWithActual"})
_RETAIN: Final = "Retain"

HOLDS_NOTHING: Final = "holding nothing"
LEFT_TO_ITS_FUNCTION: Final = "if its own function decides so"


class Loss(StrEnum):
    """What happens to the resource that there is."""

    REMOVED = "removed"
    REPLACED = "replaced"
    PERHAPS = "perhaps removed or replaced"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class DangerousChange:
    """A change that removes or replaces a resource, or may do so. `effect` is such as "would be replaced".

    `harmless_because` is empty if the resource holds something.
    """

    change: ResourceChange
    loss: Loss
    effect: str
    harmless_because: str = ""

    @property
    def path(self) -> str:
        return self.change.path

    @property
    def resource_type(self) -> str:
        return self.change.resource_type

    @property
    def resource(self) -> str:
        return f"{self.path} ({self.resource_type})"

    def __str__(self) -> str:
        return f"{self.resource} {self.effect}"


@dataclass(frozen=True)
class Decision:
    """What a change set removes or replaces; it is executed only if `refused` is empty."""

    harmless: tuple[DangerousChange, ...]
    allowed: tuple[DangerousChange, ...]
    refused: tuple[DangerousChange, ...]
    unused: tuple[str, ...]  # members of allowReplacement that name none of them

    @classmethod
    def of(cls, changes: Sequence[ResourceChange], allowance: Allowance) -> Decision:
        dangerous = dangerous_changes(changes)
        others = [change for change in dangerous if not change.harmless_because]
        allowed = [change for change in others if allowance.allows(change.path, change.resource_type)]
        return cls(
            harmless=tuple(change for change in dangerous if change.harmless_because),
            allowed=tuple(allowed),
            refused=tuple(change for change in others if change not in allowed),
            unused=allowance.unused((change.path, change.resource_type) for change in dangerous),
        )


def dangerous_changes(changes: Sequence[ResourceChange]) -> list[DangerousChange]:
    """Return the changes that remove or replace a resource, whatever it holds."""
    kept = kept_resources(changes)
    return [found for change in changes if (found := _dangerous_change(change, kept)) is not None]


def _dangerous_change(change: ResourceChange, kept: Kept) -> DangerousChange | None:
    loss, effect = _effect(change, is_kept=change.path in kept)
    if loss is None:
        return None
    return DangerousChange(change, loss, effect, _harmless_because(change, loss, kept))


def _harmless_because(change: ResourceChange, loss: Loss, kept: Kept) -> str:
    if loss is not Loss.UNKNOWN and change.resource_type in TYPES_THAT_HOLD_NOTHING:
        return HOLDS_NOTHING
    return LEFT_TO_ITS_FUNCTION if is_left_to_its_function(change, kept) else ""


def _effect(change: ResourceChange, *, is_kept: bool) -> tuple[Loss | None, str]:
    if change.action == "Remove":
        retained = ", though not deleted" if change.policy_action == _RETAIN else ""
        return Loss.REMOVED, f"would be removed from the stack{retained}"
    if change.replacement == "True" or change.policy_action.startswith("Replace"):
        return Loss.REPLACED, "would be replaced"
    if change.replacement == "Conditional" and not is_kept:
        return Loss.PERHAPS, "may be replaced"
    if change.action == "Dynamic":
        return (
            Loss.PERHAPS,
            "may be removed or replaced, which CloudFormation decides only during the update",
        )
    if change.action not in _HARMLESS_ACTIONS or change.replacement not in {"", "False", "Conditional"}:
        return Loss.UNKNOWN, f"would be changed in an unknown way ({change.action}, {change.replacement})"
    if change.is_nested_stack and change.action != "Add" and not change.change_set_id:
        return (
            Loss.UNKNOWN,
            "is a nested stack whose changes cannot be seen, and may remove or replace resources",
        )
    return None, ""
