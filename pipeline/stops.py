"""Stops executions whose action the pipeline does not wait for any more: abandoned, cancelled or timed out.

CodePipeline leaves the work of such an action running. Its event has no result, but ListActionExecutions
returns what the action has reported last, and with it the execution.
"""

from __future__ import annotations

from typing import Final

from pipeline.action_parameters import OnStop, Retry
from pipeline.action_runs import ActionRun, list_action_runs
from pipeline.dependencies import Dependencies
from pipeline.job_event import PipelineContext
from pipeline.observability import logger
from pipeline.process_job import read_parameters
from stepline.core.aws_errors import AWS_FAILURES, failed_call
from stepline.core.executions.arns import ExecutionArn
from stepline.core.executions.describe import describe_execution

STOP_ERROR: Final = "ActionStopped"
"""Error of an execution that was stopped because its action had ended."""


class Stops:
    """Stops the executions of actions that have ended. `is_custom`: not those of a Lambda action."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._dependencies = dependencies

    def action_ended(self, context: PipelineContext, *, is_custom: bool) -> None:
        """Stop what the action has started, if it runs. Raise the errors of `failed_call`.

        An attempt that is in progress may go on with the execution of the one that has ended.
        """
        runs = self._runs(context)
        others = [run for run in runs if run.is_in_progress]
        if any(run.execution is None and _redrives(run) for run in others):
            return
        watched = {str(run.execution) for run in others}
        for run in runs:
            is_over = run.is_of(context) and not run.is_in_progress
            if is_over and run.execution is not None and str(run.execution) not in watched:
                self._stop(run.execution, run, context, is_custom=is_custom)

    def stop_if_ended(self, execution: ExecutionArn, context: PipelineContext) -> bool:
        """Stop `execution` if the custom action that has started it has ended. Return whether it has."""
        own = [run for run in self._runs(context) if run.is_of(context)]
        if not own or own[0].is_in_progress:
            return False
        self._stop(execution, own[0], context, is_custom=True)
        return True

    def is_in_progress(self, context: PipelineContext) -> bool:
        return any(run.is_in_progress for run in self._runs(context) if run.is_of(context))

    def run_of(self, context: PipelineContext) -> ActionRun | None:
        """Return the action's newest run of the context; None if there is none."""
        return next((run for run in self._runs(context) if run.is_of(context)), None)

    def _runs(self, context: PipelineContext) -> list[ActionRun]:
        return list_action_runs(self._dependencies.clients.codepipeline, context)

    def _stop(
        self, execution: ExecutionArn, run: ActionRun, context: PipelineContext, *, is_custom: bool
    ) -> None:
        if not self._dependencies.settings.allows(execution) or not _is_to_be_stopped(run, is_custom):
            return
        client = self._dependencies.clients.stepfunctions
        described = describe_execution(client, execution)
        if described is None or not described.status.is_open:
            return
        cause = f"the action {context.action} of the pipeline {context.name} has ended: {run.status}"
        try:
            client.stop_execution(executionArn=str(execution), error=STOP_ERROR, cause=cause)
        except AWS_FAILURES as error:
            raise failed_call("states:StopExecution", str(execution), error) from error
        logger.info("Execution stopped", extra={"execution_arn": str(execution), "status": run.status})


def _redrives(run: ActionRun) -> bool:
    parameters, _ = read_parameters(run.configuration, is_custom=True)
    return parameters.retry is Retry.REDRIVE


def _is_to_be_stopped(run: ActionRun, is_custom: bool) -> bool:
    parameters, _ = read_parameters(run.configuration, is_custom=is_custom)
    return parameters.on_stop is OnStop.STOP
