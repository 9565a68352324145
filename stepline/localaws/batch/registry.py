"""Compute environments, job queues and job definitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stepline.localaws.batch.errors import client_error, not_supported
from stepline.localaws.batch.model import Document
from stepline.localaws.batch.names import Arns, check_name, short_name

_FARGATE = {"FARGATE", "FARGATE_SPOT"}
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
    """`environments`: names, in the order in which they are to be used."""

    name: str
    arn: str
    state: str
    priority: int
    environments: list[str]
    tags: Mapping[str, str]


@dataclass
class JobDefinition:
    """`document`: as it was registered, in the API's shape."""

    name: str
    arn: str
    revision: int
    document: Document
    is_active: bool = True


@dataclass
class Registry:
    """Where jobs run, and what they are made of. Not safe for threads: the service holds its lock."""

    arns: Arns
    environments: dict[str, ComputeEnvironment] = field(default_factory=dict)
    queues: dict[str, JobQueue] = field(default_factory=dict)
    _definitions: dict[str, list[JobDefinition]] = field(default_factory=dict)

    def create_environment(self, params: Document) -> ComputeEnvironment:
        name = check_name("computeEnvironmentName", params["computeEnvironmentName"])
        if name in self.environments:
            raise client_error("Object already exists")
        resources = dict(params.get("computeResources") or {})
        if params["type"] != "MANAGED" or resources.get("type") not in _FARGATE:
            raise not_supported("compute environments other than MANAGED ones of FARGATE or FARGATE_SPOT")
        environment = ComputeEnvironment(
            name,
            self.arns.of("compute-environment", name),
            params.get("state", "ENABLED"),
            resources,
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

    def delete_environment(self, name: str) -> None:
        environment = self.environment(name)
        if environment.is_enabled:
            raise client_error("Cannot delete, found existing ENABLED compute environment: disable it first")
        if any(environment.name in queue.environments for queue in self.queues.values()):
            raise client_error("Cannot delete, found existing JobQueue relationship")
        del self.environments[environment.name]

    def environment(self, name_or_arn: str) -> ComputeEnvironment:
        name = short_name(name_or_arn)
        if name not in self.environments:
            raise client_error(f"{name_or_arn} does not exist")
        return self.environments[name]

    def create_queue(self, params: Document) -> JobQueue:
        name = check_name("jobQueueName", params["jobQueueName"])
        if name in self.queues:
            raise client_error("Object already exists")
        if params.get("schedulingPolicyArn") or params.get("serviceEnvironmentOrder"):
            raise not_supported("scheduling policies and service environments")
        queue = JobQueue(
            name,
            self.arns.of("job-queue", name),
            params.get("state", "ENABLED"),
            params["priority"],
            self._order(params.get("computeEnvironmentOrder", [])),
            params.get("tags", {}),
        )
        self.queues[name] = queue
        return queue

    def update_queue(self, params: Document) -> JobQueue:
        queue = self.queue(params["jobQueue"])
        queue.state = params.get("state", queue.state)
        queue.priority = params.get("priority", queue.priority)
        if "computeEnvironmentOrder" in params:
            queue.environments = self._order(params["computeEnvironmentOrder"])
        return queue

    def queue(self, name_or_arn: str) -> JobQueue:
        name = short_name(name_or_arn)
        if name not in self.queues:
            raise client_error(f"JobQueue {name_or_arn} not found")
        return self.queues[name]

    def delete_queue(self, name: str) -> JobQueue:
        queue = self.queue(name)
        if queue.state == "ENABLED":
            raise client_error("Cannot delete, found existing ENABLED job queue: disable it first")
        return self.queues.pop(queue.name)

    def register_definition(self, params: Document) -> JobDefinition:
        name = check_name("jobDefinitionName", params["jobDefinitionName"])
        if params["type"] != "container" or "containerProperties" not in params:
            raise not_supported("job definitions without containerProperties")
        if "image" not in params["containerProperties"]:
            raise client_error("Container properties must have an image")
        revisions = self._definitions.setdefault(name, [])
        number = len(revisions) + 1
        document = {member: params[member] for member in _DEFINITION_MEMBERS if member in params}
        arn = self.arns.of("job-definition", f"{name}:{number}")
        revisions.append(JobDefinition(name, arn, number, document))
        return revisions[-1]

    def definition(self, name_or_arn: str) -> JobDefinition:
        """`name:revision`, or the newest active one of `name`."""
        name, _, revision = short_name(name_or_arn).partition(":")
        found = [
            item
            for item in self._definitions.get(name, [])
            if item.is_active and (not revision or str(item.revision) == revision)
        ]
        if not found:
            raise client_error(f"JobDefinition {name_or_arn} not found or not ACTIVE")
        return found[-1]

    def definitions(self) -> list[JobDefinition]:
        return [item for revisions in self._definitions.values() for item in revisions]

    def _order(self, order: list[dict[str, Any]]) -> list[str]:
        ordered = sorted(order, key=lambda item: int(item["order"]))
        if not ordered:
            raise client_error("computeEnvironmentOrder must name a compute environment")
        return [self.environment(item["computeEnvironment"]).name for item in ordered]
