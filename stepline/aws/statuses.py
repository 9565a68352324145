"""How far something is: pipeline executions, stages, actions, and states of a state machine."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """CodePipeline's statuses of executions, stages and actions [botocore model], with two of our own.

    A value that AWS may add one day reads as UNKNOWN rather than stopping whoever looks.
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
    def of(cls, value: str | None) -> Status:
        """The status that AWS names `value`; AWS leaves it out for what was never started."""
        return cls(value) if value else cls.NOT_STARTED

    @property
    def is_running(self) -> bool:
        return self in {Status.IN_PROGRESS, Status.STOPPING, Status.UNKNOWN}

    @property
    def is_over(self) -> bool:
        return not self.is_running and self is not Status.NOT_STARTED

    @property
    def words(self) -> str:
        """As one says it: `in progress`."""
        return _WORDS.get(self, self.value.lower())


_WORDS = {Status.NOT_STARTED: "not started", Status.IN_PROGRESS: "in progress"}


class VisitStatus(StrEnum):
    """How far one visit of a state of a state machine is."""

    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    CAUGHT = "Caught"  # it failed, and the machine went on by a Catch
    FAILED = "Failed"
    TIMED_OUT = "TimedOut"
    ABORTED = "Aborted"
