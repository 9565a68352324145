"""Describes an execution: status, output, error and cause."""

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
    """[model: ExecutionStatus], and UNKNOWN for any value that AWS may add."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    ABORTED = "ABORTED"
    PENDING_REDRIVE = "PENDING_REDRIVE"
    UNKNOWN = "UNKNOWN"  # ours

    @classmethod
    def _missing_(cls, _value: object) -> Status:
        return cls.UNKNOWN

    @property
    def is_open(self) -> bool:
        """Whether the execution is running, or will continue by a redrive, or this is not known."""
        return self in {Status.RUNNING, Status.PENDING_REDRIVE, Status.UNKNOWN}


@dataclass(frozen=True)
class Execution:
    """An execution. `output` is JSON text; `error` and `cause` are set if it did not succeed.

    `stopped` is None as long as it is open, and `redriven` if it was never redriven.
    """

    arn: ExecutionArn
    status: Status
    started: datetime
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    stopped: datetime | None = None
    redriven: datetime | None = None


def describe_execution(client: SFNClient, arn: ExecutionArn) -> Execution | None:
    """Return the execution, or None if it does not exist (yet).

    Raise `TransientAwsError`, `PermissionDeniedError` or `ConfigurationError`.
    """
    try:
        response = client.describe_execution(executionArn=str(arn))
    except AWS_FAILURES as error:
        if error_code(error) == "ExecutionDoesNotExist":
            return None
        raise failed_call("states:DescribeExecution", str(arn), error) from error
    return parse_execution(response, arn)


def parse_execution(response: Any, arn: ExecutionArn) -> Execution:
    """Parse the response of DescribeExecution or StartSyncExecution."""
    return Execution(
        arn=arn,
        status=Status(response["status"]),
        started=response["startDate"],
        output=response.get("output"),
        error=response.get("error"),
        cause=response.get("cause"),
        stopped=response.get("stopDate"),
        redriven=response.get("redriveDate"),
    )
