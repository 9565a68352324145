"""The operations of AWS Batch."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import ClassVar, TypeVar

from stepline.localaws.batch import responses, validation
from stepline.localaws.batch.errors import ClientException
from stepline.localaws.batch.models import (
    ComputeEnvironment,
    Containers,
    Document,
    Job,
    JobDefinition,
    JobQueue,
    JobStatus,
)
from stepline.localaws.batch.names import Arns, short_name
from stepline.localaws.batch.scheduler import Scheduler
from stepline.localaws.batch.settings import MAX_DESCRIBED_JOBS
from stepline.localaws.batch.store import Store
from stepline.localaws.batch.submission import new_job
from stepline.localaws.context import Context
from stepline.localaws.protocol import Params, RestJsonService

_Resource = TypeVar("_Resource", ComputeEnvironment, JobQueue)


class Batch(RestJsonService):
    """AWS Batch on Fargate: jobs of one container each, which `containers` runs.

    Not supported: array jobs, dependencies, multi-node jobs, EKS, EC2 environments, scheduling policies,
    tagging.
    """

    service_name: ClassVar[str] = "batch"
    validation_error = ClientException

    def __init__(self, context: Context, *, containers: Containers) -> None:
        self._clock = context.clock
        self._store = Store(Arns(context.account_id, context.region))
        self._containers = containers
        self._scheduler = Scheduler(context, self._store, containers)
        self._lock = threading.Lock()

    def close(self) -> None:
        """Kill the running jobs."""
        self._containers.close()

    def create_compute_environment(self, params: Params) -> Params:
        validation.check_compute_environment(params)
        with self._lock:
            environment = self._store.create_environment(params)
        return responses.environment_summary(environment)

    def update_compute_environment(self, params: Params) -> Params:
        with self._lock:
            environment = self._store.update_environment(params)
        self._scheduler.start_jobs()  # there may be room now
        return responses.environment_summary(environment)

    def describe_compute_environments(self, params: Params) -> Params:
        environments = _filter_by_name(self._store.environments.values(), params.get("computeEnvironments"))
        return {"computeEnvironments": [responses.environment_detail(item) for item in environments]}

    def delete_compute_environment(self, params: Params) -> None:
        with self._lock:
            self._store.delete_environment(params["computeEnvironment"])

    def create_job_queue(self, params: Params) -> Params:
        validation.check_job_queue(params)
        with self._lock:
            queue = self._store.create_queue(params)
        return responses.queue_summary(queue)

    def update_job_queue(self, params: Params) -> Params:
        with self._lock:
            queue = self._store.update_queue(params)
        return responses.queue_summary(queue)

    def describe_job_queues(self, params: Params) -> Params:
        queues = _filter_by_name(self._store.queues.values(), params.get("jobQueues"))
        return {"jobQueues": [responses.queue_detail(item, self._store.arns) for item in queues]}

    def delete_job_queue(self, params: Params) -> None:
        """Also terminate the queue's jobs [DeleteJobQueue, API reference]."""
        with self._lock:
            queue = self._store.delete_queue(params["jobQueue"])
        for job in self._store.newest_jobs(queue):
            self._scheduler.terminate(job.id, "Job Queue was deleted")

    def register_job_definition(self, params: Params) -> Params:
        validation.check_job_definition(params)
        with self._lock:
            definition = self._store.register_definition(params)
        return responses.definition_summary(definition)

    def deregister_job_definition(self, params: Params) -> None:
        with self._lock:
            self._store.definition(params["jobDefinition"]).is_active = False

    def describe_job_definitions(self, params: Params) -> Params:
        definitions = [item for item in self._store.definitions() if _is_described(item, params)]
        return {"jobDefinitions": [responses.definition_detail(item) for item in definitions]}

    def submit_job(self, params: Params) -> Params:
        queue = self._store.queue(params["jobQueue"])
        definition = self._store.definition(params["jobDefinition"])
        now = int(self._clock.now().timestamp() * 1000)
        job = new_job(params, queue, definition, arns=self._store.arns, now=now)
        self._scheduler.submit(job)
        return {"jobId": job.id, "jobName": job.name, "jobArn": job.arn}

    def describe_jobs(self, params: Params) -> Params:
        """Unknown jobs are left out [DescribeJobs, API reference]."""
        if len(params["jobs"]) > MAX_DESCRIBED_JOBS:
            raise ClientException(f"jobs may name at most {MAX_DESCRIBED_JOBS}")
        jobs = [job for job_id in params["jobs"] if (job := self._store.find_job(job_id)) is not None]
        return {"jobs": [responses.job_detail(job, self._store.arns) for job in jobs]}

    def list_jobs(self, params: Params) -> Params:
        """List jobs by status or by filters, all on one page."""
        if "jobQueue" not in params:
            raise ClientException("jobQueue is required: array and multi-node jobs are not supported")
        jobs = self._store.newest_jobs(self._store.queue(params["jobQueue"]))
        filters = params.get("filters")
        if filters:
            jobs = [job for job in jobs if all(_matches(job, item) for item in filters)]
        else:
            status = JobStatus(params.get("jobStatus", JobStatus.RUNNING))
            jobs = [job for job in jobs if job.status is status]
        return {"jobSummaryList": [responses.job_summary(job) for job in jobs]}

    def cancel_job(self, params: Params) -> None:
        self._scheduler.cancel(params["jobId"], params["reason"])

    def terminate_job(self, params: Params) -> None:
        self._scheduler.terminate(params["jobId"], params["reason"])


def _filter_by_name(resources: Iterable[_Resource], names: Sequence[str] | None) -> list[_Resource]:
    """Return the resources with these names or ARNs; all if there are none."""
    short_names = {short_name(name) for name in names or ()}
    return [item for item in resources if not short_names or item.name in short_names]


def _is_described(definition: JobDefinition, params: Params) -> bool:
    """Return whether the definition satisfies all criteria of a DescribeJobDefinitions request."""
    named = params.get("jobDefinitions")
    return (
        (named is None or bool({definition.arn, f"{definition.name}:{definition.revision}"} & set(named)))
        and params.get("jobDefinitionName") in {None, definition.name}
        and params.get("status") in {None, definition.status}
    )


def _matches(job: Job, condition: Document) -> bool:
    """Return whether the job matches a filter of ListJobs. The values of a filter are alternatives."""
    name, values = condition["name"], condition["values"]
    if name == "JOB_NAME":
        return any(fnmatchcase(job.name.lower(), value.lower()) for value in values)
    if name == "JOB_DEFINITION":
        definition = short_name(job.definition_arn)
        return any(short_name(value) in {definition, definition.partition(":")[0]} for value in values)
    if name == "BEFORE_CREATED_AT":
        return job.created_at < int(values[0])
    if name == "AFTER_CREATED_AT":
        return job.created_at > int(values[0])
    raise ClientException(f"Invalid filter name {name}")
