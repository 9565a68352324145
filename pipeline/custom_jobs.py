"""CodePipeline's operations on the jobs of a custom action type: poll, acknowledge, read again.

https://docs.aws.amazon.com/codepipeline/latest/userguide/actions-create-custom-action.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import JobNotFoundError
from pipeline.job_event import Job, parse_custom_job
from stepline.core.aws_errors import AWS_FAILURES, error_code, failed_call

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient
    from mypy_boto3_codepipeline.type_defs import ActionTypeIdTypeDef

_IN_PROGRESS: Final = "InProgress"
_TAKEN: Final = frozenset({"InvalidNonceException", "JobNotFoundException"})


@dataclass(frozen=True)
class ActionType:
    """A version of a custom action type [model: ActionTypeId]."""

    category: str
    provider: str
    version: str

    def __str__(self) -> str:
        return f"Custom/{self.category}/{self.provider}/{self.version}"

    @property
    def id(self) -> ActionTypeIdTypeDef:
        return {
            "category": self.category,  # type: ignore[typeddict-item]  # checked by CodePipeline
            "owner": "Custom",
            "provider": self.provider,
            "version": self.version,
        }


@dataclass(frozen=True)
class OfferedJob:
    """A job that waits for a worker. The first worker that acknowledges it with `nonce` has it.

    `details`: what `parse_custom_job` takes.
    """

    id: str
    nonce: str
    details: Any = field(repr=False)


def poll_for_job(client: CodePipelineClient, action_type: ActionType) -> OfferedJob | None:
    """Return a job that waits for a worker, or None. Raise the errors of `failed_call`."""
    try:
        jobs = client.poll_for_jobs(actionTypeId=action_type.id, maxBatchSize=1).get("jobs", [])
    except AWS_FAILURES as error:
        raise failed_call("codepipeline:PollForJobs", f"the action type {action_type}", error) from error
    return OfferedJob(jobs[0]["id"], jobs[0]["nonce"], jobs[0]) if jobs else None


def acknowledge(client: CodePipelineClient, offered: OfferedJob) -> bool:
    """Take the job, and return whether it still needs a result: another worker may have taken it before."""
    try:
        response = client.acknowledge_job(jobId=offered.id, nonce=offered.nonce)
    except AWS_FAILURES as error:
        if error_code(error) in _TAKEN:
            return False
        raise failed_call("codepipeline:AcknowledgeJob", "*", error) from error
    return response["status"] == _IN_PROGRESS


def read_job(client: CodePipelineClient, job_id: str) -> Job:
    """Return a job that was acknowledged, with new credentials of its artifacts.

    Raise `JobNotFoundError`, and the errors of `failed_call`.
    """
    try:
        response = client.get_job_details(jobId=job_id)
    except AWS_FAILURES as error:
        if error_code(error) == "JobNotFoundException":
            raise JobNotFoundError("CodePipeline has no such job.", error_code=error_code(error)) from error
        raise failed_call("codepipeline:GetJobDetails", "*", error) from error
    return parse_custom_job(response["jobDetails"])
