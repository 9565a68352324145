"""The three results of a job, and how they are reported: within every limit, exactly once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from pipeline.continuation import Continuation, write_token
from pipeline.errors import JobClosedError, JobNotFoundError, JobResultError, failure_type
from pipeline.limits import (
    MAX_EXTERNAL_EXECUTION_ID_CHARACTERS,
    MAX_FAILURE_MESSAGE_CHARACTERS,
    MAX_SUMMARY_CHARACTERS,
)
from pipeline.messages import MAY_STILL_RUN
from stepline.core.aws_errors import AWS_FAILURES, AwsFailure, error_code, failed_call, is_transient
from stepline.core.executions.arns import ExecutionArn
from stepline.core.failure_types import FailureType
from stepline.core.text import cut

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient
    from mypy_boto3_codepipeline.type_defs import ExecutionDetailsTypeDef, FailureDetailsTypeDef

_CLOSED = "InvalidJobStateException"
_NOT_FOUND = "JobNotFoundException"


@dataclass(frozen=True)
class Continue:
    """The action is still running: CodePipeline creates another job with `continuation` as its token."""

    continuation: Continuation
    summary: str


@dataclass(frozen=True)
class Success:
    summary: str
    execution: ExecutionArn
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Failure:
    type: FailureType
    message: str
    execution: ExecutionArn | None = None


JobResult = Continue | Success | Failure


def changes_nothing(result: JobResult, continuation: Continuation) -> bool:
    """Return whether the action only goes on."""
    return isinstance(result, Continue) and replace(result.continuation, percent=0) == replace(
        continuation, percent=0
    )


def report_result(client: CodePipelineClient, job_id: str, result: JobResult) -> JobResult:
    """Report the result to CodePipeline, and return what was reported. The client retries transient errors.

    If CodePipeline refuses the result, for example because the role may not call PutJobSuccessResult, report
    a failure with the reason: otherwise the job would time out after 20 minutes. Raise `JobClosedError` if
    the job has a result or has timed out, `JobNotFoundError` if there is no such job, and `JobResultError` if
    no result could be reported.
    """
    try:
        _put(client, job_id, result)
    except AWS_FAILURES as error:
        code = error_code(error)
        if code == _CLOSED:
            raise JobClosedError("The job has a result or has timed out.", error_code=code) from error
        if code == _NOT_FOUND:
            raise JobNotFoundError("CodePipeline has no such job.", error_code=code) from error
        if isinstance(result, Failure) or is_transient(error):
            raise JobResultError(f"CodePipeline refused the result: {code}.", error_code=code) from error
        return report_result(client, job_id, _failure(result, error))
    return result


def _failure(refused: Continue | Success, error: AwsFailure) -> Failure:
    """Return the failure that says why CodePipeline refused another result."""
    problem = failed_call("codepipeline:PutJobSuccessResult", "*", error)
    if isinstance(refused, Success):
        message = f"The execution succeeded, but: {problem.message}"
        return Failure(failure_type(problem), message, refused.execution)
    execution = refused.continuation.execution
    hint = "" if execution is None else f" {MAY_STILL_RUN}"
    return Failure(failure_type(problem), problem.message + hint, execution)


def _put(client: CodePipelineClient, job_id: str, result: JobResult) -> None:
    match result:
        case Continue():
            client.put_job_success_result(
                jobId=job_id,
                continuationToken=write_token(result.continuation),
                executionDetails=_details(
                    result.summary, result.continuation.percent, result.continuation.execution
                ),
            )
        case Success():
            _put_success(client, job_id, result)
        case Failure():
            client.put_job_failure_result(jobId=job_id, failureDetails=_failure_details(result))


def _put_success(client: CodePipelineClient, job_id: str, result: Success) -> None:
    """Report the success without variables if CodePipeline refuses them."""
    try:
        client.put_job_success_result(
            jobId=job_id,
            executionDetails=_details(result.summary, 100, result.execution),
            outputVariables=dict(result.variables),
        )
    except ClientError as error:
        if not result.variables or error_code(error) in {_CLOSED, _NOT_FOUND} or is_transient(error):
            raise
        summary = f"Output variables refused ({error_code(error)}). {result.summary}"
        client.put_job_success_result(jobId=job_id, executionDetails=_details(summary, 100, result.execution))


def _details(summary: str, percent: int, execution: ExecutionArn | None) -> ExecutionDetailsTypeDef:
    details: ExecutionDetailsTypeDef = {
        "summary": cut(summary, MAX_SUMMARY_CHARACTERS),
        "percentComplete": percent,
    }
    if execution is not None:
        details["externalExecutionId"] = _external_id(execution)
    return details


def _failure_details(result: Failure) -> FailureDetailsTypeDef:
    details: FailureDetailsTypeDef = {
        "type": result.type.value,
        "message": cut(result.message, MAX_FAILURE_MESSAGE_CHARACTERS) or result.type.value,
    }
    if result.execution is not None:
        details["externalExecutionId"] = _external_id(result.execution)
    return details


def _external_id(execution: ExecutionArn) -> str:
    return str(execution)[:MAX_EXTERNAL_EXECUTION_ID_CHARACTERS]
