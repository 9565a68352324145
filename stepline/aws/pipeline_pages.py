"""Lists the executions of a pipeline a page at a time, and the actions of the latest ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from stepline.aws.pipelines import (
    ActionError,
    Document,
    ExecutionSummary,
    parse_action_error,
    parse_execution_summary,
)
from stepline.aws.statuses import Status
from stepline.core.aws_errors import error_code
from stepline.core.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient

MAX_PAGE_SIZE: Final = 100
"""`maxResults` of ListPipelineExecutions and ListActionExecutions [model]."""


@dataclass(frozen=True)
class ExecutionPage:
    """Executions, the newest first; `next_token` is empty on the last page."""

    executions: tuple[ExecutionSummary, ...]
    next_token: str


@dataclass(frozen=True)
class ActionRecord:
    """One attempt of an action. `external_execution_id` of a manual approval is its token: not kept."""

    id: str
    execution_id: str
    stage: str
    action: str
    provider: str
    status: Status
    started: datetime | None
    updated: datetime | None
    summary: str | None
    external_execution_id: str | None
    error: ActionError | None

    @property
    def ended(self) -> datetime | None:
        return self.updated if self.status.has_ended else None


@dataclass(frozen=True)
class ActionPage:
    """Attempts of actions, the newest first; `next_token` is empty on the last page."""

    actions: tuple[ActionRecord, ...]
    next_token: str


def list_executions(
    codepipeline: CodePipelineClient, pipeline: str, *, size: int, token: str = ""
) -> ExecutionPage:
    """Return up to `size` executions. Raises UsageError for a token that AWS does not accept."""
    response = _list(codepipeline.list_pipeline_executions, pipeline, size, token)
    executions = tuple(parse_execution_summary(each) for each in response["pipelineExecutionSummaries"])
    return ExecutionPage(executions, response.get("nextToken") or "")


def list_actions(
    codepipeline: CodePipelineClient, pipeline: str, *, size: int = MAX_PAGE_SIZE, token: str = ""
) -> ActionPage:
    """Return up to `size` attempts of actions of all executions of the pipeline."""
    response = _list(codepipeline.list_action_executions, pipeline, size, token)
    return ActionPage(
        tuple(_action(each) for each in response["actionExecutionDetails"]), response.get("nextToken") or ""
    )


def _list(operation: Any, pipeline: str, size: int, token: str) -> Mapping[str, Any]:
    arguments = {"pipelineName": pipeline, "maxResults": size} | ({"nextToken": token} if token else {})
    try:
        return operation(**arguments)  # type: ignore[no-any-return]
    except ClientError as error:
        if error_code(error) != "InvalidNextTokenException":
            raise
        raise UsageError("this page of executions has expired: begin again at the first one") from error


def _action(detail: Document) -> ActionRecord:
    result = detail.get("output", {}).get("executionResult", {})
    action_type = detail.get("input", {}).get("actionTypeId", {})
    is_approval = action_type.get("category") == "Approval"
    return ActionRecord(
        id=detail.get("actionExecutionId", ""),
        execution_id=detail["pipelineExecutionId"],
        stage=detail["stageName"],
        action=detail["actionName"],
        provider=action_type.get("provider", ""),
        status=Status.parse(detail.get("status")),
        started=detail.get("startTime"),
        updated=detail.get("lastUpdateTime"),
        summary=result.get("externalExecutionSummary"),
        external_execution_id=None if is_approval else result.get("externalExecutionId"),
        error=parse_action_error(result.get("errorDetails")),
    )
