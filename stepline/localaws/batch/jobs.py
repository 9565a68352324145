"""The life of jobs: they wait for room in a compute environment, run, are tried again, and end.

https://docs.aws.amazon.com/batch/latest/userguide/job_states.html
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from stepline.localaws.batch.errors import client_error
from stepline.localaws.batch.model import (
    JOB_ENDED,
    NOT_STARTED,
    TIMED_OUT,
    Attempt,
    Container,
    Containers,
    Job,
    JobStatus,
    Outcome,
)
from stepline.localaws.batch.names import short_name
from stepline.localaws.batch.registry import ComputeEnvironment, Registry
from stepline.localaws.batch.retries import may_retry
from stepline.localaws.batch.tasks import new_task
from stepline.localaws.batch.views import job_detail
from stepline.localaws.clock import Clock, Timer
from stepline.localaws.events import AwsEvent, EventSink

MAX_KEPT = 2_000
"""Jobs that have ended and are remembered, the newest. AWS remembers them for a week."""

_log = logging.getLogger(__name__)


@dataclass
class _Run:
    """What an attempt occupies while it lasts."""

    environment: ComputeEnvironment
    container: Container
    timer: Timer | None = None


class Jobs:
    """All jobs of the local AWS. Safe to use from several threads."""

    def __init__(
        self, *, clock: Clock, registry: Registry, containers: Containers, events: EventSink
    ) -> None:
        self._clock = clock
        self._registry = registry
        self._containers = containers
        self._events = events
        self._jobs: dict[str, Job] = {}
        self._ended: deque[str] = deque()
        self._runs: dict[str, _Run] = {}
        self._lock = threading.RLock()
        self._outbox: deque[AwsEvent] = deque()
        self._telling = threading.RLock()

    def submit(self, job: Job) -> None:
        with self._changing():
            self._jobs[job.id] = job
        self._clock.call_later(0, lambda: self._enter(job))

    def find(self, job_id: str) -> Job | None:
        return self._jobs.get(short_name(job_id))

    def all(self) -> list[Job]:
        """The newest first."""
        return list(self._jobs.values())[::-1]

    def cancel(self, job_id: str, reason: str) -> None:
        """End a job that has not begun to start; any other goes on."""
        job = self._known(job_id)
        with self._changing():
            if job.status in {JobStatus.SUBMITTED, JobStatus.PENDING, JobStatus.RUNNABLE}:
                job.is_cancelled = True
                self._finish(job, JobStatus.FAILED, reason)

    def terminate(self, job_id: str, reason: str) -> None:
        """End a job, whatever it does; one that has ended stays as it is."""
        job = self._known(job_id)
        self.cancel(job_id, reason)
        with self._changing():
            if job.status.is_final:
                return
            job.is_terminated = True
            job.stop_reason = reason
            run = self._runs.get(job.id)
        if run is not None:
            run.container.stop()

    def schedule(self) -> None:
        """Start what there is room for: queues by priority, then first come, first served."""
        with self._changing():
            waiting = [job for job in self._jobs.values() if job.status is JobStatus.RUNNABLE]
            waiting.sort(key=lambda job: -self._priority(job))
            for job in waiting:
                environment = self._room_for(job)
                if environment is not None:
                    self._start(job, environment)

    def _enter(self, job: Job) -> None:
        with self._changing():
            if job.status.is_final:
                return
            self._move(job, JobStatus.PENDING)
            self._move(job, JobStatus.RUNNABLE)
        self.schedule()

    def _priority(self, job: Job) -> int:
        queue = self._registry.queues.get(short_name(job.queue_arn))
        return queue.priority if queue else 0

    def _room_for(self, job: Job) -> ComputeEnvironment | None:
        """None also for a job that will never fit, or whose queue is gone: it waits, as on AWS."""
        queue = self._registry.queues.get(short_name(job.queue_arn))
        for name in queue.environments if queue else []:
            environment = self._registry.environments.get(name)
            if environment is not None and environment.is_enabled:
                used = sum(
                    self._jobs[job_id].vcpus
                    for job_id, run in self._runs.items()
                    if run.environment is environment
                )
                if used + job.vcpus <= environment.max_vcpus:
                    return environment
        return None

    def _start(self, job: Job, environment: ComputeEnvironment) -> None:
        task = new_task(
            job, environment=environment.name, task_id=uuid.uuid4().hex, number=len(job.attempts) + 1
        )
        attempt = Attempt(task.task_id, task.log_stream)
        job.attempts.append(attempt)
        self._move(job, JobStatus.STARTING)
        container = self._containers.start(
            task,
            on_running=lambda: self._running(job, attempt),
            on_ended=lambda outcome: self._attempt_ended(job, attempt, outcome),
        )
        self._runs[job.id] = _Run(environment, container)

    def _running(self, job: Job, attempt: Attempt) -> None:
        with self._changing():
            attempt.started_at = job.started_at = self._now()
            self._move(job, JobStatus.RUNNING)
            run = self._runs.get(job.id)
            if run is not None and job.timeout_seconds is not None:
                run.timer = self._clock.call_later(job.timeout_seconds, lambda: self._time_out(job, run))

    def _time_out(self, job: Job, run: _Run) -> None:
        with self._changing():
            if self._runs.get(job.id) is not run:
                return
            job.stop_reason = job.stop_reason or TIMED_OUT
        run.container.stop()

    def _attempt_ended(self, job: Job, attempt: Attempt, outcome: Outcome) -> None:
        with self._changing():
            run = self._runs.pop(job.id, None)
            if run is None:  # closed meanwhile
                return
            if run.timer is not None:
                run.timer.cancel()
            attempt.stopped_at = self._now()
            attempt.exit_code, attempt.reason = outcome.exit_code, outcome.reason
            ended = NOT_STARTED if outcome.exit_code is None else JOB_ENDED
            attempt.status_reason = job.stop_reason or ended
            self._conclude(job, attempt)
        self.schedule()

    def _conclude(self, job: Job, attempt: Attempt) -> None:
        """A job that was stopped is not tried again [user guide, "Job timeouts", "Automated job retries"]."""
        if attempt.exit_code == 0 and job.stop_reason is None:
            self._finish(job, JobStatus.SUCCEEDED, attempt.status_reason)
        elif job.stop_reason is None and may_retry(job.retry_strategy, attempt, number=len(job.attempts)):
            self._move(job, JobStatus.RUNNABLE)
        else:
            self._finish(job, JobStatus.FAILED, attempt.status_reason)

    def _finish(self, job: Job, status: JobStatus, reason: str) -> None:
        job.stopped_at = self._now()
        job.status_reason = reason
        self._move(job, status)
        self._ended.append(job.id)
        if len(self._ended) > MAX_KEPT:
            del self._jobs[self._ended.popleft()]

    def _move(self, job: Job, status: JobStatus) -> None:
        job.status = status
        self._outbox.append(
            AwsEvent(
                source="aws.batch",
                detail_type="Batch Job State Change",
                time=self._clock.now(),
                resources=(job.arn,),
                detail=job_detail(job, self._registry.arns),
            )
        )

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Hold the lock; afterwards tell, in order, what has happened: whoever hears it may ask us again."""
        with self._lock:
            yield
        with self._telling:
            while self._outbox:
                event = self._outbox.popleft()
                try:
                    self._events(event)
                except Exception:
                    _log.exception("the state of %s could not be told", event.resources)

    def _known(self, job_id: str) -> Job:
        job = self.find(job_id)
        if job is None:
            raise client_error(f"Job {job_id} does not exist")
        return job

    def _now(self) -> int:
        return int(self._clock.now().timestamp() * 1000)
