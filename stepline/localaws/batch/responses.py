"""Jobs and resources of AWS Batch in the shapes of the API's responses, without members that are None."""

from __future__ import annotations

from typing import Any

from stepline.localaws.batch.models import Attempt, ComputeEnvironment, Job, JobDefinition, JobQueue
from stepline.localaws.batch.names import Arns

_EMPTY_LISTS = ("volumes", "mountPoints", "ulimits", "secrets")


def job_detail(job: Job, arns: Arns) -> dict[str, Any]:
    """Return an item of DescribeJobs, which is also the detail of the event "Batch Job State Change"."""
    latest = job.attempts[-1] if job.attempts else None
    return _common_members(job) | _present(
        jobQueue=job.queue_arn,
        attempts=[_attempt(item, arns) for item in job.attempts if item.stopped_at is not None],
        retryStrategy=job.retry_strategy,
        dependsOn=[],
        parameters=job.parameters,
        container=_container(job, latest, arns),
        timeout=None if job.timeout_seconds is None else {"attemptDurationSeconds": job.timeout_seconds},
        tags=job.tags or None,
        platformCapabilities=["FARGATE"],
        isCancelled=job.is_cancelled,
        isTerminated=job.is_terminated,
    )


def job_summary(job: Job) -> dict[str, Any]:
    """Return an item of ListJobs."""
    latest = job.attempts[-1] if job.attempts else None
    if latest is None or latest.stopped_at is None:
        return _common_members(job)
    container = _present(exitCode=latest.exit_code, reason=latest.reason or None)
    return _common_members(job) | {"container": container}


def environment_summary(environment: ComputeEnvironment) -> dict[str, Any]:
    return {"computeEnvironmentName": environment.name, "computeEnvironmentArn": environment.arn}


def environment_detail(environment: ComputeEnvironment) -> dict[str, Any]:
    return environment_summary(environment) | {
        "type": "MANAGED",
        "state": environment.state,
        "status": "VALID",
        "statusReason": "ComputeEnvironment Healthy",
        "computeResources": environment.resources,
        "serviceRole": environment.service_role or None,
        "containerOrchestrationType": "ECS",
        "tags": environment.tags,
    }


def queue_summary(queue: JobQueue) -> dict[str, Any]:
    return {"jobQueueName": queue.name, "jobQueueArn": queue.arn}


def queue_detail(queue: JobQueue, arns: Arns) -> dict[str, Any]:
    return queue_summary(queue) | {
        "state": queue.state,
        "status": "VALID",
        "statusReason": "JobQueue Healthy",
        "priority": queue.priority,
        "computeEnvironmentOrder": [
            {"order": number, "computeEnvironment": arns.of("compute-environment", name)}
            for number, name in enumerate(queue.environments, start=1)
        ],
        "tags": queue.tags,
    }


def definition_summary(definition: JobDefinition) -> dict[str, Any]:
    return {
        "jobDefinitionName": definition.name,
        "jobDefinitionArn": definition.arn,
        "revision": definition.revision,
    }


def definition_detail(definition: JobDefinition) -> dict[str, Any]:
    return {
        **definition_summary(definition),
        "status": definition.status,
        "type": "container",
        "containerOrchestrationType": "ECS",
        **definition.document,
    }


def _common_members(job: Job) -> dict[str, Any]:
    return _present(
        jobArn=job.arn,
        jobId=job.id,
        jobName=job.name,
        jobDefinition=job.definition_arn,
        createdAt=job.created_at,
        startedAt=job.started_at,
        stoppedAt=job.stopped_at,
        status=job.status.value,
        statusReason=job.status_reason or None,
    )


def _container(job: Job, latest: Attempt | None, arns: Arns) -> dict[str, Any]:
    container = {**{name: [] for name in _EMPTY_LISTS}, **job.container, "networkInterfaces": []}
    return container if latest is None else container | _container_run(latest, arns)


def _attempt(attempt: Attempt, arns: Arns) -> dict[str, Any]:
    return _present(
        container={**_container_run(attempt, arns), "networkInterfaces": []},
        startedAt=attempt.started_at,
        stoppedAt=attempt.stopped_at,
        statusReason=attempt.status_reason,
    )


def _container_run(attempt: Attempt, arns: Arns) -> dict[str, Any]:
    return _present(
        taskArn=arns.task(attempt.task_id),
        logStreamName=attempt.log_stream if attempt.started_at is not None else None,
        exitCode=attempt.exit_code,
        reason=attempt.reason or None,
    )


def _present(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
