"""What a request to SubmitJob asks for, checked and merged with its job definition.

https://docs.aws.amazon.com/batch/latest/userguide/job_definition_parameters.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from stepline.localaws.batch.errors import client_error, not_supported
from stepline.localaws.batch.model import Document, Job
from stepline.localaws.batch.names import check_name
from stepline.localaws.batch.registry import JobDefinition, JobQueue

MIN_TIMEOUT_SECONDS = 60
"""Of `attemptDurationSeconds` [JobTimeout, API reference]."""

MAX_ATTEMPTS = 10
"""Of a retry strategy [RetryStrategy, API reference]."""

MAX_OVERRIDE_BYTES = 8192
"""Container overrides of a job, as JSON: those of an ECS RunTask [RunTask, API reference]."""

_UNSUPPORTED = {
    "arrayProperties": "array jobs",
    "dependsOn": "jobs that depend on others",
    "nodeOverrides": "multi-node jobs",
    "eksPropertiesOverride": "jobs on EKS",
    "ecsPropertiesOverride": "jobs with several containers",
    "consumableResourcePropertiesOverride": "consumable resources",
    "shareIdentifier": "fair-share scheduling",
}
_UNSUPPORTED_OF_CONTAINERS = {"volumes": "volumes", "mountPoints": "mount points", "secrets": "secrets"}
_PLACEHOLDER = re.compile(r"Ref::([A-Za-z0-9_-]+)")


def new_job(
    params: Document, queue: JobQueue, definition: JobDefinition, *, job_id: str, arn: str, now: int
) -> Job:
    """The job that the request asks for. Raises ClientException for what Batch, or this one, refuses."""
    check_name("Job name", params["jobName"])
    _refuse(params)
    if queue.state != "ENABLED":
        raise client_error(f"Job Queue {queue.name} is DISABLED, cannot submit jobs to it")
    parameters = {**definition.document.get("parameters", {}), **params.get("parameters", {})}
    container = _container(definition, params.get("containerOverrides", {}), parameters)
    return Job(
        id=job_id,
        arn=arn,
        name=params["jobName"],
        queue_arn=queue.arn,
        definition_arn=definition.arn,
        container=container,
        vcpus=_vcpus(container),
        created_at=now,
        retry_strategy=_retry_strategy(params, definition),
        timeout_seconds=_timeout(params, definition),
        parameters=parameters,
        tags={**definition.document.get("tags", {}), **params.get("tags", {})},
    )


def _refuse(params: Document) -> None:
    for member, what in _UNSUPPORTED.items():
        if params.get(member):
            raise not_supported(what)


def _container(definition: JobDefinition, overrides: Document, parameters: Mapping[str, str]) -> Document:
    own = definition.document["containerProperties"]
    for member, what in _UNSUPPORTED_OF_CONTAINERS.items():
        if own.get(member):
            raise not_supported(what)
    if len(str(overrides).encode()) > MAX_OVERRIDE_BYTES:
        raise client_error(f"Container Overrides length must be at most {MAX_OVERRIDE_BYTES}")
    command = overrides.get("command") or own.get("command", [])
    environment = _by_name(own.get("environment", [])) | _by_name(overrides.get("environment", []))
    resources = _by_type(own) | _by_type(overrides)
    return {
        **own,
        "command": [_filled_in(word, parameters) for word in command],
        "environment": [{"name": name, "value": value} for name, value in environment.items()],
        "resourceRequirements": [{"type": kind, "value": value} for kind, value in resources.items()],
    }


def _filled_in(word: str, parameters: Mapping[str, str]) -> str:
    """`Ref::name` is a parameter; an unknown one stays as it is [user guide, "Parameters"]."""
    found = _PLACEHOLDER.fullmatch(word)
    return parameters.get(found[1], word) if found else word


def _by_name(environment: list[dict[str, str]]) -> dict[str, str]:
    return {item["name"]: item.get("value", "") for item in environment if item.get("name")}


def _by_type(properties: Document) -> dict[str, str]:
    return {item["type"]: item["value"] for item in properties.get("resourceRequirements", [])}


def _vcpus(container: Document) -> float:
    wanted = {item["type"]: item["value"] for item in container["resourceRequirements"]}
    if not {"VCPU", "MEMORY"} <= wanted.keys():
        raise client_error("Fargate jobs need resourceRequirements of type VCPU and MEMORY")
    try:
        return float(wanted["VCPU"])
    except ValueError as error:
        raise client_error(f"VCPU must be a number, but it is {wanted['VCPU']!r}") from error


def _retry_strategy(params: Document, definition: JobDefinition) -> Document:
    own: Any = params.get("retryStrategy") or definition.document.get("retryStrategy") or {}
    attempts = own.get("attempts", 1)
    if not 1 <= attempts <= MAX_ATTEMPTS:
        raise client_error(f"Retry strategy attempts must be from 1 to {MAX_ATTEMPTS}")
    return {"attempts": attempts, "evaluateOnExit": own.get("evaluateOnExit", [])}


def _timeout(params: Document, definition: JobDefinition) -> int | None:
    own: Any = params.get("timeout") or definition.document.get("timeout") or {}
    seconds: int | None = own.get("attemptDurationSeconds")
    if seconds is not None and seconds < MIN_TIMEOUT_SECONDS:
        raise client_error(f"Job timeout must be at least {MIN_TIMEOUT_SECONDS} seconds")
    return seconds
