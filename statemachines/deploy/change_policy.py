"""Decides which changes are dangerous: those that remove or replace a resource, or may do so.

Unknown values are dangerous, too. The values are those of `ChangeAction`, `Replacement` and `PolicyAction` in
botocore's model of CloudFormation. The action of a removal is `Remove`; a `Replacement` of `Conditional` may
become a replacement, unless it depends only on the ARNs of resources that stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stepline.core.cloudformation.stack_events import STACK_TYPE

_HARMLESS_ACTIONS = frozenset({"Add", "Import", "Modify", "SyncWithActual"})
_RETAIN = "Retain"
_CUSTOM_RESOURCE = "AWS::CloudFormation::CustomResource"


@dataclass(frozen=True)
class ResourceChange:
    """One change of one resource; absent values are empty. `path` includes the nested stacks.

    `arns_of` are the paths of the resources whose ARNs decide alone whether this one is replaced; it is empty
    if anything else does. `renames` says whether a property changes that can
    be a part of its ARN.
    """

    path: str
    resource_type: str
    action: str
    replacement: str
    policy_action: str
    physical_id: str
    change_set_id: str  # of a nested stack: the change set with its changes
    arns_of: tuple[str, ...] = ()
    renames: bool = False

    @property
    def is_nested_stack(self) -> bool:
        return self.resource_type == STACK_TYPE

    @property
    def keeps_arn(self) -> bool:
        """Return whether the change keeps the ARN of the resource: it is updated in place, with its names.

        A custom resource and a nested stack return what they like.
        """
        return (
            self.action == "Modify"
            and self.replacement == "False"
            and not self.renames
            and self.resource_type.startswith("AWS::")
            and self.resource_type not in {STACK_TYPE, _CUSTOM_RESOURCE}
        )

    def danger(self) -> str | None:
        """Return what would happen, as "Queue (AWS::SQS::Queue) would be replaced"; None if it is safe."""
        effect = self._effect()
        return f"{self.path} ({self.resource_type}) {effect}" if effect else None

    def _effect(self) -> str | None:
        if self.action == "Remove":
            retained = ", though not deleted" if self.policy_action == _RETAIN else ""
            return f"would be removed from the stack{retained}"
        if self.replacement == "True" or self.policy_action.startswith("Replace"):
            return "would be replaced"
        if self.replacement == "Conditional":
            return "may be replaced"
        if self.action == "Dynamic":
            return "may be removed or replaced, which CloudFormation decides only during the update"
        if self.action not in _HARMLESS_ACTIONS or self.replacement not in {"", "False"}:
            return f"would be changed in an unknown way ({self.action}, {self.replacement})"
        if self.is_nested_stack and self.action != "Add" and not self.change_set_id:
            return "is a nested stack whose changes cannot be seen, and may remove or replace resources"
        return None


def dangers(changes: Sequence[ResourceChange]) -> list[str]:
    """Return what would happen, for each dangerous change of a change set and of those nested in it."""
    stable = {change.path for change in changes if change.keeps_arn}
    return [danger for change in changes if (danger := change.danger()) and not _depends_on(stable, change)]


def _depends_on(stable: set[str], change: ResourceChange) -> bool:
    """Return whether a conditional replacement depends on nothing but the ARNs of resources that keep them.

    CloudFormation says Conditional because it reads attributes only during the update.
    """
    is_conditional = change.action == "Modify" and change.replacement == "Conditional"
    return is_conditional and bool(change.arns_of) and stable.issuperset(change.arns_of)
