"""Keeps compute environments, job queues, job definitions and jobs."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from stepline.localaws.batch.errors import ClientException
from stepline.localaws.batch.models import ComputeEnvironment, Document, Job, JobDefinition, JobQueue
from stepline.localaws.batch.names import Arns, short_name
from stepline.localaws.batch.settings import MAX_ENDED_JOBS

_DEFINITION_MEMBERS = (
    "parameters",
    "containerProperties",
    "retryStrategy",
    "propagateTags",
    "timeout",
    "tags",
    "platformCapabilities",
)


@dataclass
class Store:
    """All resources, by name. Not safe for threads: callers hold a lock. Methods raise ClientException."""

    arns: Arns
    environments: dict[str, ComputeEnvironment] = field(default_factory=dict)
    queues: dict[str, JobQueue] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    _definitions: dict[str, list[JobDefinition]] = field(default_factory=dict)
    _ended_job_ids: deque[str] = field(default_factory=deque)

    def create_environment(self, params: Document) -> ComputeEnvironment:
        name = params["computeEnvironmentName"]
        _require_unused(name, self.environments)
        environment = ComputeEnvironment(
            name,
            self.arns.of("compute-environment", name),
            params.get("state", "ENABLED"),
            dict(params["computeResources"]),
            params.get("serviceRole", ""),
            params.get("tags", {}),
        )
        self.environments[name] = environment
        return environment

    def update_environment(self, params: Document) -> ComputeEnvironment:
        environment = self.environment(params["computeEnvironment"])
        environment.state = params.get("state", environment.state)
        environment.resources |= params.get("computeResources", {})
        return environment

    def environment(self, name_or_arn: str) -> ComputeEnvironment:
        name = short_name(name_or_arn)
        if name not in self.environments:
            raise ClientException(f"{name_or_arn} does not exist")
        return self.environments[name]

    def delete_environment(self, name: str) -> None:
        environment = self.environment(name)
        if environment.is_enabled:
            raise ClientException(
                "Cannot delete, found existing ENABLED compute environment: disable it first"
            )
        if any(environment.name in queue.environments for queue in self.queues.values()):
            raise ClientException("Cannot delete, found existing JobQueue relationship")
        del self.environments[environment.name]

    def create_queue(self, params: Document) -> JobQueue:
        name = params["jobQueueName"]
        _require_unused(name, self.queues)
        queue = JobQueue(
            name,
            self.arns.of("job-queue", name),
            params.get("state", "ENABLED"),
            params["priority"],
            self._in_order(params.get("computeEnvironmentOrder", [])),
            params.get("tags", {}),
        )
        self.queues[name] = queue
        return queue

    def update_queue(self, params: Document) -> JobQueue:
        queue = self.queue(params["jobQueue"])
        queue.state = params.get("state", queue.state)
        queue.priority = params.get("priority", queue.priority)
        if "computeEnvironmentOrder" in params:
            queue.environments = self._in_order(params["computeEnvironmentOrder"])
        return queue

    def queue(self, name_or_arn: str) -> JobQueue:
        name = short_name(name_or_arn)
        if name not in self.queues:
            raise ClientException(f"JobQueue {name_or_arn} not found")
        return self.queues[name]

    def delete_queue(self, name: str) -> JobQueue:
        queue = self.queue(name)
        if queue.is_enabled:
            raise ClientException("Cannot delete, found existing ENABLED job queue: disable it first")
        return self.queues.pop(queue.name)

    def register_definition(self, params: Document) -> JobDefinition:
        name = params["jobDefinitionName"]
        revisions = self._definitions.setdefault(name, [])
        revision = len(revisions) + 1
        document = {member: params[member] for member in _DEFINITION_MEMBERS if member in params}
        arn = self.arns.of("job-definition", f"{name}:{revision}")
        revisions.append(JobDefinition(name, arn, revision, document))
        return revisions[-1]

    def definition(self, name_or_arn: str) -> JobDefinition:
        """Return the definition `name:revision`, or the newest active one called `name`."""
        name, _, revision = short_name(name_or_arn).partition(":")
        found = [
            item
            for item in self._definitions.get(name, [])
            if item.is_active and (not revision or str(item.revision) == revision)
        ]
        if not found:
            raise ClientException(f"JobDefinition {name_or_arn} not found or not ACTIVE")
        return found[-1]

    def definitions(self) -> list[JobDefinition]:
        return [item for revisions in self._definitions.values() for item in revisions]

    def find_job(self, job_id: str) -> Job | None:
        return self.jobs.get(short_name(job_id))

    def job(self, job_id: str) -> Job:
        job = self.find_job(job_id)
        if job is None:
            raise ClientException(f"Job {job_id} does not exist")
        return job

    def newest_jobs(self, queue: JobQueue) -> list[Job]:
        """Return the jobs of the queue, the newest first."""
        return [job for job in reversed(list(self.jobs.values())) if job.queue_arn == queue.arn]

    def end_job(self, job: Job) -> None:
        """Keep the job as ended, and delete the oldest ended job if there are too many."""
        self._ended_job_ids.append(job.id)
        if len(self._ended_job_ids) > MAX_ENDED_JOBS:
            del self.jobs[self._ended_job_ids.popleft()]

    def _in_order(self, environments: Sequence[Document]) -> list[str]:
        ordered = sorted(environments, key=lambda item: int(item["order"]))
        if not ordered:
            raise ClientException("computeEnvironmentOrder must name a compute environment")
        return [self.environment(item["computeEnvironment"]).name for item in ordered]


def _require_unused(name: str, resources: dict[str, Any]) -> None:
    if name in resources:
        raise ClientException("Object already exists")
