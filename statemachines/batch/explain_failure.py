"""The task "Explain … Failure": turns the error of a job into an error and cause for people.

Environment: JOB_LOG_GROUP, the log group of the jobs.
"""

from __future__ import annotations

from typing import Final

from statemachines.batch.failed_job import read_failed_job
from statemachines.task import task
from stepline.core.environment import required
from stepline.core.fields import Fields, JsonObject

_CAUSES: Final = {
    "States.Timeout": "the job did not end within a day: "
    "does the compute environment have room for it (MaxVcpus)?"
}
"""Of errors that have no cause of their own."""


@task("batch")
def handler(event: Fields) -> JsonObject:
    """`{"failure": {"Error", "Cause"}, "jobName"}` -> `{"error", "cause"}`.

    The error of a job that was submitted becomes a `JobFailure`. Other errors, such as
    `Batch.ClientException` of a job that could not be submitted, are kept.
    """
    failure = event.section("failure")
    name = event.text("jobName")
    cause = failure.text_or_empty("Cause")
    job = read_failed_job(cause)
    if job is None:
        error = failure.text("Error")
        return {"error": error, "cause": f"{name}: {cause or _CAUSES.get(error, 'no cause was given')}"}
    return {"error": job.failure.value, "cause": f"{name}: {job.describe(required('JOB_LOG_GROUP'))}"}
