"""The task "Validate Input": refuses input that no job could use, before the first job is submitted.

Environment: MAX_CONCURRENCY, the number of jobs of one step that run at a time.
"""

from __future__ import annotations

from typing import Final

from statemachines.batch.parameters import job_name_prefix, parse_parameters
from statemachines.task import task
from stepline.core.environment import number
from stepline.core.fields import Fields, JsonObject

MAX_CONCURRENCY: Final = 40
"""Iterations of an inline Map that run at a time [Step Functions developer guide, "Inline mode"]."""


@task("batch")
def handler(event: Fields) -> JsonObject:
    """`{"input", "executionName"}` -> `{"step1", "step2", "step3", "jobNamePrefix", "maxConcurrency"}`.

    The returned parameters are text. Raises InvalidInputError.
    """
    parameters = parse_parameters(Fields(event.value("input"), "the input"))
    return {
        "step1": parameters.step_1,
        "step2": list(parameters.step_2),
        "step3": list(parameters.step_3),
        "jobNamePrefix": job_name_prefix(event.text("executionName")),
        "maxConcurrency": number("MAX_CONCURRENCY", MAX_CONCURRENCY),
    }
