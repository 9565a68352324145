"""What AWS Batch keeps: compute environments, job queues, job definitions, jobs; and what runs a job."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Document = Mapping[str, Any]
"""A part of a request, in the API's shape."""


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


@dataclass
class ComputeEnvironment:
    name: str
    arn: str
    state: str
    resources: dict[str, Any]
    service_role: str
    tags: Mapping[str, str]

    @property
    def max_vcpus(self) -> float:
        return float(self.resources["maxvCpus"])

    @property
    def is_enabled(self) -> bool:
        return self.state == "ENABLED"


@dataclass
class JobQueue:
    """`environments`: the names of compute environments, in order of preference."""

    name: str
    arn: str
    state: str
    priority: int
    environments: list[str]
    tags: Mapping[str, str]

    @property
    def is_enabled(self) -> bool:
        return self.state == "ENABLED"


@dataclass
class JobDefinition:
    """`document`: the definition as registered, in the API's shape."""

    name: str
    arn: str
    revision: int
    document: Document
    is_active: bool = True

    @property
    def status(self) -> str:
        return "ACTIVE" if self.is_active else "INACTIVE"


@dataclass(frozen=True)
class Task:
    """One attempt of a job: all that is needed to run its container.

    `log_options` are those of the `awslogs` driver, the group included. Roles may be empty.
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
    """A container that runs or is being started."""

    def stop(self) -> None:
        """Stop the container: SIGTERM, then SIGKILL after a while. May be called twice."""


class Containers(Protocol):
    """Runs the containers of jobs."""

    def start(
        self, task: Task, *, on_running: Callable[[], None], on_ended: Callable[[Outcome], None]
    ) -> Container:
        """Return at once; `on_ended` is called once, after `on_running` if the program could be started."""

    def close(self) -> None:
        """Kill all containers."""


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
    """A job. Times are in milliseconds since 1970.

    `container` is the job definition's, with overrides and parameters applied, in the API's shape.
    `stop_reason` is set if the job was terminated or timed out.
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
