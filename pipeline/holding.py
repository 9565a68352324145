"""Holds a job of a Lambda action open until its execution ends, instead of polling it again soon.

The job is recorded in the table of `open_jobs`, and `held_jobs` reports its result. CodePipeline's clock of
20 minutes begins with the job, which is no older than its token: so the time is counted from then.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from pipeline.action_parameters import ActionParameters
from pipeline.continuation import read_token, write_token
from pipeline.dependencies import Dependencies
from pipeline.job_event import Job
from pipeline.job_result import Continue, JobResult, changes_nothing
from pipeline.observability import logger
from pipeline.open_jobs import OpenJob, OpenJobs
from pipeline.process_job import process_job, read_parameters
from stepline.core.errors import SteplineError
from stepline.core.executions.arns import ExecutionArn
from stepline.core.executions.describe import describe_execution


def hold(
    job: Job, result: Continue, dependencies: Dependencies, remaining_seconds: float
) -> tuple[JobResult | None, bool]:
    """Return what to report, and whether the job was recorded, so that the worker may report it, too.

    None is returned for a job that is left open. After the record, the execution is described once more: its
    status event may have come before.
    """
    held = _recorded(job, result, dependencies)
    if held is None or held.execution is None:
        return _continued(result, dependencies), False
    if held.has_ended:  # DescribeExecution, which is eventually consistent, has returned an older status
        return _continued(result, dependencies), True
    if _is_running(held.execution, dependencies):
        logger.info("The job is held open", extra={"execution_arn": str(held.execution)})
        return None, True
    latest = process_job(job, dependencies, remaining_seconds)
    return (_continued(latest, dependencies) if isinstance(latest, Continue) else latest), True


def _recorded(job: Job, result: Continue, dependencies: Dependencies) -> OpenJob | None:
    """Record the job if its result can be reported without the artifact store; None if it is not recorded."""
    if job.continuation_token is None or job.output_artifacts:
        return None
    settings, now = dependencies.settings, int(dependencies.clock())
    before = read_token(job.continuation_token, now)
    execution = before.execution
    if execution is None or before.reported is None or not changes_nothing(result, before):
        return None
    parameters, _ = read_parameters(job.configuration, is_custom=job.is_custom)
    deadline = min(before.reported + settings.hold_seconds, before.deadline(parameters.timeout_minutes))
    if before.stop_requested is not None or now >= deadline:
        return None
    try:
        return OpenJobs(dependencies.clients.dynamodb, settings.open_jobs_table).hold_lambda_job(
            before.first_job_id,
            job.id,
            execution,
            continuation_token=write_token(result.continuation),
            user_parameters=_needed_parameters(parameters),
            reported=before.reported,
            deadline=deadline,
            now=now,
        )
    except SteplineError as error:
        logger.warning("The job could not be held", extra=error.fields)
        return None


def _is_running(arn: ExecutionArn, dependencies: Dependencies) -> bool:
    """Return False also if this cannot be known: polling finds out, and reports why."""
    try:
        execution = describe_execution(dependencies.clients.stepfunctions, arn)
    except SteplineError:
        return False
    return execution is not None and execution.status.is_open


def _needed_parameters(parameters: ActionParameters) -> str:
    """Return UserParameters with what the result depends on."""
    members: dict[str, Any] = {"timeoutMinutes": parameters.timeout_minutes}
    if parameters.output_variables is not None:
        members["outputVariables"] = dict(parameters.output_variables)
    return json.dumps(members)


def _continued(result: Continue, dependencies: Dependencies) -> Continue:
    """Return the result with the time of the report, from which the next job can be held."""
    return replace(result, continuation=result.continuation.with_reported(int(dependencies.clock())))
