"""What requests to AWS Batch must satisfy beyond the service model. All checks raise ClientException."""

from __future__ import annotations

import re

from stepline.localaws.batch.errors import ClientException, not_supported
from stepline.localaws.batch.models import Document, JobDefinition, JobQueue
from stepline.localaws.batch.settings import MAX_ATTEMPTS, MAX_OVERRIDE_BYTES, MIN_TIMEOUT_SECONDS

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
"""Names of jobs, queues, job definitions and compute environments [SubmitJob and others, API reference]."""

_FARGATE = {"FARGATE", "FARGATE_SPOT"}
_UNSUPPORTED_OF_JOBS = {
    "arrayProperties": "array jobs",
    "dependsOn": "jobs that depend on others",
    "nodeOverrides": "multi-node jobs",
    "eksPropertiesOverride": "jobs on EKS",
    "ecsPropertiesOverride": "jobs with several containers",
    "consumableResourcePropertiesOverride": "consumable resources",
    "shareIdentifier": "fair-share scheduling",
}
_UNSUPPORTED_OF_CONTAINERS = {"volumes": "volumes", "mountPoints": "mount points", "secrets": "secrets"}


def check_compute_environment(params: Document) -> None:
    _check_name("computeEnvironmentName", params["computeEnvironmentName"])
    resources = params.get("computeResources") or {}
    if params["type"] != "MANAGED" or resources.get("type") not in _FARGATE:
        raise not_supported("compute environments other than MANAGED ones of FARGATE or FARGATE_SPOT")


def check_job_queue(params: Document) -> None:
    _check_name("jobQueueName", params["jobQueueName"])
    if params.get("schedulingPolicyArn") or params.get("serviceEnvironmentOrder"):
        raise not_supported("scheduling policies and service environments")


def check_job_definition(params: Document) -> None:
    _check_name("jobDefinitionName", params["jobDefinitionName"])
    if params["type"] != "container" or "containerProperties" not in params:
        raise not_supported("job definitions without containerProperties")
    if "image" not in params["containerProperties"]:
        raise ClientException("Container properties must have an image")


def check_submission(params: Document, queue: JobQueue, definition: JobDefinition) -> None:
    _check_name("Job name", params["jobName"])
    _check_supported(params, _UNSUPPORTED_OF_JOBS)
    _check_supported(definition.document["containerProperties"], _UNSUPPORTED_OF_CONTAINERS)
    if not queue.is_enabled:
        raise ClientException(f"Job Queue {queue.name} is DISABLED, cannot submit jobs to it")
    if len(str(params.get("containerOverrides", {})).encode()) > MAX_OVERRIDE_BYTES:
        raise ClientException(f"Container Overrides length must be at most {MAX_OVERRIDE_BYTES}")


def check_container(container: Document) -> None:
    """Check a job's container, with its overrides applied."""
    resources = {item["type"]: item["value"] for item in container["resourceRequirements"]}
    if not {"VCPU", "MEMORY"} <= resources.keys():
        raise ClientException("Fargate jobs need resourceRequirements of type VCPU and MEMORY")
    try:
        float(resources["VCPU"])
    except ValueError as error:
        raise ClientException(f"VCPU must be a number, but it is {resources['VCPU']!r}") from error
    driver = container.get("logConfiguration", {}).get("logDriver", "awslogs")
    if driver != "awslogs":
        raise not_supported(f"the log driver {driver}")


def check_retry_strategy(strategy: Document) -> None:
    if not 1 <= strategy["attempts"] <= MAX_ATTEMPTS:
        raise ClientException(f"Retry strategy attempts must be from 1 to {MAX_ATTEMPTS}")


def check_timeout(seconds: int | None) -> None:
    if seconds is not None and seconds < MIN_TIMEOUT_SECONDS:
        raise ClientException(f"Job timeout must be at least {MIN_TIMEOUT_SECONDS} seconds")


def _check_name(member: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ClientException(
            f"{member} {name!r} should match {_NAME.pattern}: "
            "up to 128 letters, digits, hyphens and underscores"
        )


def _check_supported(members: Document, unsupported: Document) -> None:
    for member, feature in unsupported.items():
        if members.get(member):
            raise not_supported(feature)
