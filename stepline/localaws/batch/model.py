"""What a job is, and what runs it."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Document = Mapping[str, Any]
"""Part of a request, in the API's shape."""

JOB_ENDED = "Essential container in task exited"
"""`statusReason` of a job whose program has ended, whatever its exit code [AWS Batch user guide]."""

TIMED_OUT = "Job attempt duration exceeded timeout"
"""`statusReason` of a job that Batch ended [AWS Batch user guide, "Job timeouts"]."""

NOT_STARTED = "Task failed to start"
"""`statusReason` of a job whose container could not be made; the container's `reason` says why."""


class JobStatus(enum.StrEnum):
    SUBMITTED = "SUBMITTED"
    PENDING = "PENDING"
    RUNNABLE = "RUNNABLE"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"

    @property
    def is_final(self) -> bool:
        return self in {JobStatus.SUCCEEDED, JobStatus.FAILED}


@dataclass(frozen=True)
class Task:
    """One attempt of a job: all that is needed to run its container.

    `log_options` are those of the `awslogs` driver. Roles may be empty.
    """

    job_id: str
    task_id: str
    image: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    job_role_arn: str
    execution_role_arn: str
    log_options: Mapping[str, str]
    log_stream: str


@dataclass(frozen=True)
class Outcome:
    """How a container ended. Without an exit code it was never started, and `reason` says why."""

    exit_code: int | None
    reason: str = ""


class Container(Protocol):
    """A container that runs, or is about to."""

    def stop(self) -> None:
        """End it: SIGTERM, and SIGKILL when it takes too long. May be called twice."""


class Containers(Protocol):
    """What runs the containers of jobs."""

    def start(
        self, task: Task, *, on_running: Callable[[], None], on_ended: Callable[[Outcome], None]
    ) -> Container:
        """Return at once; `on_ended` is called once, after `on_running` if the program could be started."""


@dataclass
class Attempt:
    """`started_at` and `stopped_at` in milliseconds since 1970."""

    task_id: str
    log_stream: str
    started_at: int | None = None
    stopped_at: int | None = None
    exit_code: int | None = None
    reason: str = ""
    status_reason: str = ""


@dataclass
class Job:
    """`container` is the job definition's, with the overrides and parameters filled in, in the API's shape.

    `stop_reason` is set when somebody asked for its end.
    """

    id: str
    arn: str
    name: str
    queue_arn: str
    definition_arn: str
    container: Document
    vcpus: float
    created_at: int
    retry_strategy: Document
    timeout_seconds: int | None
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    status: JobStatus = JobStatus.SUBMITTED
    status_reason: str = ""
    started_at: int | None = None
    stopped_at: int | None = None
    attempts: list[Attempt] = field(default_factory=list)
    stop_reason: str | None = None
    is_cancelled: bool = False
    is_terminated: bool = False
