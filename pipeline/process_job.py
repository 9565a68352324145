"""Processes a job: starts or polls the action's execution, and always returns a result."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.action import Action
from pipeline.action_parameters import ActionParameters
from pipeline.continuation import Continuation, read_token
from pipeline.dependencies import Dependencies
from pipeline.errors import (
    ActionParametersError,
    DeadlinePassedError,
    ExecutionLostError,
    InternalError,
    TokenError,
    failure_type,
)
from pipeline.job_event import USER_PARAMETERS, Job
from pipeline.job_result import Continue, Failure, JobResult
from pipeline.limits import MAX_FAILURE_MESSAGE_CHARACTERS, MAX_SUMMARY_CHARACTERS
from pipeline.messages import MAY_STILL_RUN, UNKNOWN_START, with_link
from pipeline.observability import logger
from pipeline.poll import poll
from pipeline.user_parameters import parse_user_parameters
from stepline.core.errors import SteplineError, TransientAwsError, code_locations
from stepline.core.executions.arns import ExecutionArn
from stepline.core.failure_types import FailureType
from stepline.core.text import cut


def process_job(job: Job, dependencies: Dependencies, remaining_seconds: float) -> JobResult:
    """Return the job's result, which is not yet reported. Raise nothing."""
    now = int(dependencies.clock())
    try:
        continuation = _continuation(job, dependencies, now)
    except TokenError as error:
        return failure_of(error)
    parameters, parameters_error = read_parameters(job.configuration, is_custom=job.is_custom)
    action = Action(job, parameters, continuation, dependencies, now, remaining_seconds)
    try:
        return _start_or_poll(action, parameters_error)
    except TransientAwsError as error:
        return _retry_later(action, error)
    except Exception as error:
        return _failed(action, error)


def _continuation(job: Job, dependencies: Dependencies, now: int) -> Continuation:
    if job.continuation_token is None:
        return Continuation.of_job(job.id, now)
    continuation = read_token(job.continuation_token, now)
    if continuation.execution is not None and not dependencies.settings.allows(continuation.execution):
        raise TokenError(
            "The continuation token names an execution of a state machine that is not on the function's list."
        )
    return continuation


def read_parameters(
    configuration: Mapping[str, str], *, is_custom: bool
) -> tuple[ActionParameters, ActionParametersError | None]:
    """Return the parameters in the configuration of an action; the defaults and the error if they are wrong.

    An execution that was started is polled, answered and stopped despite an error.
    """
    try:
        return _parse_parameters(configuration, is_custom=is_custom), None
    except ActionParametersError as error:
        return ActionParameters(), error


def _parse_parameters(configuration: Mapping[str, str], *, is_custom: bool) -> ActionParameters:
    if not is_custom:
        return parse_user_parameters(configuration.get(USER_PARAMETERS))
    from pipeline.action_properties import parse_action_properties  # noqa: PLC0415 - only custom actions

    return parse_action_properties(configuration)


def _start_or_poll(action: Action, parameters_error: ActionParametersError | None) -> JobResult:
    if action.continuation.execution is not None:
        return poll(action, action.continuation.execution)
    if parameters_error is not None:
        raise parameters_error
    from pipeline.first_job import start  # noqa: PLC0415 - the cold start of a poll need not import it

    return start(action)


def _retry_later(action: Action, error: TransientAwsError) -> JobResult:
    """Continue the action, so that the next job retries, unless the timeout has passed."""
    logger.warning("AWS could not be reached", extra=_log_fields(error))
    execution = action.continuation.execution
    if not action.may_give_up:
        text = "Not started yet" if execution is None else "Still waiting"
        return Continue(action.continuation, cut(f"{text}: {error.message}", MAX_SUMMARY_CHARACTERS))
    hint = UNKNOWN_START if execution is None else MAY_STILL_RUN
    message = (
        f"AWS could not be reached until the action's timeout of {action.parameters.timeout_minutes} minutes"
        f" had passed. {hint} {error.message}"
    )
    return _failure(FailureType.SYSTEM_UNAVAILABLE, message, action)


def _failed(action: Action, error: Exception) -> JobResult:
    """Return the failure, unless an earlier invocation for this job has started an execution.

    That invocation may have been interrupted after the start; since then the credentials may have expired or
    a setting may have changed.
    """
    from pipeline.first_job import find_started  # noqa: PLC0415 - the cold start of a poll need not import it

    problem = _known(error)
    if action.continuation.execution is None and not isinstance(problem, ExecutionLostError):
        try:
            found = find_started(action)
        except TransientAwsError as transient:
            return _retry_later(action, transient)
        except ExecutionLostError as lost:
            problem = lost
        except Exception as other:  # the first error is the one to report
            logger.info(
                "Could not look up whether the execution exists",
                extra={"error_type": type(other).__name__},
            )
            if isinstance(problem, DeadlinePassedError):  # AWS can be reached, and the execution may run
                problem = _known(other)
        else:
            if found is not None:
                logger.info("Execution of an earlier invocation found")
                return found
    return _failure(failure_type(problem), problem.message, action)


def _log_fields(error: SteplineError) -> dict[str, object]:
    """Return the parts of an error that may be logged: its message may quote the event."""
    return {"reason": type(error).__name__, **error.fields}


def _known(error: Exception) -> SteplineError:
    if isinstance(error, SteplineError):
        logger.info("The job failed", extra=_log_fields(error))
        return error
    name = type(error).__name__
    logger.error("Unexpected error", extra={"error_type": name, "where": code_locations(error)})
    return InternalError(f"The trigger failed with an unexpected {name}; see its log. This is a bug.")


def failure_of(error: SteplineError, execution: ExecutionArn | None = None) -> Failure:
    """Return the failure of a job whose `execution`, if there is one, may still run."""
    if execution is None:
        return Failure(failure_type(error), error.message)
    message = with_link(f"{error.message} {MAY_STILL_RUN}", execution, MAX_FAILURE_MESSAGE_CHARACTERS)
    return Failure(failure_type(error), message, execution)


def _failure(kind: FailureType, message: str, action: Action) -> Failure:
    execution = action.continuation.execution
    if execution is not None:
        message = with_link(message, execution, MAX_FAILURE_MESSAGE_CHARACTERS)
    return Failure(kind, message, execution)
