"""Interprets the statuses of change sets."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

_NO_CHANGES: Final = (
    "The submitted information didn't contain changes.",
    "No updates are to be performed.",  # of a template with a transform
)
"""A change set without changes has no status of its own: it is FAILED, and its reason begins with one of
these sentences, which is also how the AWS CDK recognizes it. Other reasons may quote them: a macro's error
begins with `Transform NAME failed with:`, that of a nested change set with `Nested change set`, that of a
hook with `The following hook(s) failed:`."""

_RUNNING: Final = frozenset({"CREATE_PENDING", "CREATE_IN_PROGRESS"})
_BEING_DELETED: Final = frozenset(
    {"DELETE_PENDING", "DELETE_IN_PROGRESS", "DELETE_COMPLETE", "DELETE_FAILED"}
)
_EXECUTED: Final = frozenset({"EXECUTE_IN_PROGRESS", "EXECUTE_COMPLETE", "EXECUTE_FAILED"})


class ChangeSetState(StrEnum):
    RUNNING = "running"  # it is being created
    READY = "ready"  # it can be executed
    UNCHANGED = "unchanged"  # the template and the parameters change nothing
    FAILED = "failed"
    INVALID = "invalid"  # it is being deleted, or the stack was changed since
    UNKNOWN = "unknown"  # a status that this version does not know


def change_set_state(status: str, execution_status: str, reason: str) -> ChangeSetState:
    """Interpret `Status`, `ExecutionStatus` and `StatusReason` of DescribeChangeSet.

    All values of `ChangeSetStatus` and `ExecutionStatus` are known [model].
    """
    if status in _RUNNING:
        return ChangeSetState.RUNNING
    if status == "FAILED":
        return ChangeSetState.UNCHANGED if reason.startswith(_NO_CHANGES) else ChangeSetState.FAILED
    if status in _BEING_DELETED or execution_status == "OBSOLETE":
        return ChangeSetState.INVALID
    if status == "CREATE_COMPLETE":
        # It is UNAVAILABLE for a moment only, until CloudFormation has stored it.
        is_available = execution_status != "UNAVAILABLE"
        return ChangeSetState.READY if is_available else ChangeSetState.RUNNING
    return ChangeSetState.UNKNOWN


def is_being_deleted(status: str) -> bool:
    """Return whether the change set was deleted, or will be."""
    return status in _BEING_DELETED


def was_executed(execution_status: str) -> bool:
    """Return whether ExecuteChangeSet was called for a change set with this `ExecutionStatus`."""
    return execution_status in _EXECUTED
