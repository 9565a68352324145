"""Which changes are dangerous: those that remove or replace a resource, or may do so.

What is not known is dangerous. Values: `ChangeAction`, `Replacement` and `PolicyAction` of
botocore's model of CloudFormation. The action of a removal is `Remove`, and a `Replacement`
of `Conditional` may turn out to be one.
"""

from __future__ import annotations

from dataclasses import dataclass

from stepline.core.cloudformation.stack_events import STACK_TYPE

_HARMLESS_ACTIONS = frozenset({"Add", "Import", "Modify", "SyncWithActual"})
_KEPT = "Retain"


@dataclass(frozen=True)
class ResourceChange:
    """One change of one resource; absent values are empty. `path` leads into nested stacks."""

    path: str
    resource_type: str
    action: str
    replacement: str
    policy_action: str
    physical_id: str
    change_set_id: str  # of a nested stack: the change set that tells what happens inside

    @property
    def is_nested_stack(self) -> bool:
        return self.resource_type == STACK_TYPE

    def danger(self) -> str | None:
        """What would happen to the resource, as a phrase with its name and type; None if it is safe."""
        what = self._danger()
        return f"{self.path} ({self.resource_type}) {what}" if what else None

    def _danger(self) -> str | None:
        if self.action == "Remove":
            kept = ", though not deleted" if self.policy_action == _KEPT else ""
            return f"would be removed from the stack{kept}"
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
