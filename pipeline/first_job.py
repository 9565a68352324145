"""Starts the execution of an action, in its first job or, if AWS could not be reached, in a later one."""

from __future__ import annotations

from pipeline.action import Action
from pipeline.action_parameters import Retry
from pipeline.errors import DeadlinePassedError
from pipeline.execution_input import execution_input
from pipeline.express_execution import find_express_execution, run_express_execution
from pipeline.job_result import Continue, JobResult
from pipeline.limits import MAX_OUTPUT_ARTIFACTS
from pipeline.messages import not_started_message, started_summary
from pipeline.poll import finished
from stepline.core.errors import ConfigurationError
from stepline.core.executions.arns import ExecutionArn
from stepline.core.executions.describe import describe_execution
from stepline.core.executions.start import start_execution


def start(action: Action) -> JobResult:
    """Start the action's execution, or find the one that was started before; wait for an Express execution.

    Raise the errors of `stepline.core.errors`. The caller then checks whether the execution exists.
    """
    if action.timeout_passed:
        raise DeadlinePassedError(not_started_message(action.parameters.timeout_minutes))
    machine = action.machine
    _check_output_artifacts(action)
    if action.job.is_custom and action.parameters.retry is Retry.REDRIVE:
        from pipeline.redrive import redrive_earlier  # noqa: PLC0415 - only if it is asked for

        redriven = redrive_earlier(action)
        if redriven is not None:
            return redriven
    is_express = action.dependencies.is_express(machine)
    text = execution_input(
        action.job,
        action.parameters,
        action.continuation.first_job_id,
        action.dependencies.clients,
        action.large_data,
    )
    if is_express:
        return finished(action, run_express_execution(action, machine, text))
    name = action.continuation.execution_name
    return _started(action, start_execution(action.dependencies.clients.stepfunctions, machine, name, text))


def find_started(action: Action) -> JobResult | None:
    """Return the result if an earlier invocation for this job has started the execution."""
    machine = action.machine
    if action.dependencies.is_express(machine):
        execution = find_express_execution(action, machine)
        return None if execution is None else finished(action, execution)
    arn = machine.execution(action.continuation.execution_name)
    found = describe_execution(action.dependencies.clients.stepfunctions, arn)
    return None if found is None else _started(action, arn)


def _check_output_artifacts(action: Action) -> None:
    count = len(action.job.output_artifacts)
    if count > MAX_OUTPUT_ARTIFACTS:
        raise ConfigurationError(
            f"The action has {count} output artifacts; keep one: an execution has one output."
        )


def _started(action: Action, arn: ExecutionArn) -> Continue:
    return Continue(action.continuation.with_execution(arn, action.now), started_summary(arn))
