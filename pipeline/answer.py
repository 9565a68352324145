"""The three answers that a job can get, and how they are given: within every limit, exactly once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from pipeline.continuation import Continuation, write_token
from pipeline.errors import AnswerError, FailureType, JobClosedError, failure_type
from pipeline.limits import (
    MAX_EXTERNAL_EXECUTION_ID_CHARACTERS,
    MAX_FAILURE_MESSAGE_CHARACTERS,
    MAX_SUMMARY_CHARACTERS,
)
from stepline.core.aws_errors import AWS_FAILURES, AwsFailure, error_code, failed_call, is_transient
from stepline.core.executions.arns import ExecutionArn
from stepline.core.text import cut

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient
    from mypy_boto3_codepipeline.type_defs import ExecutionDetailsTypeDef, FailureDetailsTypeDef

_CLOSED = frozenset({"InvalidJobStateException", "JobNotFoundException"})


@dataclass(frozen=True)
class Continue:
    """This job is done; CodePipeline makes another one that brings `continuation` back."""

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


Answer = Continue | Success | Failure


def put_answer(client: CodePipelineClient, job_id: str, answer: Answer) -> Answer:
    """Tell CodePipeline, and say what it was told. The client retries by itself what may pass.

    An answer that would never be taken (the role may not call PutJobSuccessResult) becomes a failure that
    says so, because the alternative is 20 minutes of silence. Raises `JobClosedError` if
    the job was answered before or has timed out, and `AnswerError` if it stays unanswered.
    """
    try:
        _put(client, job_id, answer)
    except AWS_FAILURES as error:
        code = error_code(error)
        if code in _CLOSED:
            raise JobClosedError("The job was answered before, or has timed out.", error_code=code) from error
        if isinstance(answer, Failure) or is_transient(error):
            raise AnswerError(f"CodePipeline did not take the answer: {code}.", error_code=code) from error
        return put_answer(client, job_id, _refused(answer, error))
    return answer


def _refused(answer: Continue | Success, error: AwsFailure) -> Failure:
    """CodePipeline refused to be told how it is: the failure that tells this and what to change."""
    problem = failed_call("codepipeline:PutJobSuccessResult", "*", error)
    if isinstance(answer, Success):
        return Failure(
            failure_type(problem), f"The execution succeeded, but: {problem.message}", answer.execution
        )
    execution = answer.continuation.execution
    running = "" if execution is None else " The execution may still run: look at it before you retry."
    return Failure(failure_type(problem), problem.message + running, execution)


def _put(client: CodePipelineClient, job_id: str, answer: Answer) -> None:
    match answer:
        case Continue():
            client.put_job_success_result(
                jobId=job_id,
                continuationToken=write_token(answer.continuation),
                executionDetails=_continue_details(answer),
            )
        case Success():
            _put_success(client, job_id, answer)
        case Failure():
            client.put_job_failure_result(jobId=job_id, failureDetails=_failure_details(answer))


def _put_success(client: CodePipelineClient, job_id: str, answer: Success) -> None:
    """With the variables; without them should CodePipeline refuse them: a success stays one."""
    details: ExecutionDetailsTypeDef = {
        "summary": _summary(answer.summary),
        "percentComplete": 100,
        "externalExecutionId": _external_id(answer.execution),
    }
    try:
        client.put_job_success_result(
            jobId=job_id, executionDetails=details, outputVariables=dict(answer.variables)
        )
    except ClientError as error:
        if not answer.variables or error_code(error) in _CLOSED or is_transient(error):
            raise
        details["summary"] = _summary(f"Output variables refused ({error_code(error)}). {answer.summary}")
        client.put_job_success_result(jobId=job_id, executionDetails=details)


def _continue_details(answer: Continue) -> ExecutionDetailsTypeDef:
    details: ExecutionDetailsTypeDef = {
        "summary": _summary(answer.summary),
        "percentComplete": answer.continuation.percent,
    }
    if answer.continuation.execution is not None:
        details["externalExecutionId"] = _external_id(answer.continuation.execution)
    return details


def _failure_details(answer: Failure) -> FailureDetailsTypeDef:
    details: FailureDetailsTypeDef = {
        "type": answer.type.value,
        "message": cut(answer.message, MAX_FAILURE_MESSAGE_CHARACTERS) or answer.type.value,
    }
    if answer.execution is not None:
        details["externalExecutionId"] = _external_id(answer.execution)
    return details


def _summary(text: str) -> str:
    return cut(text, MAX_SUMMARY_CHARACTERS)


def _external_id(execution: ExecutionArn) -> str:
    return str(execution)[:MAX_EXTERNAL_EXECUTION_ID_CHARACTERS]
