"""Describes the changes that a person must approve: what happens to each resource, and what causes it.

Property values are never read, because they may be secrets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from statemachines.approvals.setting import NOT_NEEDED, ApprovalSetting
from statemachines.deploy.change_policy import DangerousChange
from statemachines.deploy.limits import MAX_APPROVAL_RESOURCES, MAX_CAUSE_CHARACTERS, MAX_CAUSES
from statemachines.deploy.resource_changes import ChangeDetail
from stepline.core.fields import JsonObject
from stepline.core.text import printable

_SOURCES: Final = {
    "ParameterReference": "the parameter {}",
    "ResourceReference": "the resource {}",
    "ResourceAttribute": "the attribute {}",
}
"""What a CausingEntity is, by `ChangeSource` [model]."""


def changes_to_approve(refused: Sequence[DangerousChange], setting: ApprovalSetting) -> JsonObject:
    """Return `ApprovalSetting.needed` with `"resources": […]` and `"omitted"`, or `NOT_NEEDED`.

    A resource is `{"path", "type", "loss", "effect", "causes": ["property QueueName", …]}`. `omitted` is the
    number of resources that are not listed.
    """
    if not refused:
        return NOT_NEEDED
    return {
        **setting.needed,
        "resources": [_resource(change) for change in refused[:MAX_APPROVAL_RESOURCES]],
        "omitted": max(len(refused) - MAX_APPROVAL_RESOURCES, 0),
    }


def _resource(change: DangerousChange) -> JsonObject:
    details = [detail for detail in change.change.details if detail.recreation != "Never"]
    causes = list(dict.fromkeys(cause for detail in details if (cause := _cause(detail))))
    more = [f"and {len(causes) - MAX_CAUSES} more"] if len(causes) > MAX_CAUSES else []
    return {
        "path": printable(change.path, MAX_CAUSE_CHARACTERS),
        "type": printable(change.resource_type, MAX_CAUSE_CHARACTERS),
        "loss": change.loss.value,
        "effect": printable(change.effect, MAX_CAUSE_CHARACTERS),
        "causes": [*causes[:MAX_CAUSES], *more],
    }


def _cause(detail: ChangeDetail) -> str:
    """Return such as "property QueueName, from the parameter Name"."""
    entity = _SOURCES.get(detail.source, "{}").format(detail.causing_entity) if detail.causing_entity else ""
    parts = [f"property {detail.property_name}" if detail.property_name else "", entity and f"from {entity}"]
    return printable(", ".join(part for part in parts if part), MAX_CAUSE_CHARACTERS)
