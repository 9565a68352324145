"""Runs jobs: they wait for room in a compute environment, run, are retried, and end.

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

from stepline.localaws.batch.events import job_state_change
from stepline.localaws.batch.models import (
    Attempt,
    ComputeEnvironment,
    Container,
    Containers,
    Job,
    JobStatus,
    Outcome,
)
from stepline.localaws.batch.names import short_name
from stepline.localaws.batch.retries import may_retry
from stepline.localaws.batch.store import Store
from stepline.localaws.batch.tasks import new_task
from stepline.localaws.clock import Timer
from stepline.localaws.context import Context
from stepline.localaws.events import AwsEvent

JOB_ENDED = "Essential container in task exited"
"""The `statusReason` of a job whose program has ended, with any exit code [AWS Batch user guide]."""

TIMED_OUT = "Job attempt duration exceeded timeout"
"""The `statusReason` of a job that exceeded its timeout [AWS Batch user guide, "Job timeouts"]."""

NOT_STARTED = "Task failed to start"
"""The `statusReason` of a job whose container was not started; the container's `reason` says why."""

_log = logging.getLogger(__name__)


@dataclass
class _RunningAttempt:
    """The resources that an attempt occupies while it runs."""

    environment: ComputeEnvironment
    container: Container
    timer: Timer | None = None


class Scheduler:
    """Runs the jobs of a store. Safe for threads."""

    def __init__(self, context: Context, store: Store, containers: Containers) -> None:
        self._context = context
        self._store = store
        self._containers = containers
        self._running: dict[str, _RunningAttempt] = {}
        self._lock = threading.RLock()
        self._unpublished: deque[AwsEvent] = deque()
        self._publish_lock = threading.RLock()

    def submit(self, job: Job) -> None:
        with self._transaction():
            self._store.jobs[job.id] = job
        self._context.clock.call_later(0, lambda: self._enqueue(job))

    def cancel(self, job_id: str, reason: str) -> None:
        """End a job that has not reached STARTING; any other continues. Raises ClientException."""
        job = self._store.job(job_id)
        with self._transaction():
            if job.status in {JobStatus.SUBMITTED, JobStatus.PENDING, JobStatus.RUNNABLE}:
                job.is_cancelled = True
                self._finish(job, JobStatus.FAILED, reason)

    def terminate(self, job_id: str, reason: str) -> None:
        """End a job in any status; one that has ended stays as it is. Raises ClientException."""
        job = self._store.job(job_id)
        self.cancel(job_id, reason)
        with self._transaction():
            if job.status.is_final:
                return
            job.is_terminated = True
            job.stop_reason = reason
            running = self._running.get(job.id)
        if running is not None:
            running.container.stop()

    def start_jobs(self) -> None:
        """Start the jobs that there is room for, by priority of their queues, then in order of submission."""
        with self._transaction():
            runnable = [job for job in self._store.jobs.values() if job.status is JobStatus.RUNNABLE]
            runnable.sort(key=lambda job: -self._priority(job))
            for job in runnable:
                environment = self._environment_with_room(job)
                if environment is not None:
                    self._start(job, environment)

    def _enqueue(self, job: Job) -> None:
        with self._transaction():
            if job.status.is_final:
                return
            self._set_status(job, JobStatus.PENDING)
            self._set_status(job, JobStatus.RUNNABLE)
        self.start_jobs()

    def _priority(self, job: Job) -> int:
        queue = self._store.queues.get(short_name(job.queue_arn))
        return queue.priority if queue else 0

    def _environment_with_room(self, job: Job) -> ComputeEnvironment | None:
        """Return None also for a job that never fits, or whose queue was deleted: it waits, as on AWS."""
        queue = self._store.queues.get(short_name(job.queue_arn))
        for name in queue.environments if queue else []:
            environment = self._store.environments.get(name)
            if environment is not None and environment.is_enabled:
                used = sum(
                    self._store.jobs[job_id].vcpus
                    for job_id, running in self._running.items()
                    if running.environment is environment
                )
                if used + job.vcpus <= environment.max_vcpus:
                    return environment
        return None

    def _start(self, job: Job, environment: ComputeEnvironment) -> None:
        number = len(job.attempts) + 1
        task = new_task(job, environment=environment.name, task_id=uuid.uuid4().hex, attempt_number=number)
        attempt = Attempt(task.task_id, task.log_stream)
        job.attempts.append(attempt)
        self._set_status(job, JobStatus.STARTING)
        container = self._containers.start(
            task,
            on_running=lambda: self._attempt_started(job, attempt),
            on_ended=lambda outcome: self._attempt_ended(job, attempt, outcome),
        )
        self._running[job.id] = _RunningAttempt(environment, container)

    def _attempt_started(self, job: Job, attempt: Attempt) -> None:
        with self._transaction():
            attempt.started_at = job.started_at = self._now()
            self._set_status(job, JobStatus.RUNNING)
            running = self._running.get(job.id)
            if running is not None and job.timeout_seconds is not None:
                running.timer = self._context.clock.call_later(
                    job.timeout_seconds, lambda: self._time_out(job, running)
                )

    def _time_out(self, job: Job, running: _RunningAttempt) -> None:
        with self._transaction():
            if self._running.get(job.id) is not running:
                return
            job.stop_reason = job.stop_reason or TIMED_OUT
        running.container.stop()

    def _attempt_ended(self, job: Job, attempt: Attempt, outcome: Outcome) -> None:
        with self._transaction():
            running = self._running.pop(job.id, None)
            if running is None:
                return
            if running.timer is not None:
                running.timer.cancel()
            attempt.stopped_at = self._now()
            attempt.exit_code, attempt.reason = outcome.exit_code, outcome.reason
            reason = NOT_STARTED if outcome.exit_code is None else JOB_ENDED
            attempt.status_reason = job.stop_reason or reason
            self._retry_or_finish(job, attempt)
        self.start_jobs()

    def _retry_or_finish(self, job: Job, attempt: Attempt) -> None:
        """A stopped job is not retried [user guide, "Job timeouts", "Automated job retries"]."""
        if attempt.exit_code == 0 and job.stop_reason is None:
            self._finish(job, JobStatus.SUCCEEDED, attempt.status_reason)
        elif job.stop_reason is None and may_retry(
            job.retry_strategy, attempt, attempt_number=len(job.attempts)
        ):
            self._set_status(job, JobStatus.RUNNABLE)
        else:
            self._finish(job, JobStatus.FAILED, attempt.status_reason)

    def _finish(self, job: Job, status: JobStatus, reason: str) -> None:
        job.stopped_at = self._now()
        job.status_reason = reason
        self._set_status(job, status)
        self._store.end_job(job)

    def _set_status(self, job: Job, status: JobStatus) -> None:
        job.status = status
        self._unpublished.append(job_state_change(job, self._store.arns, self._context.clock.now()))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Hold the lock, then publish the events in order: their receivers may call Batch again."""
        with self._lock:
            yield
        with self._publish_lock:
            while self._unpublished:
                event = self._unpublished.popleft()
                try:
                    self._context.events(event)
                except Exception:
                    _log.exception("the event of %s was not published", event.resources)

    def _now(self) -> int:
        return int(self._context.clock.now().timestamp() * 1000)
