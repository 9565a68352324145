"""Check Approval: reads what was decided, after the wait for an approval has ended in whatever way.

IAM: dynamodb:GetItem and UpdateItem on the table.
Environment: APPROVALS_TABLE_ARN.
"""

from __future__ import annotations

from datetime import datetime

from statemachines.deploy import current_time
from statemachines.deploy.approval_requests import ApprovalRequest, ApprovalTable, RequestStatus
from statemachines.deploy.attempt import DeploymentAttempt
from statemachines.deploy.change_sets import change_set_invalid
from statemachines.deploy.change_summary import approved_summary
from statemachines.deploy.errors import ApprovalExpiredError, ApprovalRejectedError
from statemachines.deploy.task import task
from stepline.core import clients
from stepline.core.errors import SteplineError, TransientAwsError
from stepline.core.fields import Fields, JsonObject


@task
def handler(event: Fields) -> JsonObject:
    """Event `{"execution", "changeSet": {"inspection": {"approval": …}}}`.

    Returns `{"decision", "decidedBy", "decidedAt", "reason", "summary"}` of an approval. Raises
    `ApprovalRejectedError`, `ApprovalExpiredError`, or `StackChangedError` if the change set is obsolete.
    """
    table = ApprovalTable.open(clients.dynamodb())
    resources = event.section("changeSet").section("inspection").section("approval").value("resources")
    request = decision(table, DeploymentAttempt.parse(event).approval_id, now=current_time.now())
    return {
        "decision": request.status.value,
        "decidedBy": request.decided_by,
        "decidedAt": request.decided_at,
        "reason": request.reason,
        "summary": approved_summary(resources, request.decided_by, request.reason),
    }


def decision(table: ApprovalTable, request_id: str, *, now: datetime) -> ApprovalRequest:
    """Return the approved request. One that nobody has answered expires: nobody can answer it later."""
    request = table.get(request_id)
    if request is None:
        raise ApprovalExpiredError(
            f"The request for approval {request_id} was never stored, so nobody was asked."
        )
    if request.status is RequestStatus.APPROVED:
        return request
    if request.status is RequestStatus.WAITING and not table.decide(request, RequestStatus.EXPIRED, now=now):
        raise TransientAwsError("The request for approval has just been answered.")
    raise _error(request)


def _error(request: ApprovalRequest) -> SteplineError:
    if request.status is RequestStatus.REJECTED:
        reason = f": {request.reason}" if request.reason else "."
        return ApprovalRejectedError(f"{request.decided_by} rejected the change{reason}")
    if request.status is RequestStatus.OBSOLETE:
        return change_set_invalid()
    expired = request.expires_at.isoformat(timespec="seconds")
    return ApprovalExpiredError(f"Nobody approved the change until {expired}. Nothing was changed.")
