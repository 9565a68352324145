"""The task "Validate Input": refuses input that no job could use, before the first job is submitted.

If the input names an object, the parameters are read from it.

IAM, only for inputs that name an object: s3:GetObject and s3:GetObjectVersion on the bucket's objects
(kms:Decrypt with its key), and s3:ListBucket on the bucket, without which S3 returns AccessDenied for a
missing object. Environment: MAX_CONCURRENCY, the number of jobs of one step that run at a time.
"""

from __future__ import annotations

from typing import Final

from statemachines.batch.parameter_file import names_a_file, read_parameter_file
from statemachines.batch.parameters import job_name_prefix, parse_parameters
from statemachines.task import task
from stepline.core import clients
from stepline.core.environment import number
from stepline.core.fields import Fields, JsonObject
from stepline.core.large_data import refuse_reference

MAX_CONCURRENCY: Final = 40
"""Iterations of an inline Map that run at a time [Step Functions developer guide, "Inline mode"]."""


@task("batch")
def handler(event: Fields) -> JsonObject:
    """`{"input", "executionName"}` -> `{"step1", "step2", "step3", "jobNamePrefix", "maxConcurrency"}`.

    The returned parameters are text. Raises InvalidInputError.
    """
    document = Fields(event.value("input"), "the input")
    refuse_reference(document)
    if names_a_file(document):
        document = read_parameter_file(clients.s3(), document)
    parameters = parse_parameters(document)
    return {
        "step1": parameters.step_1,
        "step2": list(parameters.step_2),
        "step3": list(parameters.step_3),
        "jobNamePrefix": job_name_prefix(event.text("executionName")),
        "maxConcurrency": number("MAX_CONCURRENCY", MAX_CONCURRENCY),
    }
