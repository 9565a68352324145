"""Writes the message that asks people to approve a change of a stack."""

from __future__ import annotations

from collections.abc import Iterator

from statemachines.approvals.mail import Mail
from stepline.core.fields import JsonObject


def mail_of(change: JsonObject, expires_at: str) -> Mail:
    """Return the message about a change. `change` are the members of `AskForApproval`'s description."""
    more = f"- and {change['omitted']} more, which the change set lists"
    return Mail(
        subject=f"Approve a change of the stack {change['stackName']}?",
        head=(
            f"The deployment of the stack {change['stackName']} waits for an approval, because it would "
            "remove or replace resources that hold data or an identity. Nothing has been changed."
        ),
        lines=list(_resources(change)),
        tail=[more] if change["omitted"] else [],
        facts=[
            ("Change set", change["changeSetId"]),
            ("Expires", f"{expires_at}: without an answer, the deployment then fails and changes nothing"),
        ],
    )


def _resources(change: JsonObject) -> Iterator[str]:
    for resource in change["resources"]:
        yield f"- {resource['path']} ({resource['type']}) {resource['effect']}"
        yield from (f"    because of {cause}" for cause in resource["causes"])
