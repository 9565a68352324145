"""Tells in one message why an execution did not succeed: `<state>: <error>: <cause>`, then the link."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepline.core import strict_json
from stepline.core.aws_errors import AWS_FAILURES
from stepline.core.errors import cut, printable
from stepline.core.executions.describe import Execution, Status
from stepline.core.executions.history import FailedState, failed_state, read_history
from stepline.core.executions.progress import with_link
from stepline.core.limits import MAX_ERROR_CHARACTERS, MAX_FAILURE_MESSAGE_CHARACTERS, MAX_STATE_CHARACTERS

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_WITHOUT_ERROR = {Status.TIMED_OUT: "States.Timeout", Status.ABORTED: "Aborted"}
_WITHOUT_CAUSE = {
    Status.TIMED_OUT: "the execution took longer than the state machine's TimeoutSeconds",
    Status.ABORTED: "the execution was stopped",
}
_MAX_NESTED_CAUSES = 5
"""A cause may quote the cause of an execution that was started by this one, and so on."""


def read_failure(client: SFNClient, execution: Execution) -> str:
    """Why an execution that has ended did not succeed: `failure_message`, with the state from its history."""
    state = None
    if execution.arn.kind == "execution":  # Express executions have no history
        state = read_failed_state(client, execution)
    return failure_message(execution, state)


def failure_message(execution: Execution, state: FailedState | None) -> str:
    """At most 5,000 characters; the first 250 hold state, error and the beginning of the cause."""
    parts = [
        *([printable(state.name, MAX_STATE_CHARACTERS)] if state else []),
        *error_and_cause(execution),
    ]
    link = execution.arn.link
    ended = (
        f" (ended in {printable(state.ended_in, MAX_STATE_CHARACTERS)})" if state and state.ended_in else ""
    )
    story = cut(": ".join(parts), MAX_FAILURE_MESSAGE_CHARACTERS - len(ended) - len(link) - 1)
    return with_link(story + ended, link, MAX_FAILURE_MESSAGE_CHARACTERS)


def error_and_cause(execution: Execution) -> tuple[str, str]:
    """Of an execution that did not succeed: at most 100 and 5,000 characters, neither of them empty."""
    error = execution.error or _WITHOUT_ERROR.get(execution.status, "Failed")
    cause = reduced_cause(execution.cause or "") or _WITHOUT_CAUSE.get(execution.status, "no cause was given")
    return printable(error, MAX_ERROR_CHARACTERS), printable(cause, MAX_FAILURE_MESSAGE_CHARACTERS)


def read_failed_state(client: SFNClient, execution: Execution) -> FailedState | None:
    """None if the history cannot be read: then the message does without."""
    try:
        return failed_state(read_history(client, execution.arn), execution.error)
    except AWS_FAILURES:
        return None


def reduced_cause(cause: str) -> str:
    """The human part of a cause that is JSON; any other cause as it is.

    Lambda's is `{"errorMessage", "errorType", "stackTrace", …}`; that of a nested execution
    has `Error` and `Cause`; Batch and ECS say `StatusReason` or `StoppedReason`.
    """
    for _ in range(_MAX_NESTED_CAUSES):
        inner = _human_part(cause)
        if inner is None:
            break
        cause = inner
    return cause


def _human_part(cause: str) -> str | None:
    if not cause.lstrip().startswith("{"):
        return None
    try:
        document: Any = strict_json.loads(cause)
    except ValueError:
        return None
    for key in ("errorMessage", "Cause", "StatusReason", "StoppedReason"):
        value = document.get(key)
        if isinstance(value, str) and value.strip():
            return value
    return None
