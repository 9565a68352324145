"""Reports the results of jobs, and logs and counts them, without their text: it may quote the event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from aws_lambda_powertools.metrics import MetricUnit

from pipeline.errors import JobClosedError, JobNotFoundError
from pipeline.job_result import Continue, Failure, JobResult, Success, report_result
from pipeline.observability import logger, metrics
from stepline.core.executions.arns import ExecutionArn

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient

_METRICS: Mapping[type[JobResult], str] = {
    Continue: "JobsContinued",
    Success: "JobsSucceeded",
    Failure: "JobsFailed",
}


def report(
    codepipeline: CodePipelineClient, job_id: str, result: JobResult, *, is_held: bool = False
) -> JobResult | None:
    """Report the result, and return what was reported; None if CodePipeline does not wait for it any more.

    `is_held`: trigger and worker may both report the result of the job; it is no problem if it is closed.

    Raise `JobResultError` if no result could be reported.
    """
    try:
        reported = report_result(codepipeline, job_id, result)
    except JobClosedError as error:
        if is_held:
            logger.info("The job that was held is closed")
            return None
        logger.warning("Job already closed", extra=error.fields)
        _count("JobsClosed")
        return None
    except JobNotFoundError as error:
        logger.warning("Job does not exist", extra=error.fields)
        return None
    _log(reported)
    _count(_METRICS[type(reported)])
    return reported


def _log(result: JobResult) -> None:
    match result:
        case Continue():
            _log_outcome("continued", result.continuation.execution, percent=result.continuation.percent)
        case Success():
            _log_outcome("succeeded", result.execution)
        case Failure():
            _log_outcome("failed", result.execution, failure_type=result.type.value)


def _log_outcome(outcome: str, execution: ExecutionArn | None, **fields: object) -> None:
    arn = None if execution is None else str(execution)
    logger.info("Job result reported", extra={"outcome": outcome, "execution_arn": arn, **fields})


def _count(metric: str) -> None:
    metrics.add_metric(metric, MetricUnit.Count, 1)
