"""Builds a job from a SubmitJob request and its job definition.

https://docs.aws.amazon.com/batch/latest/userguide/job_definition_parameters.html
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping

from stepline.localaws.batch.models import Document, Job, JobDefinition, JobQueue
from stepline.localaws.batch.names import Arns
from stepline.localaws.batch.validation import (
    check_container,
    check_retry_strategy,
    check_submission,
    check_timeout,
)

_PLACEHOLDER = re.compile(r"Ref::([A-Za-z0-9_-]+)")


def new_job(params: Document, queue: JobQueue, definition: JobDefinition, *, arns: Arns, now: int) -> Job:
    """Return the job that the request describes. Raises ClientException for an invalid one."""
    check_submission(params, queue, definition)
    parameters = {**definition.document.get("parameters", {}), **params.get("parameters", {})}
    container = _container(definition, params.get("containerOverrides", {}), parameters)
    job_id = str(uuid.uuid4())
    return Job(
        id=job_id,
        arn=arns.of("job", job_id),
        name=params["jobName"],
        queue_arn=queue.arn,
        definition_arn=definition.arn,
        container=container,
        vcpus=float(_resources(container)["VCPU"]),
        created_at=now,
        retry_strategy=_retry_strategy(params, definition),
        timeout_seconds=_timeout_seconds(params, definition),
        parameters=parameters,
        tags={**definition.document.get("tags", {}), **params.get("tags", {})},
    )


def _container(definition: JobDefinition, overrides: Document, parameters: Mapping[str, str]) -> Document:
    properties = definition.document["containerProperties"]
    command = overrides.get("command") or properties.get("command", [])
    environment = _environment(properties) | _environment(overrides)
    resources = _resources(properties) | _resources(overrides)
    container = {
        **properties,
        "command": [_substitute(argument, parameters) for argument in command],
        "environment": [{"name": name, "value": value} for name, value in environment.items()],
        "resourceRequirements": [{"type": kind, "value": value} for kind, value in resources.items()],
    }
    check_container(container)
    return container


def _substitute(argument: str, parameters: Mapping[str, str]) -> str:
    """Replace `Ref::name` by the parameter; an unknown one stays as it is [user guide, "Parameters"]."""
    match = _PLACEHOLDER.fullmatch(argument)
    return parameters.get(match[1], argument) if match else argument


def _environment(properties: Document) -> dict[str, str]:
    return {
        item["name"]: item.get("value", "") for item in properties.get("environment", []) if item.get("name")
    }


def _resources(properties: Document) -> dict[str, str]:
    return {item["type"]: item["value"] for item in properties.get("resourceRequirements", [])}


def _retry_strategy(params: Document, definition: JobDefinition) -> Document:
    source: Document = params.get("retryStrategy") or definition.document.get("retryStrategy") or {}
    strategy = {"attempts": source.get("attempts", 1), "evaluateOnExit": source.get("evaluateOnExit", [])}
    check_retry_strategy(strategy)
    return strategy


def _timeout_seconds(params: Document, definition: JobDefinition) -> int | None:
    timeout: Document = params.get("timeout") or definition.document.get("timeout") or {}
    seconds: int | None = timeout.get("attemptDurationSeconds")
    check_timeout(seconds)
    return seconds
