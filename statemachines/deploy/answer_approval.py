"""Answers a request for approval. Approvers invoke this function; it is no task of the state machine.

IAM: dynamodb:GetItem and UpdateItem on the table; states:DescribeExecution on the executions;
states:SendTaskSuccess; cloudformation:DescribeChangeSet on the stacks that may be deployed; for a change in a
target, sts:AssumeRole and sts:TagSession on its role, and the same for that role.
Environment: APPROVALS_TABLE_ARN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from statemachines.approvals.answers import answer_event
from statemachines.approvals.requests import ApprovalRequest, RequestStatus
from statemachines.deploy.request import find_target
from statemachines.deploy.task import task
from stepline.core import clients
from stepline.core.cloudformation.change_sets import ChangeSetState, change_set_state
from stepline.core.cloudformation.errors import change_set_does_not_exist, stack_does_not_exist
from stepline.core.fields import Fields, JsonObject

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

_OBSOLETE: Final = (
    "The change set is not the latest any more: the stack was changed, or the change set was deleted. The "
    "deployment inspects the stack again, and asks anew if it must."
)


@task
def handler(event: Fields) -> JsonObject:
    """Event: see `SignedAnswer`. Returns `{"id", "status", "decidedBy", "decidedAt"}`."""
    return answer_event(event, _why_obsolete)


def _why_obsolete(request: ApprovalRequest) -> str:
    if request.status is RequestStatus.OBSOLETE:
        return _OBSOLETE
    target = find_target(Fields(request.subject, "the request"))
    cloudformation = clients.cloudformation_of(target.role if target else None)
    return "" if _is_executable(cloudformation, request) else _OBSOLETE


def _is_executable(cloudformation: CloudFormationClient, request: ApprovalRequest) -> bool:
    try:
        change_set = cloudformation.describe_change_set(
            ChangeSetName=request.subject["changeSetId"], StackName=request.subject["stackId"]
        )
    except ClientError as error:
        if change_set_does_not_exist(error) or stack_does_not_exist(error):
            return False
        raise
    state = change_set_state(
        change_set["Status"], change_set["ExecutionStatus"], change_set.get("StatusReason", "")
    )
    return state is ChangeSetState.READY and change_set["ExecutionStatus"] == "AVAILABLE"
