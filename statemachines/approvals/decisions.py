"""Reads what was decided about a request for approval, after the wait for it has ended in whatever way.

IAM: dynamodb:GetItem and UpdateItem on the table. Environment: APPROVALS_TABLE_ARN.
"""

from __future__ import annotations

from datetime import datetime

from statemachines.approvals.errors import ApprovalExpiredError, ApprovalRejectedError
from statemachines.approvals.requests import ApprovalRequest, ApprovalTable, RequestStatus
from stepline.core.errors import TransientAwsError


def decided_request(
    table: ApprovalTable, request_id: str, *, now: datetime, subject: str, consequence: str
) -> ApprovalRequest:
    """Return the request, which is approved or obsolete. One that nobody has answered expires.

    Raise `ApprovalRejectedError` or `ApprovalExpiredError`, whose messages name the `subject`, and say what
    the `consequence` of an expired request is. An expired request cannot be answered later.
    """
    request = table.get(request_id)
    if request is None:
        raise ApprovalExpiredError(
            f"The request for approval {request_id} was never stored, so nobody was asked."
        )
    if request.status in {RequestStatus.APPROVED, RequestStatus.OBSOLETE}:
        return request
    if request.status is RequestStatus.WAITING and not table.decide(request, RequestStatus.EXPIRED, now=now):
        raise TransientAwsError("The request for approval has just been answered.")
    if request.status is RequestStatus.REJECTED:
        reason = f": {request.reason}" if request.reason else "."
        raise ApprovalRejectedError(f"{request.decided_by} rejected {subject}{reason}")
    expired = request.expires_at.isoformat(timespec="seconds")
    raise ApprovalExpiredError(f"Nobody approved {subject} until {expired}. {consequence}")
