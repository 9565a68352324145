"""Reads what CodePipeline says of the runs of an action in one pipeline execution: one for each attempt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipeline.job_event import PipelineContext
from stepline.core.action_executions import IN_PROGRESS, list_action_executions
from stepline.core.aws_errors import AWS_FAILURES, failed_call
from stepline.core.executions.arns import ExecutionArn

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient


@dataclass(frozen=True)
class ActionRun:
    """`execution` is what the action has reported last, if anything; `configuration` is its own."""

    id: str
    status: str
    started: datetime | None
    execution: ExecutionArn | None
    configuration: Mapping[str, str]

    @property
    def is_in_progress(self) -> bool:
        return self.status == IN_PROGRESS

    def is_of(self, context: PipelineContext) -> bool:
        """Return whether this is the run of the context, whose id may be unknown."""
        return context.action_execution_id in {"", self.id}


def list_action_runs(codepipeline: CodePipelineClient, context: PipelineContext) -> list[ActionRun]:
    """Return all runs of the action in the pipeline execution, the newest first; none if it does not exist.

    Raise the errors of `failed_call`.
    """
    try:
        details = list_action_executions(
            codepipeline,
            pipeline=context.name,
            execution_id=context.execution_id,
            stage=context.stage,
            action=context.action,
        )
    except AWS_FAILURES as error:
        raise failed_call("codepipeline:ListActionExecutions", context.name, error) from error
    return [_action_run(item) for item in details]


def _action_run(item: Any) -> ActionRun:
    given = item.get("input", {})
    result = item.get("output", {}).get("executionResult", {})
    return ActionRun(
        id=item["actionExecutionId"],
        status=item["status"],
        started=item.get("startTime"),
        execution=ExecutionArn.parse(result.get("externalExecutionId", "")),
        configuration=given.get("resolvedConfiguration") or given.get("configuration") or {},
    )
