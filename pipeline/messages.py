"""Formats the messages that a pipeline shows. Each ends with a link to the execution, which is never cut."""

from __future__ import annotations

from typing import Final

from pipeline.limits import MAX_FAILURE_MESSAGE_CHARACTERS, MAX_SUMMARY_CHARACTERS
from stepline.core.durations import format_duration
from stepline.core.executions.arns import ExecutionArn
from stepline.core.executions.describe import Execution
from stepline.core.executions.failure import Failure
from stepline.core.executions.progress import Progress
from stepline.core.text import cut

MAY_STILL_RUN: Final = "The execution may still run: check it before you retry."
UNKNOWN_START: Final = "It is not known whether the state machine was started."

STOP_ERROR: Final = "TimeoutMinutesPassed"
"""Error of an execution that was stopped because its timeout had passed."""


def started_summary(arn: ExecutionArn) -> str:
    return with_link(f"Started {arn.machine}.", arn, MAX_SUMMARY_CHARACTERS)


def redriven_summary(arn: ExecutionArn) -> str:
    return with_link(f"Redrove {arn.machine} from the state that failed.", arn, MAX_SUMMARY_CHARACTERS)


def running_summary(execution: Execution, progress: Progress, now: float) -> str:
    """Return text like `Execute Change Set, running for 2 min 5 s. https://…`, at most 2,048 characters."""
    running = f"running for {format_duration(_age_seconds(execution, now))}."
    text = running.capitalize() if progress.state is None else f"{progress.state}, {running}"
    return with_link(text, execution.arn, MAX_SUMMARY_CHARACTERS)


def stopping_summary(arn: ExecutionArn, timeout_minutes: int) -> str:
    text = f"Stop requested after {_minutes(timeout_minutes)}; not stopped yet."
    return with_link(text, arn, MAX_SUMMARY_CHARACTERS)


def stop_cause(timeout_minutes: int) -> str:
    """Return the cause of an execution that was stopped, as Step Functions records it."""
    return f"the execution was stopped because it ran longer than {_minutes(timeout_minutes)}"


def not_stopped_message(arn: ExecutionArn, timeout_minutes: int, seconds: int) -> str:
    """Return the failure of an execution that is still running `seconds` after StopExecution."""
    text = (
        f"{STOP_ERROR}: the execution ran longer than {_minutes(timeout_minutes)}."
        f" Its stop was requested {format_duration(seconds)} ago, and it was still running when last seen:"
        " check it before you retry."
    )
    return with_link(text, arn, MAX_FAILURE_MESSAGE_CHARACTERS)


def succeeded_summary(execution: Execution, remark: str, now: float) -> str:
    end = now if execution.stopped is None else execution.stopped.timestamp()
    text = f"Succeeded within {format_duration(_age_seconds(execution, end))}.{remark}"
    return with_link(text, execution.arn, MAX_SUMMARY_CHARACTERS)


def failure_message(failure: Failure, arn: ExecutionArn) -> str:
    """Return at most 5,000 characters; the first 250 contain state, error and the beginning of the cause."""
    ended_in = f" (ended in {failure.ended_in})" if failure.ended_in else ""
    text = cut(str(failure), MAX_FAILURE_MESSAGE_CHARACTERS - len(ended_in) - len(arn.link) - 1)
    return with_link(text + ended_in, arn, MAX_FAILURE_MESSAGE_CHARACTERS)


def with_link(text: str, arn: ExecutionArn, max_characters: int) -> str:
    """Return `text`, cut if necessary, followed by the complete link."""
    return f"{cut(text, max_characters - len(arn.link) - 1)} {arn.link}"


def not_started_message(timeout_minutes: int) -> str:
    """Return the message if AWS could not be reached to start the execution: a request may have arrived."""
    minutes = _minutes(timeout_minutes)
    return f"AWS could not be reached for {minutes} to start the state machine. {UNKNOWN_START}"


def _minutes(number: int) -> str:
    return "1 minute" if number == 1 else f"{number} minutes"


def _age_seconds(execution: Execution, now: float) -> int:
    return max(int(now - execution.started.timestamp()), 0)
