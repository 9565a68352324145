"""The local AWS Batch with fake containers, in virtual time, with a job queue and a job definition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from stepline.localaws.batch import Batch
from stepline.localaws.clock import VirtualClock
from stepline.localaws.context import Context
from stepline.localaws.events import AwsEvent
from stepline.localaws.protocol import in_process_client
from tests.localaws.batch.fake_containers import FakeContainers

CONTAINER: dict[str, Any] = {
    "image": "000000000000.dkr.ecr.us-east-1.amazonaws.com/jobs:latest",
    "command": ["--name", "Ref::name"],
    "environment": [{"name": "STAGE", "value": "dev"}],
    "jobRoleArn": "arn:aws:iam::000000000000:role/job",
    "executionRoleArn": "arn:aws:iam::000000000000:role/execution",
    "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}],
    "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/jobs"}},
}


@dataclass
class World:
    max_vcpus: int = 2
    clock: VirtualClock = field(default_factory=VirtualClock)
    events: list[AwsEvent] = field(default_factory=list)
    on_event: Callable[[AwsEvent], object] = lambda _event: None
    containers: FakeContainers = field(init=False)
    batch: Batch = field(init=False)
    client: Any = field(init=False)

    def __post_init__(self) -> None:
        self.containers = FakeContainers(self.clock)
        self.batch = Batch(Context(self.clock, self._publish), containers=self.containers)
        self.client = in_process_client(self.batch)
        self.client.create_compute_environment(
            computeEnvironmentName="environment",
            type="MANAGED",
            computeResources={"type": "FARGATE", "maxvCpus": self.max_vcpus, "subnets": ["subnet-1"]},
        )
        self.create_queue("queue", priority=1)
        self.register(CONTAINER)

    def create_queue(self, name: str, *, priority: int) -> None:
        self.client.create_job_queue(
            jobQueueName=name,
            priority=priority,
            computeEnvironmentOrder=[{"order": 1, "computeEnvironment": "environment"}],
        )

    def register(self, container: dict[str, Any], **members: Any) -> str:
        response = self.client.register_job_definition(
            jobDefinitionName="definition", type="container", containerProperties=container, **members
        )
        return str(response["jobDefinitionArn"])

    def submit(self, name: str = "job", *, queue: str = "queue", **members: Any) -> str:
        response = self.client.submit_job(jobName=name, jobQueue=queue, jobDefinition="definition", **members)
        return str(response["jobId"])

    def job(self, job_id: str) -> dict[str, Any]:
        (job,) = self.client.describe_jobs(jobs=[job_id])["jobs"]
        found: dict[str, Any] = job
        return found

    def statuses(self, job_id: str) -> list[str]:
        """Return the statuses of a job that were published as events, in order."""
        return [event.detail["status"] for event in self.events if event.detail["jobId"] == job_id]

    def _publish(self, event: AwsEvent) -> None:
        self.events.append(event)
        self.on_event(event)
