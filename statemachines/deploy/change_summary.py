"""Says in sentences what a change set that is executed removes or replaces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from statemachines.deploy.change_policy import DangerousChange, Decision
from statemachines.deploy.limits import MAX_CHANGE_SUMMARY_CHARACTERS, MAX_QUOTED_REASON_CHARACTERS
from stepline.core.text import cut, joined, quoted


def summarize(decision: Decision) -> str:
    """Return such as "Replaced, holding nothing: Task (AWS::ECS::TaskDefinition).", or empty text."""
    listed = {
        **_by_loss((change, change.harmless_because) for change in decision.harmless),
        **_by_loss((change, "as allowReplacement allows") for change in decision.allowed),
    }
    if decision.unused:
        names = [quoted(name) for name in decision.unused]
        listed["Not removed or replaced, though allowReplacement names it"] = names
    room = MAX_CHANGE_SUMMARY_CHARACTERS // max(len(listed), 1)
    return " ".join(f"{label}: {joined(names, room - len(label) - 3)}." for label, names in listed.items())


def approved_summary(resources: Sequence[Any], approver: str, reason: str) -> str:
    """Return such as "Replaced, as arn:… approved (we have a copy): Queue (AWS::SQS::Queue)."

    `resources` are those of `changes_to_approve`.
    """
    why = f" ({cut(reason, MAX_QUOTED_REASON_CHARACTERS)})" if reason else ""
    listed: dict[str, list[str]] = {}
    for resource in resources:
        label = f"{resource['loss'].capitalize()}, as {approver} approved{why}"
        listed.setdefault(label, []).append(f"{resource['path']} ({resource['type']})")
    room = MAX_CHANGE_SUMMARY_CHARACTERS // max(len(listed), 1)
    return " ".join(f"{label}: {joined(names, room - len(label) - 3)}." for label, names in listed.items())


def _by_loss(changes: Iterable[tuple[DangerousChange, str]]) -> dict[str, list[str]]:
    """Return "Removed, holding nothing" and such -> the resources."""
    found: dict[str, list[str]] = {}
    for change, why in changes:
        found.setdefault(f"{change.loss.capitalize()}, {why}", []).append(change.resource)
    return found
