"""Answers a request for approval. Approvers invoke this function; it is no task of the state machine.

IAM: dynamodb:GetItem and UpdateItem on the table; states:DescribeExecution on the executions;
states:SendTaskSuccess; cloudformation:DescribeChangeSet on the stacks that may be deployed.
Environment: APPROVALS_TABLE_ARN.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Self

from botocore.exceptions import ClientError

from statemachines.deploy import current_time
from statemachines.deploy.approval_requests import ApprovalRequest, ApprovalTable, RequestStatus
from statemachines.deploy.approver_identity import Proof, identify
from statemachines.deploy.errors import ApprovalRefusedError
from statemachines.deploy.requesters import Principal
from statemachines.deploy.task import task
from stepline.core import clients
from stepline.core.approvals import MAX_REASON_CHARACTERS, ApprovalAnswer, Decision
from stepline.core.aws_errors import error_code
from stepline.core.cloudformation.change_sets import ChangeSetState, change_set_state
from stepline.core.cloudformation.errors import change_set_does_not_exist, stack_does_not_exist
from stepline.core.fields import Fields, JsonObject
from stepline.core.text import printable

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_sts import STSClient

_ID: Final = re.compile(r"[0-9a-f]{12}-[0-9]{1,3}")
_STATUSES: Final = {Decision.APPROVE: RequestStatus.APPROVED, Decision.REJECT: RequestStatus.REJECTED}
_NOT_WAITING: Final = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})
_TRIES: Final = 3


@dataclass(frozen=True)
class Services:
    table: ApprovalTable
    sts: STSClient
    stepfunctions: SFNClient
    cloudformation: CloudFormationClient


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
        if not _ID.fullmatch(approval_id):
            raise event.wrong("id", "must be the id of a request for approval", approval_id)
        if decision not in set(Decision):
            raise event.wrong("decision", f"must be one of {', '.join(Decision)}", decision)
        reason = event.text_or_none("reason") or ""
        if len(reason) > MAX_REASON_CHARACTERS:
            raise event.problem("reason", f"must have at most {MAX_REASON_CHARACTERS} characters")
        answer = ApprovalAnswer(table_arn, approval_id, Decision(decision), reason)
        return cls(answer, Proof.parse(event.section("proof")))


@task
def handler(event: Fields) -> JsonObject:
    """Event: see `SignedAnswer`. Returns `{"id", "status", "decidedBy", "decidedAt"}`."""
    table = ApprovalTable.open(clients.dynamodb())
    signed = SignedAnswer.parse(event, table.arn)
    services = Services(table, clients.unsigned_sts(), clients.stepfunctions(), clients.cloudformation())
    caller = identify(services.sts, signed.proof, signed.answer)
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
        raise ApprovalRefusedError(_OBSOLETE)
    if request.status is RequestStatus.EXPIRED or request.expires_at <= now:
        raise ApprovalRefusedError(
            f"The request expired at {request.expires_at.isoformat(timespec='seconds')}. Deploy again."
        )
    if answer.decision is Decision.APPROVE:
        _check_caller(request, caller)
    _check_execution(services.stepfunctions, request)
    if answer.decision is Decision.APPROVE:
        _check_change_set(services, request, now)


_OBSOLETE: Final = (
    "The change set is not the latest any more: the stack was changed, or the change set was deleted. The "
    "deployment inspects the stack again, and asks anew if it must."
)


def _check_caller(request: ApprovalRequest, caller: str) -> None:
    if not request.not_by_requester:
        return
    requester, approver = Principal.parse(request.requester), Principal.parse(caller)
    if requester is None:
        raise ApprovalRefusedError(
            "Who asked for this deployment must not approve it, and it is unknown who that is: "
            "nobody can be shown to be another person, so nobody can approve this change. Reject it, and "
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


def _check_change_set(services: Services, request: ApprovalRequest, now: datetime) -> None:
    """Refuse the approval of a change set that cannot be executed; the execution then goes on without it."""
    if _is_executable(services.cloudformation, request):
        return
    if services.table.decide(request, RequestStatus.OBSOLETE, now=now):
        _wake(services.stepfunctions, request)
    raise ApprovalRefusedError(_OBSOLETE)


def _is_executable(cloudformation: CloudFormationClient, request: ApprovalRequest) -> bool:
    try:
        change_set = cloudformation.describe_change_set(
            ChangeSetName=request.change_set_id, StackName=request.stack_id
        )
    except ClientError as error:
        if change_set_does_not_exist(error) or stack_does_not_exist(error):
            return False
        raise
    state = change_set_state(
        change_set["Status"], change_set["ExecutionStatus"], change_set.get("StatusReason", "")
    )
    return state is ChangeSetState.READY and change_set["ExecutionStatus"] == "AVAILABLE"


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
