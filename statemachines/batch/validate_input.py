"""The task "Validate Input": refuses what no job could work with, before the first one is submitted."""

from __future__ import annotations

import os

from statemachines.batch.request import job_name_prefix, read_request
from statemachines.batch.settings import max_concurrency
from statemachines.fields import Fields, JsonObject
from statemachines.task import task


@task("batch")
def handler(event: Fields) -> JsonObject:
    """`{"input", "executionName"}` -> `{"step1", "step2", "step3", "jobNamePrefix", "maxConcurrency"}`.

    Parameters are texts then. Raises InvalidInputError.
    """
    request = read_request(Fields(event.value("input"), "the input"))
    return {
        "step1": request.step_1,
        "step2": list(request.step_2),
        "step3": list(request.step_3),
        "jobNamePrefix": job_name_prefix(event.text("executionName")),
        "maxConcurrency": max_concurrency(os.environ),
    }
