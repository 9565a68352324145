"""Lists the state machines of a region, and the executions of one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from stepline.core.aws_errors import error_code
from stepline.core.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

EXECUTION_STATUSES: Final = ("RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE")
"""`ExecutionStatus` [model]."""

_PAGE_SIZE: Final = 50


@dataclass(frozen=True)
class MachineSummary:
    """A state machine; `type` is STANDARD or EXPRESS."""

    arn: str
    name: str
    type: str
    created: datetime


@dataclass(frozen=True)
class MachineExecution:
    """An execution, as ListExecutions has it: without input, output and error."""

    arn: str
    name: str
    status: str
    started: datetime
    ended: datetime | None
    redrives: int


@dataclass(frozen=True)
class ExecutionPage:
    """Executions, the newest first; `next_token` is empty on the last page."""

    executions: tuple[MachineExecution, ...]
    next_token: str


def list_machines(stepfunctions: SFNClient) -> list[MachineSummary]:
    """Return all state machines of the region, sorted by name."""
    pages = stepfunctions.get_paginator("list_state_machines").paginate()
    found = [
        MachineSummary(each["stateMachineArn"], each["name"], each["type"], each["creationDate"])
        for page in pages
        for each in page["stateMachines"]
    ]
    return sorted(found, key=lambda each: each.name)


def list_machine_executions(
    stepfunctions: SFNClient, machine_arn: str, *, status: str = "", token: str = ""
) -> ExecutionPage:
    """Return up to 50 executions of a Standard state machine; all, or those of a status.

    Raises UsageError for a token that AWS does not accept: they are valid for a day.
    """
    arguments: dict[str, Any] = {"stateMachineArn": machine_arn, "maxResults": _PAGE_SIZE}
    if status:
        arguments["statusFilter"] = status
    if token:
        arguments["nextToken"] = token
    try:
        response = stepfunctions.list_executions(**arguments)
    except ClientError as error:
        if error_code(error) != "InvalidToken":
            raise
        raise UsageError("this page of executions has expired: begin again at the first one") from error
    executions = tuple(
        MachineExecution(
            each["executionArn"],
            each["name"],
            each["status"],
            each["startDate"],
            each.get("stopDate"),
            each.get("redriveCount", 0),
        )
        for each in response["executions"]
    )
    return ExecutionPage(executions, response.get("nextToken", ""))
