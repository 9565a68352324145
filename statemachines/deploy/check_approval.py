"""Check Approval: reads what was decided, after the wait for an approval has ended in whatever way.

IAM: dynamodb:GetItem and UpdateItem on the table.
Environment: APPROVALS_TABLE_ARN.
"""

from __future__ import annotations

from statemachines.approvals import current_time
from statemachines.approvals.decisions import decided_request
from statemachines.approvals.requests import ApprovalTable, RequestStatus
from statemachines.deploy.attempt import DeploymentAttempt
from statemachines.deploy.change_sets import change_set_invalid
from statemachines.deploy.change_summary import approved_summary
from statemachines.deploy.task import task
from stepline.core import clients
from stepline.core.fields import Fields, JsonObject


@task
def handler(event: Fields) -> JsonObject:
    """Event `{"execution", "changeSet": {"inspection": {"approval": …}}}`.

    Returns `{"decision", "decidedBy", "decidedAt", "reason", "summary"}` of an approval. Raises
    `ApprovalRejectedError`, `ApprovalExpiredError`, or `StackChangedError` if the change set is obsolete.
    """
    table = ApprovalTable.open(clients.dynamodb())
    resources = event.section("changeSet").section("inspection").section("approval").value("resources")
    request = decided_request(
        table,
        DeploymentAttempt.parse(event).approval_id,
        now=current_time.now(),
        subject="the change",
        consequence="Nothing was changed.",
    )
    if request.status is RequestStatus.OBSOLETE:
        raise change_set_invalid()
    return {
        "decision": request.status.value,
        "decidedBy": request.decided_by,
        "decidedAt": request.decided_at,
        "reason": request.reason,
        "summary": approved_summary(resources, request.decided_by, request.reason),
    }
