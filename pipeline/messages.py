"""The sentences that the pipeline shows of an execution. Each ends with a link, which is never cut."""

from __future__ import annotations

from pipeline.limits import MAX_FAILURE_MESSAGE_CHARACTERS, MAX_SUMMARY_CHARACTERS
from stepline.core.durations import format_duration
from stepline.core.executions.arns import ExecutionArn
from stepline.core.executions.describe import Execution
from stepline.core.executions.failure import Failure
from stepline.core.executions.progress import Progress
from stepline.core.text import cut


def started_summary(arn: ExecutionArn) -> str:
    return with_link(f"Started {arn.machine}.", arn, MAX_SUMMARY_CHARACTERS)


def running_summary(execution: Execution, progress: Progress, now: float) -> str:
    """Such as `Execute Change Set, running for 2 min 5 s. https://…`, at most 2,048 characters."""
    length = format_duration(_age_seconds(execution, now))
    text = f"Running for {length}." if progress.state is None else f"{progress.state}, running for {length}."
    return with_link(text, execution.arn, MAX_SUMMARY_CHARACTERS)


def succeeded_summary(execution: Execution, remark: str, now: float) -> str:
    text = f"Succeeded within {format_duration(_age_seconds(execution, now))}.{remark}"
    return with_link(text, execution.arn, MAX_SUMMARY_CHARACTERS)


def failure_message(failure: Failure, arn: ExecutionArn) -> str:
    """At most 5,000 characters; the first 250 hold state, error and the beginning of the cause."""
    ended_in = f" (ended in {failure.ended_in})" if failure.ended_in else ""
    story = cut(str(failure), MAX_FAILURE_MESSAGE_CHARACTERS - len(ended_in) - len(arn.link) - 1)
    return with_link(story + ended_in, arn, MAX_FAILURE_MESSAGE_CHARACTERS)


def with_link(text: str, arn: ExecutionArn, max_characters: int) -> str:
    """`text`, cut if need be, and the link, whole."""
    return f"{cut(text, max_characters - len(arn.link) - 1)} {arn.link}"


def _age_seconds(execution: Execution, now: float) -> int:
    return max(int(now - execution.started.timestamp()), 0)
