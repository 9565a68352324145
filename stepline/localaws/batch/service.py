"""AWS Batch, served locally: the operations."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any, ClassVar

from botocore.model import OperationModel

from stepline.localaws.batch import views
from stepline.localaws.batch.errors import client_error
from stepline.localaws.batch.jobs import Jobs
from stepline.localaws.batch.model import Containers, Job, JobStatus
from stepline.localaws.batch.names import Arns, short_name
from stepline.localaws.batch.registry import Registry
from stepline.localaws.batch.submission import new_job
from stepline.localaws.batch.tasks import log_options
from stepline.localaws.clock import Clock
from stepline.localaws.events import EventSink
from stepline.localaws.protocol import AwsError, Params, RestJsonService

MAX_DESCRIBED = 100
"""Jobs that one DescribeJobs may name [API reference]."""


class Batch(RestJsonService):
    """AWS Batch on Fargate: container jobs, one container each.

    `containers` runs them. Not served: array jobs, dependencies, multi-node jobs, EKS, EC2 environments,
    scheduling policies, tagging.
    """

    service_name: ClassVar[str] = "batch"

    def __init__(
        self,
        *,
        clock: Clock,
        containers: Containers,
        events: EventSink,
        account_id: str = "000000000000",
        region: str = "us-east-1",
    ) -> None:
        self._clock = clock
        self._registry = Registry(Arns(account_id, region))
        self._jobs = Jobs(clock=clock, registry=self._registry, containers=containers, events=events)
        self._lock = threading.Lock()

    def call(self, operation: OperationModel, document: Any) -> Params | None:
        """Batch calls a value outside of its model a ClientException."""
        try:
            return super().call(operation, document)
        except AwsError as error:
            if error.code == "ValidationException":
                raise client_error(error.message) from error
            raise

    def create_compute_environment(self, params: Params) -> Params:
        with self._lock:
            environment = self._registry.create_environment(params)
        return {"computeEnvironmentName": environment.name, "computeEnvironmentArn": environment.arn}

    def update_compute_environment(self, params: Params) -> Params:
        with self._lock:
            environment = self._registry.update_environment(params)
        self._jobs.schedule()  # there may be room now
        return {"computeEnvironmentName": environment.name, "computeEnvironmentArn": environment.arn}

    def describe_compute_environments(self, params: Params) -> Params:
        found = _named(self._registry.environments.values(), params.get("computeEnvironments"), _name)
        return {"computeEnvironments": [views.environment_detail(item) for item in found]}

    def delete_compute_environment(self, params: Params) -> None:
        with self._lock:
            self._registry.delete_environment(params["computeEnvironment"])

    def create_job_queue(self, params: Params) -> Params:
        with self._lock:
            queue = self._registry.create_queue(params)
        return {"jobQueueName": queue.name, "jobQueueArn": queue.arn}

    def update_job_queue(self, params: Params) -> Params:
        with self._lock:
            queue = self._registry.update_queue(params)
        return {"jobQueueName": queue.name, "jobQueueArn": queue.arn}

    def describe_job_queues(self, params: Params) -> Params:
        found = _named(self._registry.queues.values(), params.get("jobQueues"), _name)
        return {"jobQueues": [views.queue_detail(item, self._registry.arns) for item in found]}

    def delete_job_queue(self, params: Params) -> None:
        """Its jobs end [DeleteJobQueue, API reference]."""
        with self._lock:
            queue = self._registry.delete_queue(params["jobQueue"])
        for job in self._jobs.all():
            if job.queue_arn == queue.arn:
                self._jobs.terminate(job.id, "Job Queue was deleted")

    def register_job_definition(self, params: Params) -> Params:
        with self._lock:
            definition = self._registry.register_definition(params)
        return {
            "jobDefinitionName": definition.name,
            "jobDefinitionArn": definition.arn,
            "revision": definition.revision,
        }

    def deregister_job_definition(self, params: Params) -> None:
        with self._lock:
            self._registry.definition(params["jobDefinition"]).is_active = False

    def describe_job_definitions(self, params: Params) -> Params:
        wanted, name, status = (params.get(key) for key in ("jobDefinitions", "jobDefinitionName", "status"))
        found = [
            item
            for item in self._registry.definitions()
            if wanted is None or {item.arn, f"{item.name}:{item.revision}"} & set(wanted)
        ]
        shown = [views.definition_detail(item) for item in found if name in {None, item.name}]
        return {"jobDefinitions": [item for item in shown if status in {None, item["status"]}]}

    def submit_job(self, params: Params) -> Params:
        job_id = str(uuid.uuid4())
        job = new_job(
            params,
            self._registry.queue(params["jobQueue"]),
            self._registry.definition(params["jobDefinition"]),
            job_id=job_id,
            arn=self._registry.arns.of("job", job_id),
            now=int(self._clock.now().timestamp() * 1000),
        )
        log_options(job)  # refuses now what could not be logged later
        self._jobs.submit(job)
        return {"jobId": job.id, "jobName": job.name, "jobArn": job.arn}

    def describe_jobs(self, params: Params) -> Params:
        """Unknown jobs are left out [DescribeJobs, API reference]."""
        if len(params["jobs"]) > MAX_DESCRIBED:
            raise client_error(f"jobs may name at most {MAX_DESCRIBED}")
        found = [job for job_id in params["jobs"] if (job := self._jobs.find(job_id)) is not None]
        return {"jobs": [views.job_detail(job, self._registry.arns) for job in found]}

    def list_jobs(self, params: Params) -> Params:
        """All on one page; by status, or by one of the filters."""
        if "jobQueue" not in params:
            raise client_error("jobQueue is required: array and multi-node jobs are not served")
        queue = self._registry.queue(params["jobQueue"])
        jobs = [job for job in self._jobs.all() if job.queue_arn == queue.arn]
        filters = params.get("filters")
        if filters:
            jobs = [job for job in jobs if all(_passes(job, item) for item in filters)]
        else:
            status = JobStatus(params.get("jobStatus", JobStatus.RUNNING))
            jobs = [job for job in jobs if job.status is status]
        return {"jobSummaryList": [views.job_summary(job) for job in jobs]}

    def cancel_job(self, params: Params) -> None:
        self._jobs.cancel(params["jobId"], params["reason"])

    def terminate_job(self, params: Params) -> None:
        self._jobs.terminate(params["jobId"], params["reason"])


def _passes(job: Job, condition: Any) -> bool:
    """One of ListJobs's filters; the values of one are alternatives."""
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
    raise client_error(f"Invalid filter name {name}")


def _named(items: Iterable[Any], wanted: Sequence[str] | None, name: Callable[[Any], str]) -> list[Any]:
    """Those with the names or ARNs that are wanted; without a wish, all."""
    names = None if not wanted else {short_name(each) for each in wanted}
    return [item for item in items if names is None or name(item) in names]


def _name(item: Any) -> str:
    return str(item.name)
