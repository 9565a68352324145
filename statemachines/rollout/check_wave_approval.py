"""Check Wave Approval: reads what was decided, after the wait for an approval has ended in whatever way.

IAM: dynamodb:GetItem and UpdateItem on the table. Environment: APPROVALS_TABLE_ARN.
"""

from __future__ import annotations

from statemachines.approvals import current_time
from statemachines.approvals.decisions import decided_request
from statemachines.approvals.errors import ApprovalExpiredError, ApprovalRejectedError
from statemachines.approvals.requests import ApprovalTable
from statemachines.approvals.setting import NOT_NEEDED
from statemachines.rollout.approval import FinishedWave
from statemachines.rollout.limits import MAX_APPROVER_CHARACTERS, MAX_REASON_BYTES
from statemachines.task import task
from stepline.core import clients
from stepline.core.fields import Fields, JsonObject
from stepline.core.text import cut, cut_bytes


@task("rollout")
def handler(event: Fields) -> JsonObject:
    """Event `{"execution": {"id", "startTime"}, "plan", "wave", "progress"}`.

    Returns the data, whose `progress` gets the approval: `{"wave", "approvedBy", "approvedAt", "reason"}`.
    Raises `ApprovalRejectedError` or `ApprovalExpiredError`, which say what happened to each target.
    """
    finished = FinishedWave.parse(event)
    rollout = finished.rollout
    try:
        request = decided_request(
            ApprovalTable.open(clients.dynamodb()),
            finished.approval_id,
            now=current_time.now(),
            subject=rollout.next_name,
            consequence="",
        )
    except (ApprovalExpiredError, ApprovalRejectedError) as error:
        message = error.message.strip().removesuffix(".")
        text = f"The rollout stopped after {rollout.name}: {message}. {rollout.describe()}"
        raise type(error)(text) from error
    approval = {
        "wave": rollout.wave + 2,
        "approvedBy": cut(request.decided_by, MAX_APPROVER_CHARACTERS),
        "approvedAt": request.decided_at,
        "reason": cut_bytes(request.reason, MAX_REASON_BYTES),
    }
    progress = {
        **event.value("progress"),
        "approvals": [*rollout.approvals, approval],
        "approval": NOT_NEEDED,
    }
    return {"plan": event.value("plan"), "wave": event.value("wave"), "progress": progress}
