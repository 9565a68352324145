"""The jobs that wait for a job worker: PollForJobs hands them out, AcknowledgeJob claims one.

https://docs.aws.amazon.com/codepipeline/latest/userguide/actions-create-custom-action.html. A job that was
handed out and not acknowledged in time is handed out again, with a new nonce; AWS does not document after
which time. A nonce is valid once: whoever acknowledges with one that was used or replaced gets
InvalidNonceException.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from stepline.localaws.codepipeline.declarations import ActionType
from stepline.localaws.codepipeline.errors import InvalidNonceException
from stepline.localaws.codepipeline.jobs import Jobs
from stepline.localaws.codepipeline.models import ActionExecution, Job, JobStatus
from stepline.localaws.codepipeline.runtime import Runtime

_DIGITS = "123456789"
_NONCE_DIGITS = 18


class JobQueue:
    """Call every method inside a transaction."""

    def __init__(self, runtime: Runtime, jobs: Jobs) -> None:
        self._runtime = runtime
        self._jobs = jobs
        self._waiting: dict[ActionType, dict[str, Job]] = {}
        self._due: dict[str, datetime] = {}

    def add(self, job: Job) -> None:
        self._waiting.setdefault(job.action.declaration.type, {})[job.id] = job

    def poll(
        self, action_type: ActionType, *, limit: int | None = None, query: Mapping[str, str]
    ) -> list[Job]:
        """Hand out up to `limit` jobs, oldest first, of actions that are configured with `query`."""
        now = self._runtime.now()
        found: list[Job] = []
        for job in self._waiting.get(action_type, {}).values():
            if len(found) == limit:
                break
            if job.is_open and self._due.get(job.id, now) <= now and _matches(job, query):
                found.append(job)
        for job in found:
            job.status = JobStatus.DISPATCHED
            job.nonce = self._runtime.random_text(_DIGITS, _NONCE_DIGITS)
            self._due[job.id] = now + timedelta(seconds=self._runtime.settings.acknowledge_seconds)
        return found

    def acknowledge(self, job_id: str, nonce: str) -> JobStatus:
        """Claim the job and return its status. Raises JobNotFoundException, InvalidNonceException."""
        job = self._jobs.get(job_id)
        if job.nonce is None or job.nonce != nonce:
            raise InvalidNonceException(
                f"The nonce is not the latest one of job '{job_id}', or was used: another job worker may "
                "have claimed the job"
            )
        job.nonce = None
        self._remove(job)
        if job.action.in_progress:
            job.status = JobStatus.IN_PROGRESS
        return job.status

    def discard(self, action: ActionExecution) -> None:
        """Hand out no job of the action any more, because it has ended."""
        for job in list(self._waiting.get(action.declaration.type, {}).values()):
            if job.action is action:
                self._remove(job)
                job.close(JobStatus.FAILED)

    def _remove(self, job: Job) -> None:
        self._waiting.get(job.action.declaration.type, {}).pop(job.id, None)
        self._due.pop(job.id, None)


def _matches(job: Job, query: Mapping[str, str]) -> bool:
    configuration = job.action.resolved_configuration
    return all(configuration.get(key) == value for key, value in query.items())
