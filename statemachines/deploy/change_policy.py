"""Decides which changes are dangerous: those that remove or replace a resource, or may do so.

Unknown values are dangerous, too. The values are those of `ChangeAction`, `Replacement` and `PolicyAction` in
botocore's model of CloudFormation. The action of a removal is `Remove`; a `Replacement` of `Conditional` may
become a replacement.
"""

from __future__ import annotations

from dataclasses import dataclass

from stepline.core.cloudformation.stack_events import STACK_TYPE

_HARMLESS_ACTIONS = frozenset({"Add", "Import", "Modify", "SyncWithActual"})
_RETAIN = "Retain"


@dataclass(frozen=True)
class ResourceChange:
    """One change of one resource; absent values are empty. `path` includes the nested stacks."""

    path: str
    resource_type: str
    action: str
    replacement: str
    policy_action: str
    physical_id: str
    change_set_id: str  # of a nested stack: the change set with its changes

    @property
    def is_nested_stack(self) -> bool:
        return self.resource_type == STACK_TYPE

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
