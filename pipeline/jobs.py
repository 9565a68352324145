"""Decides how a job is answered. Always comes to an answer, whatever happens."""

from __future__ import annotations

from pipeline.action import Action
from pipeline.answer import Answer, Continue, Failure
from pipeline.continuation import Continuation, read_token
from pipeline.errors import (
    ExecutionLostError,
    FailureType,
    InternalError,
    TokenError,
    UserParametersError,
    failure_type,
)
from pipeline.job import Job
from pipeline.limits import MAX_FAILURE_MESSAGE_CHARACTERS, MAX_SUMMARY_CHARACTERS
from pipeline.messages import with_link
from pipeline.poll import poll
from pipeline.services import Services
from pipeline.user_parameters import UserParameters, parse_user_parameters
from stepline.core.errors import SteplineError, TransientAwsError
from stepline.core.observability import logger, where
from stepline.core.text import cut


def answer_for(job: Job, services: Services, remaining_seconds: float) -> Answer:
    """The answer to `job`; does everything but give it. Raises nothing."""
    now = int(services.clock())
    try:
        continuation = _continuation(job, services, now)
    except TokenError as error:
        return failure_of(error)
    parameters, problem = _user_parameters(job)
    action = Action(job, parameters, continuation, services, now, remaining_seconds)
    try:
        return _work(action, problem)
    except TransientAwsError as error:
        return _later(action, error)
    except Exception as error:
        return _failed(action, error)


def _continuation(job: Job, services: Services, now: int) -> Continuation:
    if job.continuation_token is None:
        return Continuation(first_job_id=job.id, first_seen=now)
    continuation = read_token(job.continuation_token, now)
    if continuation.execution is not None and not services.settings.allows(continuation.execution):
        raise TokenError(
            "The continuation token names an execution of a state machine that is not on the function's list."
        )
    return continuation


def _user_parameters(job: Job) -> tuple[UserParameters, UserParametersError | None]:
    """Unusable ones are no reason to forget an execution that was started."""
    try:
        return parse_user_parameters(job.user_parameters), None
    except UserParametersError as error:
        return UserParameters(), error


def _work(action: Action, problem: UserParametersError | None) -> Answer:
    if action.continuation.execution is not None:
        return poll(action, action.continuation.execution)
    if problem is not None:
        raise problem
    from pipeline.start import start  # noqa: PLC0415 - a poll's cold start need not pay for it

    return start(action)


def _later(action: Action, trouble: TransientAwsError) -> Answer:
    """Try again with the next job, as long as there is time."""
    logger.warning("AWS could not be reached", extra=_log_fields(trouble))
    execution = action.continuation.execution
    if not action.may_give_up:
        text = "Not started yet" if execution is None else "Still waiting"
        return Continue(action.continuation, cut(f"{text}: {trouble.message}", MAX_SUMMARY_CHARACTERS))
    what = (
        "It is not known whether the state machine was started."
        if execution is None
        else "The execution may still run: look at it before you retry."
    )
    message = (
        f"AWS could not be reached until the {action.parameters.timeout_minutes} minutes of the action were"
        f" over. {what} {trouble.message}"
    )
    return _failure(FailureType.SYSTEM_UNAVAILABLE, message, action)


def _failed(action: Action, error: Exception) -> Answer:
    """Before a job is failed for which nothing was started, look whether something was after all.

    An earlier delivery may have broken off after the start, and since then the
    credentials may have expired or a setting may have changed.
    """
    from pipeline.start import find_started  # noqa: PLC0415 - a poll's cold start need not pay for it

    problem = _known(error)
    if action.continuation.execution is None and not isinstance(problem, ExecutionLostError):
        try:
            found = find_started(action)
        except TransientAwsError as trouble:
            return _later(action, trouble)
        except ExecutionLostError as lost:
            problem = lost
        except Exception as other:  # it cannot be looked up: what went wrong first is what to tell
            logger.info(
                "Whether an execution exists could not be looked up",
                extra={"error_type": type(other).__name__},
            )
        else:
            if found is not None:
                logger.info("An execution that was started before is adopted")
                return found
    return _failure(failure_type(problem), problem.message, action)


def _log_fields(error: SteplineError) -> dict[str, object]:
    """What a log may hold of an error: not its message, which may quote the event."""
    return {"reason": type(error).__name__, **error.fields}


def _known(error: Exception) -> SteplineError:
    if isinstance(error, SteplineError):
        logger.info("The job cannot succeed", extra=_log_fields(error))
        return error
    logger.error("The trigger failed", extra={"error_type": type(error).__name__, "where": where(error)})
    return InternalError(
        f"The trigger failed with an unexpected {type(error).__name__}; its log says where. This is a bug."
    )


def failure_of(error: SteplineError) -> Failure:
    """The failure of a job of which nothing more is known."""
    return Failure(failure_type(error), error.message)


def _failure(kind: FailureType, message: str, action: Action) -> Failure:
    execution = action.continuation.execution
    if execution is not None:
        message = with_link(message, execution, MAX_FAILURE_MESSAGE_CHARACTERS)
    return Failure(kind, message, execution)
