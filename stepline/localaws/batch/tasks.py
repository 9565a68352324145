"""Builds the ECS task that runs an attempt of a job."""

from __future__ import annotations

from stepline.localaws.batch.models import Job, Task
from stepline.localaws.batch.names import short_name
from stepline.localaws.batch.settings import DEFAULT_LOG_GROUP


def new_task(job: Job, *, environment: str, task_id: str, attempt_number: int) -> Task:
    """Return the task of an attempt in a compute environment; attempts are numbered from 1.

    Environment variables: user guide, "Job environment variables".
    """
    container = job.container
    definition = short_name(job.definition_arn).partition(":")[0]
    log_options = container.get("logConfiguration", {}).get("options", {})
    prefix = log_options.get("awslogs-stream-prefix", definition)
    return Task(
        job_id=job.id,
        task_id=task_id,
        image=container["image"],
        command=tuple(container["command"]),
        environment={
            **{item["name"]: item["value"] for item in container["environment"]},
            "AWS_BATCH_CE_NAME": environment,
            "AWS_BATCH_JOB_ATTEMPT": str(attempt_number),
            "AWS_BATCH_JOB_ID": job.id,
            "AWS_BATCH_JQ_NAME": short_name(job.queue_arn),
        },
        job_role_arn=container.get("jobRoleArn", ""),
        execution_role_arn=container.get("executionRoleArn", ""),
        log_options={"awslogs-group": DEFAULT_LOG_GROUP, **log_options},
        log_stream=f"{prefix}/default/{task_id}",
    )
