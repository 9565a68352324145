"""Statuses of pipeline executions, stages and actions, and of the states of a state machine."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """CodePipeline's statuses of executions, stages and actions [botocore model], and two of our own.

    A value that this version does not know becomes UNKNOWN instead of an error.
    """

    NOT_STARTED = "NotStarted"  # ours: AWS leaves the status out
    IN_PROGRESS = "InProgress"
    STOPPING = "Stopping"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    STOPPED = "Stopped"
    SUPERSEDED = "Superseded"
    CANCELLED = "Cancelled"
    ABANDONED = "Abandoned"
    SKIPPED = "Skipped"
    UNKNOWN = "Unknown"  # ours

    @classmethod
    def _missing_(cls, _value: object) -> Status:
        return cls.UNKNOWN

    @classmethod
    def parse(cls, value: str | None) -> Status:
        """Return the status that AWS calls `value`; it is None for what was never started."""
        return cls(value) if value else cls.NOT_STARTED

    @property
    def is_running(self) -> bool:
        return self in {Status.IN_PROGRESS, Status.STOPPING, Status.UNKNOWN}

    @property
    def has_ended(self) -> bool:
        return not self.is_running and self is not Status.NOT_STARTED

    @property
    def label(self) -> str:
        """The status in lower case, with spaces: `in progress`."""
        return {Status.NOT_STARTED: "not started", Status.IN_PROGRESS: "in progress"}.get(self, self.lower())


class VisitStatus(StrEnum):
    """The status of one visit of a state."""

    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    CAUGHT = "Caught"  # it failed, and a Catch continued the execution
    FAILED = "Failed"
    TIMED_OUT = "TimedOut"
    ABORTED = "Aborted"
