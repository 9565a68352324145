"""A change set, and what its creation has come to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from statemachines.deploy.aws_errors import missing_capabilities
from statemachines.deploy.errors import ChangeSetFailedError, StackMovedError
from statemachines.deploy.waiting import Progress
from statemachines.errors import TaskError
from statemachines.fields import Fields, JsonObject
from stepline.core.aws_errors import error_code
from stepline.core.errors import quoted

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_cloudformation.type_defs import DescribeChangeSetOutputTypeDef

# CloudFormation has no status for "this changes nothing": such a change set FAILED, and says why.
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
_RUNNING = frozenset({"CREATE_PENDING", "CREATE_IN_PROGRESS"})
_BEING_DELETED = frozenset({"DELETE_PENDING", "DELETE_IN_PROGRESS", "DELETE_COMPLETE", "DELETE_FAILED"})
_EXECUTED = frozenset({"EXECUTE_IN_PROGRESS", "EXECUTE_COMPLETE", "EXECUTE_FAILED"})


@dataclass(frozen=True)
class ChangeSet:
    """`id` and `stack_id` are ARNs; `stack_policy` is what the stack shall get, empty for what it has.

    The stack is named in every request, although the ARN alone would do: IAM policies are about stacks.
    """

    id: str
    stack_id: str
    stack_policy: str
    progress: Progress

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        return cls(
            id=fields.text("id"),
            stack_id=fields.text("stackId"),
            stack_policy=fields.text_or_empty("stackPolicy"),
            progress=Progress.parse(fields.section("progress")),
        )

    def to_json(self) -> JsonObject:
        return {
            "id": self.id,
            "stackId": self.stack_id,
            "stackPolicy": self.stack_policy,
            "progress": self.progress.to_json(),
        }


class ChangeSetVerdict(StrEnum):
    """What the status task tells the Choice state behind it."""

    RUNNING = "running"
    READY = "ready"
    UNCHANGED = "unchanged"


def judge(status: str, execution_status: str, reason: str) -> ChangeSetVerdict:
    """What a change set's status means; all values of `ChangeSetStatus` and `ExecutionStatus` [model].

    Raises `StackMovedError` if somebody deletes it or has made it obsolete, `MissingCapabilityError`
    (a macro may bring resources that need one), `ChangeSetFailedError`.
    """
    if status in _RUNNING:
        return ChangeSetVerdict.RUNNING
    if status == "FAILED":
        if any(text in reason for text in _NO_CHANGES):
            return ChangeSetVerdict.UNCHANGED
        raise _failure(reason)
    if status in _BEING_DELETED or execution_status == "OBSOLETE":
        raise moved()
    if status == "CREATE_COMPLETE":
        # UNAVAILABLE for a moment only, until CloudFormation has finished writing it down.
        return ChangeSetVerdict.RUNNING if execution_status == "UNAVAILABLE" else ChangeSetVerdict.READY
    raise ChangeSetFailedError(
        f"The change set has the status {quoted(status)}, which this version does not know."
    )


def was_executed(answer: DescribeChangeSetOutputTypeDef) -> bool:
    return answer["ExecutionStatus"] in _EXECUTED


def is_missing(error: ClientError) -> bool:
    return error_code(error) == "ChangeSetNotFound"


def moved() -> StackMovedError:
    return StackMovedError("The change set is no longer valid: the stack was changed by somebody else.")


def _failure(reason: str) -> TaskError:
    return missing_capabilities(reason) or ChangeSetFailedError(reason)
