"""An attempt of a job as the container that runs it."""

from __future__ import annotations

from stepline.localaws.batch.errors import not_supported
from stepline.localaws.batch.model import Job, Task
from stepline.localaws.batch.names import short_name

DEFAULT_LOG_GROUP = "/aws/batch/job"
"""Of jobs whose definition names none [user guide, "Use the awslogs log driver"]."""


def new_task(job: Job, *, environment: str, task_id: str, number: int) -> Task:
    """`number` of the attempt, from 1. Variables: user guide, "Job environment variables"."""
    container = job.container
    definition = short_name(job.definition_arn).partition(":")[0]
    options = log_options(job)
    prefix = options.get("awslogs-stream-prefix", definition)
    return Task(
        job_id=job.id,
        task_id=task_id,
        image=container["image"],
        command=tuple(container["command"]),
        environment={
            **{item["name"]: item["value"] for item in container["environment"]},
            "AWS_BATCH_CE_NAME": environment,
            "AWS_BATCH_JOB_ATTEMPT": str(number),
            "AWS_BATCH_JOB_ID": job.id,
            "AWS_BATCH_JQ_NAME": short_name(job.queue_arn),
        },
        job_role_arn=container.get("jobRoleArn", ""),
        execution_role_arn=container.get("executionRoleArn", ""),
        log_options=options,
        log_stream=f"{prefix}/default/{task_id}",
    )


def log_options(job: Job) -> dict[str, str]:
    """Options of the `awslogs` driver, the group among them."""
    configuration = job.container.get("logConfiguration", {})
    driver = configuration.get("logDriver", "awslogs")
    if driver != "awslogs":
        raise not_supported(f"the log driver {driver}")
    return {"awslogs-group": DEFAULT_LOG_GROUP, **configuration.get("options", {})}
