"""An execution as Step Functions describes it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from stepline.core.aws_errors import AWS_FAILURES, error_code, failed_call
from stepline.core.executions.arns import ExecutionArn

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class Status(enum.StrEnum):
    """[model: ExecutionStatus]"""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    ABORTED = "ABORTED"
    PENDING_REDRIVE = "PENDING_REDRIVE"

    @property
    def is_open(self) -> bool:
        """Whether the execution still runs, or will again."""
        return self in {Status.RUNNING, Status.PENDING_REDRIVE}


@dataclass(frozen=True)
class Execution:
    """`output` is JSON text; `error` and `cause` are those of an execution that did not succeed."""

    arn: ExecutionArn
    status: Status
    started: datetime
    output: str | None = None
    error: str | None = None
    cause: str | None = None


def describe_execution(client: SFNClient, arn: ExecutionArn) -> Execution | None:
    """The execution, or None if Step Functions does not know it (yet).

    Raises `TransientAwsError`, `PermissionDeniedError` or `ConfigurationError`.
    """
    try:
        answer = client.describe_execution(executionArn=str(arn))
    except AWS_FAILURES as error:
        if error_code(error) == "ExecutionDoesNotExist":
            return None
        raise failed_call("states:DescribeExecution", str(arn), error) from error
    return execution_of(answer, arn)


def execution_of(answer: Any, arn: ExecutionArn) -> Execution:
    """From the answer of DescribeExecution or StartSyncExecution."""
    return Execution(
        arn=arn,
        status=Status(answer["status"]),
        started=answer["startDate"],
        output=answer.get("output"),
        error=answer.get("error"),
        cause=answer.get("cause"),
    )
