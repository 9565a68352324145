"""The task "Explain … Failure": what the error of a job means, for whoever reads the failed execution."""

from __future__ import annotations

import os
from typing import Final

from statemachines.batch.failed_job import read_failed_job
from statemachines.batch.settings import log_group
from statemachines.fields import Fields, JsonObject
from statemachines.task import task

_WITHOUT_CAUSE: Final = {
    "States.Timeout": "the job did not end within a day: "
    "is there room for it in the compute environment (MaxVcpus)?"
}


@task("batch")
def handler(event: Fields) -> JsonObject:
    """`{"failure": {"Error", "Cause"}, "jobName"}` -> `{"error", "cause"}`.

    The error of a job that ran is one of `JobFailure`; any other, such as `Batch.ClientException` of a job
    that could not be submitted, stays as it is.
    """
    failure = event.section("failure")
    name = event.text("jobName")
    cause = failure.text_or_empty("Cause")
    job = read_failed_job(cause)
    if job is None:
        error = failure.text("Error")
        return {
            "error": error,
            "cause": f"{name}: {cause or _WITHOUT_CAUSE.get(error, 'no cause was given')}",
        }
    return {"error": job.failure.value, "cause": f"{name}: {job.describe(log_group(os.environ))}"}
