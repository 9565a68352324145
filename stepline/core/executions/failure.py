"""Finds out why an execution failed: the state, the error and the cause."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stepline.core import strict_json
from stepline.core.aws_errors import AWS_FAILURES
from stepline.core.executions.describe import Execution, Status
from stepline.core.executions.history import History, failed_state, read_history
from stepline.core.limits import MAX_CAUSE_CHARACTERS, MAX_ERROR_CHARACTERS, MAX_STATE_CHARACTERS
from stepline.core.text import printable

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_WITHOUT_ERROR = {Status.TIMED_OUT: "States.Timeout", Status.ABORTED: "Aborted"}
_WITHOUT_CAUSE = {
    Status.TIMED_OUT: "the execution took longer than the state machine's TimeoutSeconds",
    Status.ABORTED: "the execution was stopped",
}
_CAUSE_MEMBERS = ("errorMessage", "Cause", "StatusReason", "StoppedReason")
_MAX_NESTED_CAUSES = 5
"""The cause of a nested execution contains the cause of the inner one, and so on [ours]."""


@dataclass(frozen=True)
class Failure:
    """Why an execution failed. `error` has at most 100 characters and `cause` 5,000; neither is empty.

    `state` is None if the history does not show it; `ended_in` is the Fail state that then ended the
    execution, if there was one.
    """

    error: str
    cause: str
    state: str | None = None
    ended_in: str | None = None

    def __str__(self) -> str:
        """`<state>: <error>: <cause>`."""
        return ": ".join(filter(None, (self.state, self.error, self.cause)))


def read_failure(client: SFNClient, execution: Execution) -> Failure:
    """Return the failure of an execution that has ended and did not succeed.

    It has no state if the history cannot be read, or does not exist, as for Express executions.
    """
    history: History = ()
    if not execution.arn.is_express:
        with contextlib.suppress(*AWS_FAILURES):
            history = read_history(client, execution.arn)
    return failure(execution.status, execution.error, execution.cause, history)


def failure(status: Status, error: str | None, cause: str | None, history: History) -> Failure:
    """Return the failure of an execution with this `status`, `error` and `cause`. `history` may be empty."""
    state = failed_state(history, error)
    return Failure(
        error=printable(error or _WITHOUT_ERROR.get(status, "Failed"), MAX_ERROR_CHARACTERS),
        cause=printable(
            readable_cause(cause or "") or _WITHOUT_CAUSE.get(status, "no cause was given"),
            MAX_CAUSE_CHARACTERS,
        ),
        state=_printable_state(state.name) if state else None,
        ended_in=_printable_state(state.ended_in) if state and state.ended_in else None,
    )


def readable_cause(cause: str) -> str:
    """Return the message inside a cause that is JSON, or any other cause unchanged.

    Lambda's cause is `{"errorMessage", "errorType", "stackTrace", …}`; a nested execution's has `Error` and
    `Cause`; those of Batch and ECS have `StatusReason` or `StoppedReason`.
    """
    for _ in range(_MAX_NESTED_CAUSES):
        inner = _message(cause)
        if inner is None:
            break
        cause = inner
    return cause


def _message(cause: str) -> str | None:
    if not cause.lstrip().startswith("{"):
        return None
    try:
        document: Any = strict_json.loads(cause)
    except ValueError:
        return None
    for member in _CAUSE_MEMBERS:
        value = document.get(member)
        if isinstance(value, str) and value.strip():
            return value
    return None


def _printable_state(state: str) -> str:
    return printable(state, MAX_STATE_CHARACTERS)
