"""Reads why a job failed.

A failed `submitJob.sync` has the error States.TaskFailed. Its cause is the job as in DescribeJobs, as JSON.
https://docs.aws.amazon.com/step-functions/latest/dg/connect-batch.html
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Final

from stepline.core import strict_json
from stepline.core.text import cut

MAX_REASON_CHARACTERS: Final = 1_000
"""Of AWS Batch's reason in a message [ours]."""

_TIMED_OUT: Final = "Job attempt duration exceeded timeout"
"""[AWS Batch user guide, "Job timeouts"]"""


class JobFailure(enum.StrEnum):
    """The error with which the execution fails."""

    FAILED = "JobFailedError"
    """The program failed: see its exit code and its log."""

    NOT_STARTED = "JobNotStartedError"
    """The container was not started: check the image, the network and the execution role."""

    TIMED_OUT = "JobTimedOutError"
    """The job exceeded JobTimeoutSeconds."""

    STOPPED = "JobStoppedError"
    """The job was terminated or cancelled."""


@dataclass(frozen=True)
class FailedJob:
    """A failed job. If its program was not started, `exit_code` is None and `log_stream` is empty."""

    id: str
    status_reason: str
    container_reason: str
    exit_code: int | None
    log_stream: str
    attempts: int
    was_stopped: bool

    @property
    def failure(self) -> JobFailure:
        if self.status_reason.startswith(_TIMED_OUT):
            return JobFailure.TIMED_OUT
        if self.was_stopped:
            return JobFailure.STOPPED
        return JobFailure.NOT_STARTED if self.exit_code is None else JobFailure.FAILED

    def describe(self, log_group: str) -> str:
        """Return `<reason>; exit code 1; job <id>; log stream <stream> of <group>`."""
        reasons = [self.status_reason, self.container_reason]
        reason = ": ".join(cut(text, MAX_REASON_CHARACTERS) for text in reasons if text)
        parts = [
            reason or "AWS Batch gave no reason",
            *([] if self.exit_code is None else [f"exit code {self.exit_code}"]),
            *([f"{self.attempts} attempts"] if self.attempts > 1 else []),
            f"job {self.id}",
            *([f"log stream {self.log_stream} of {log_group}"] if self.log_stream else []),
        ]
        return "; ".join(parts)


def read_failed_job(cause: str) -> FailedJob | None:
    """Return the job in a cause, or None if the cause contains no job."""
    try:
        document: Any = strict_json.loads(cause)
    except ValueError:
        return None
    if not isinstance(document, dict) or not isinstance(document.get("JobId"), str):
        return None
    container = document.get("Container")
    container = container if isinstance(container, dict) else {}
    exit_code = container.get("ExitCode")
    attempts = document.get("Attempts")
    return FailedJob(
        id=document["JobId"],
        status_reason=_text(document.get("StatusReason")),
        container_reason=_text(container.get("Reason")),
        exit_code=exit_code if isinstance(exit_code, int) else None,
        log_stream=_text(container.get("LogStreamName")),
        attempts=len(attempts) if isinstance(attempts, list) else 0,
        was_stopped=document.get("IsTerminated") is True or document.get("IsCancelled") is True,
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
