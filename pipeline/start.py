"""The first job, or a later one of an action for which nothing could be started yet."""

from __future__ import annotations

from pipeline.action import Action
from pipeline.answer import Answer, Continue
from pipeline.errors import DeadlinePassedError
from pipeline.express import find_express, run_express
from pipeline.limits import MAX_OUTPUT_ARTIFACTS
from pipeline.messages import started_summary
from pipeline.poll import finished
from pipeline.state_input import state_machine_input
from stepline.core.errors import ConfigurationError
from stepline.core.executions.arns import ExecutionArn
from stepline.core.executions.describe import describe_execution
from stepline.core.executions.start import start_execution


def start(action: Action) -> Answer:
    """Start the execution, whose name makes that idempotent; an Express one is waited for.

    Raises the errors of `stepline.core.errors`: whether something runs already is looked up by the caller.
    """
    if action.is_late:
        minutes = action.parameters.timeout_minutes
        raise DeadlinePassedError(
            f"AWS could not be reached for {minutes} minutes to start the state machine."
        )
    machine = action.machine
    _check_output_artifacts(action)
    is_express = action.services.is_express(machine)
    text = state_machine_input(
        action.job, action.parameters, action.continuation.first_job_id, action.services.clients
    )
    if is_express:
        return finished(action, run_express(action, machine, text))
    name = action.continuation.execution_name
    return _started(action, start_execution(action.services.clients.stepfunctions, machine, name, text))


def find_started(action: Action) -> Answer | None:
    """The answer if an earlier delivery of this job started the execution before it broke off."""
    machine = action.machine
    if action.services.is_express(machine):
        execution = find_express(action, machine)
        return None if execution is None else finished(action, execution)
    arn = machine.execution(action.continuation.execution_name)
    found = describe_execution(action.services.clients.stepfunctions, arn)
    return None if found is None else _started(action, arn)


def _check_output_artifacts(action: Action) -> None:
    count = len(action.job.output_artifacts)
    if count > MAX_OUTPUT_ARTIFACTS:
        raise ConfigurationError(
            f"The action has {count} output artifacts; keep one: an execution has one output."
        )


def _started(action: Action, arn: ExecutionArn) -> Continue:
    return Continue(action.started(arn), started_summary(arn))
