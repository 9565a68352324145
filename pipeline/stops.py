"""Stops executions whose action the pipeline does not wait for any more: abandoned, cancelled or timed out.

CodePipeline leaves the work of such an action running. Its event has no result, but ListActionExecutions
returns what the action has reported last, and with it the execution.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pipeline.action_parameters import ActionParameters, OnStop
from pipeline.dependencies import Dependencies
from pipeline.errors import ActionParametersError
from pipeline.job_event import PipelineContext
from pipeline.observability import logger
from pipeline.process_job import parse_parameters
from stepline.core.aws_errors import AWS_FAILURES, error_code, failed_call
from stepline.core.executions.arns import ExecutionArn
from stepline.core.executions.describe import describe_execution

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient

STOP_ERROR: Final = "ActionStopped"
"""Error of an execution that was stopped because its action had ended."""

_IN_PROGRESS: Final = "InProgress"
_NOT_FOUND: Final = frozenset({"PipelineNotFoundException", "PipelineExecutionNotFoundException"})


@dataclass(frozen=True)
class ActionRun:
    """What CodePipeline says of a run of an action. `execution`: what it has reported, if anything."""

    id: str
    status: str
    execution: ExecutionArn | None
    configuration: Mapping[str, str]

    @property
    def is_in_progress(self) -> bool:
        return self.status == _IN_PROGRESS


class Stops:
    """Stops the executions of actions that have ended. `is_custom`: not those of a Lambda action."""

    def __init__(self, codepipeline: CodePipelineClient, dependencies: Dependencies) -> None:
        self._codepipeline = codepipeline
        self._dependencies = dependencies

    def action_ended(self, context: PipelineContext, *, is_custom: bool) -> None:
        """Stop what the action has started, if it runs. Raise the errors of `failed_call`."""
        for found in self._executions(context):
            if not found.is_in_progress and found.execution is not None:
                self._stop(found.execution, found, context, is_custom=is_custom)

    def stop_if_ended(self, execution: ExecutionArn, context: PipelineContext) -> bool:
        """Stop `execution` if the custom action that has started it has ended. Return whether it has."""
        found = self._executions(context)
        if not found or found[0].is_in_progress:
            return False
        self._stop(execution, found[0], context, is_custom=True)
        return True

    def is_waiting(self, context: PipelineContext) -> bool:
        """Return whether the action is in progress, and has not reported an execution yet."""
        return any(found.is_in_progress and found.execution is None for found in self._executions(context))

    def _executions(self, context: PipelineContext) -> list[ActionRun]:
        """Return the executions of this action, or all of them if its id is unknown; the newest first."""
        try:
            pages = self._codepipeline.get_paginator("list_action_executions").paginate(
                pipelineName=context.name, filter={"pipelineExecutionId": context.execution_id}
            )
            details = [item for page in pages for item in page["actionExecutionDetails"]]
        except AWS_FAILURES as error:
            if error_code(error) in _NOT_FOUND:
                return []
            raise failed_call("codepipeline:ListActionExecutions", context.name, error) from error
        return [
            _action_run(item)
            for item in details
            if (item["stageName"], item["actionName"]) == (context.stage, context.action)
            and context.action_execution_id in {"", item["actionExecutionId"]}
        ]

    def _stop(
        self, execution: ExecutionArn, found: ActionRun, context: PipelineContext, *, is_custom: bool
    ) -> None:
        if not self._dependencies.settings.allows(execution) or not _is_to_be_stopped(found, is_custom):
            return
        client = self._dependencies.clients.stepfunctions
        described = describe_execution(client, execution)
        if described is None or not described.status.is_open:
            return
        cause = f"the action {context.action} of the pipeline {context.name} has ended: {found.status}"
        try:
            client.stop_execution(executionArn=str(execution), error=STOP_ERROR, cause=cause)
        except AWS_FAILURES as error:
            raise failed_call("states:StopExecution", str(execution), error) from error
        logger.info("Execution stopped", extra={"execution_arn": str(execution), "status": found.status})


def _is_to_be_stopped(found: ActionRun, is_custom: bool) -> bool:
    try:
        parameters = parse_parameters(found.configuration, is_custom=is_custom)
    except ActionParametersError:
        parameters = ActionParameters()
    return parameters.on_stop is OnStop.STOP


def _action_run(item: Any) -> ActionRun:
    given = item.get("input", {})
    result = item.get("output", {}).get("executionResult", {})
    return ActionRun(
        id=item["actionExecutionId"],
        status=item["status"],
        execution=ExecutionArn.parse(result.get("externalExecutionId", "")),
        configuration=given.get("resolvedConfiguration") or given.get("configuration") or {},
    )
