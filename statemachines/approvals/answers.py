"""Answers a request for approval: checks who answers, stores the answer, and wakes the execution.

IAM: dynamodb:GetItem and UpdateItem on the table; states:DescribeExecution on the executions;
states:SendTaskSuccess. Environment: APPROVALS_TABLE_ARN.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Self

from botocore.exceptions import ClientError

from statemachines.approvals import current_time
from statemachines.approvals.approver_identity import Proof, identify
from statemachines.approvals.errors import ApprovalRefusedError
from statemachines.approvals.requesters import Principal
from statemachines.approvals.requests import ApprovalRequest, ApprovalTable, RequestStatus
from stepline.core import clients
from stepline.core.approvals import MAX_REASON_CHARACTERS, REQUEST_ID, ApprovalAnswer, Decision
from stepline.core.aws_errors import error_code
from stepline.core.fields import Fields, JsonObject
from stepline.core.text import printable

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_STATUSES: Final = {Decision.APPROVE: RequestStatus.APPROVED, Decision.REJECT: RequestStatus.REJECTED}
_NOT_WAITING: Final = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})
_TRIES: Final = 3

ObsoleteCheck = Callable[[ApprovalRequest], str]
"""Returns why what was to be approved is not possible any more; empty if it is possible."""


@dataclass(frozen=True)
class Services:
    table: ApprovalTable
    stepfunctions: SFNClient
    why_obsolete: ObsoleteCheck


@dataclass(frozen=True)
class SignedAnswer:
    """An answer, and the proof of who gives it."""

    answer: ApprovalAnswer
    proof: Proof

    @classmethod
    def parse(cls, event: Fields, table_arn: str) -> Self:
        """Parse `{"id", "decision", "reason"?, "proof": {…}}`. Raise `InvalidInputError`."""
        event.allow_only(("id", "decision", "reason", "proof"))
        approval_id, decision = event.text("id"), event.text("decision")
        if not REQUEST_ID.fullmatch(approval_id):
            raise event.wrong("id", "must be the id of a request for approval", approval_id)
        if decision not in set(Decision):
            raise event.wrong("decision", f"must be one of {', '.join(Decision)}", decision)
        reason = event.text_or_none("reason") or ""
        if len(reason) > MAX_REASON_CHARACTERS:
            raise event.problem("reason", f"must have at most {MAX_REASON_CHARACTERS} characters")
        answer = ApprovalAnswer(table_arn, approval_id, Decision(decision), reason)
        return cls(answer, Proof.parse(event.section("proof")))


def answer_event(event: Fields, why_obsolete: ObsoleteCheck) -> JsonObject:
    """Answer the request. Event: see `SignedAnswer`.

    Returns `{"id", "status", "decidedBy", "decidedAt"}`. Raise `ApprovalRefusedError`.
    """
    table = ApprovalTable.open(clients.dynamodb())
    signed = SignedAnswer.parse(event, table.arn)
    caller = identify(clients.unsigned_sts(), signed.proof, signed.answer)
    services = Services(table, clients.stepfunctions(), why_obsolete)
    request = answer_request(services, signed.answer, caller, now=current_time.now())
    return {
        "id": request.id,
        "status": request.status.value,
        "decidedBy": request.decided_by,
        "decidedAt": request.decided_at,
    }


def answer_request(
    services: Services, answer: ApprovalAnswer, caller: str, *, now: datetime
) -> ApprovalRequest:
    """Store the answer and wake the execution. Return the request with its decision.

    Raise `ApprovalRefusedError`. The same answer of the same caller may be repeated: the first time, the
    execution may not have been woken.
    """
    for _try in range(_TRIES):
        request = _read(services.table, answer.approval_id)
        if request.status is _STATUSES[answer.decision] and request.decided_by == caller:
            _wake(services.stepfunctions, request)
            return request
        _check(services, request, answer, caller, now)
        if services.table.decide(
            request, _STATUSES[answer.decision], now=now, decided_by=caller, reason=_one_line(answer.reason)
        ):
            decided = _read(services.table, answer.approval_id)
            _wake(services.stepfunctions, decided)
            return decided
    raise ApprovalRefusedError("The request was changed meanwhile. Please try again.")


def _read(table: ApprovalTable, request_id: str) -> ApprovalRequest:
    request = table.get(request_id)
    if request is None:
        raise ApprovalRefusedError(f"There is no request for approval {request_id}.")
    return request


def _check(
    services: Services, request: ApprovalRequest, answer: ApprovalAnswer, caller: str, now: datetime
) -> None:
    """Raise `ApprovalRefusedError` if the request cannot be answered so, or any more."""
    if request.status in {RequestStatus.APPROVED, RequestStatus.REJECTED}:
        verb = request.status.lower()
        raise ApprovalRefusedError(f"{request.decided_by} has already {verb} this, at {request.decided_at}.")
    if request.status is RequestStatus.OBSOLETE:
        raise ApprovalRefusedError(services.why_obsolete(request) or _OBSOLETE)
    if request.status is RequestStatus.EXPIRED or request.expires_at <= now:
        raise ApprovalRefusedError(
            f"The request expired at {request.expires_at.isoformat(timespec='seconds')}. Deploy again."
        )
    if answer.decision is Decision.APPROVE:
        _check_caller(request, caller)
    _check_execution(services.stepfunctions, request)
    if answer.decision is Decision.APPROVE:
        _check_subject(services, request, now)


_OBSOLETE: Final = "What was to be approved is not possible any more."


def _check_caller(request: ApprovalRequest, caller: str) -> None:
    if not request.not_by_requester:
        return
    requester, approver = Principal.parse(request.requester), Principal.parse(caller)
    if requester is None:
        raise ApprovalRefusedError(
            "Who asked for this deployment must not approve it, and it is unknown who that is: "
            "nobody can be shown to be another person, so nobody can approve it. Reject it, and "
            "start the pipeline with StartPipelineExecution."
        )
    if approver is None or not approver.is_certainly_another_than(requester):
        raise ApprovalRefusedError(
            f"Who asked for this deployment must not approve it. It was {request.requester}, and you are "
            f"{caller}."
        )


def _check_execution(stepfunctions: SFNClient, request: ApprovalRequest) -> None:
    status = stepfunctions.describe_execution(executionArn=request.execution_arn)["status"]
    if status != "RUNNING":
        raise ApprovalRefusedError(f"The deployment does not wait any more: its execution is {status}.")


def _check_subject(services: Services, request: ApprovalRequest, now: datetime) -> None:
    """Refuse the approval of what is not possible any more; the execution then goes on without it."""
    reason = services.why_obsolete(request)
    if not reason:
        return
    if services.table.decide(request, RequestStatus.OBSOLETE, now=now):
        _wake(services.stepfunctions, request)
    raise ApprovalRefusedError(reason)


def _wake(stepfunctions: SFNClient, request: ApprovalRequest) -> None:
    """End the task that waits. It reads the decision itself, so it may have ended before, or be repeated."""
    arguments: dict[str, Any] = {"taskToken": request.task_token, "output": "{}"}
    try:
        stepfunctions.send_task_success(**arguments)
    except ClientError as error:
        if error_code(error) not in _NOT_WAITING:
            raise


def _one_line(reason: str) -> str:
    return printable(reason, MAX_REASON_CHARACTERS)
