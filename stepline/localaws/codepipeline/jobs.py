"""The job contract: who may answer a job, when, with what, and what follows from it.

https://docs.aws.amazon.com/codepipeline/latest/userguide/actions-invoke-lambda-function.html and the
botocore model. A job is answered once, by anyone, while it is open: within 20 minutes, and while its
action runs. An answer with a continuation token ends the job and asks for another one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from stepline.localaws.codepipeline.artifacts import Credentials
from stepline.localaws.codepipeline.core import Core
from stepline.localaws.codepipeline.errors import (
    InvalidJobStateException,
    JobNotFoundException,
    OutputVariablesSizeExceededException,
)
from stepline.localaws.codepipeline.flow import Flow
from stepline.localaws.codepipeline.models import (
    CurrentRevision,
    ErrorDetails,
    FailureType,
    Outcome,
)
from stepline.localaws.codepipeline.settings import MAX_OUTPUT_VARIABLES_BYTES
from stepline.localaws.codepipeline.state import ActionExecution
from stepline.localaws.protocol.errors import ValidationException

_TIMER = "job"

Continue = Callable[[ActionExecution, str], None]
"""Called outside transactions, when the time for an action's next job has come, with the token."""


class JobStatus(StrEnum):
    IN_PROGRESS = "InProgress"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    TIMED_OUT = "TimedOut"


@dataclass(eq=False, slots=True, kw_only=True)
class Job:
    """`credentials` are forgotten as soon as the job is closed."""

    id: str
    action: ActionExecution
    continuation_token: str | None
    credentials: Credentials | None
    status: JobStatus = JobStatus.IN_PROGRESS

    def close(self, status: JobStatus) -> None:
        self.status = status
        self.credentials = None


@dataclass(frozen=True, kw_only=True)
class SuccessResult:
    """PutJobSuccessResult's parameters."""

    continuation_token: str | None
    summary: str | None
    percent_complete: int | None
    external_id: str | None
    output_variables: Mapping[str, str]
    current_revision: CurrentRevision | None


class JobBook:
    """All jobs, open and lately finished."""

    def __init__(self, core: Core, flow: Flow, *, proceed: Continue) -> None:
        self._core = core
        self._flow = flow
        self._proceed = proceed
        self._jobs: dict[str, Job] = {}
        self._by_action: dict[str, deque[str]] = {}

    def open(
        self, action: ActionExecution, job_id: str, token: str | None, credentials: Credentials
    ) -> Job | None:
        """A new job of `action`, whose clock starts now; None if the action has ended meanwhile."""
        with self._core.transaction():
            if not action.in_progress:
                return None
            job = Job(id=job_id, action=action, continuation_token=token, credentials=credentials)
            self._jobs[job_id] = job
            self._remember(action, job_id)
            timer = self._core.later(self._core.settings.job_timeout_seconds, partial(self._time_out, job_id))
            action.set_timer(_TIMER, timer)
            return job

    def get(self, job_id: str) -> Job:
        """Raises JobNotFoundException."""
        job = self._jobs.get(job_id)
        if job is None:
            raise JobNotFoundException(f"The job with id '{job_id}' could not be found.")
        return job

    def is_open(self, job: Job) -> bool:
        return job.status is JobStatus.IN_PROGRESS and job.action.in_progress

    def succeed(self, job_id: str, result: SuccessResult) -> None:
        """Take a success: the end of the action, or with a continuation token of this job only."""
        _check_variables(result)
        with self._core.transaction():
            job = self._open_job(job_id)
            job.close(JobStatus.SUCCEEDED)
            action = job.action
            if result.percent_complete is not None:
                action.percent_complete = result.percent_complete
            if result.continuation_token is None:
                self._flow.finish_action(action, _outcome(result))
            else:
                self._continue(action, result, result.continuation_token)

    def fail(self, job_id: str, error: ErrorDetails, external_id: str | None) -> None:
        with self._core.transaction():
            job = self._open_job(job_id)
            job.close(JobStatus.FAILED)
            self._flow.finish_action(job.action, Outcome(error=error, external_id=external_id))

    def forget(self, action: ActionExecution) -> None:
        """Remember none of the jobs of `action`."""
        for job_id in self._by_action.pop(action.id, ()):
            self._jobs.pop(job_id, None)

    def _continue(self, action: ActionExecution, result: SuccessResult, token: str) -> None:
        action.summary = result.summary or action.summary
        action.external_id = result.external_id or action.external_id
        action.current_revision = result.current_revision or action.current_revision
        action.updated_at = action.execution.updated_at = self._core.now()
        next_job = partial(self._proceed, action, token)
        action.set_timer(_TIMER, self._core.later(self._core.settings.continuation_seconds, next_job))

    def _open_job(self, job_id: str) -> Job:
        job = self.get(job_id)
        if not self.is_open(job):
            status = job.status if job.status is not JobStatus.IN_PROGRESS else job.action.status
            raise InvalidJobStateException(
                f"Unable to put a result for job '{job_id}': it is not in progress any more ({status}).",
            )
        return job

    def _time_out(self, job_id: str) -> None:
        with self._core.transaction():
            job = self._jobs.get(job_id)
            if job is None or not self.is_open(job):
                return
            job.close(JobStatus.TIMED_OUT)
            function = job.action.resolved_configuration["FunctionName"]
            message = (
                f"The AWS Lambda function {function} failed to return a result. Check the function to "
                "verify that it has permission to call the PutJobSuccessResult action and that it made a "
                "call to PutJobSuccessResult."
            )
            self._flow.finish_action(job.action, Outcome.failure(FailureType.JOB_FAILED, message))

    def _remember(self, action: ActionExecution, job_id: str) -> None:
        known = self._by_action.setdefault(action.id, deque())
        known.append(job_id)
        while len(known) > self._core.settings.kept_jobs_per_action:
            self._jobs.pop(known.popleft(), None)


def success_result(params: Mapping[str, Any], core: Core) -> SuccessResult:
    """PutJobSuccessResult's parameters, validated against the model before."""
    details = params.get("executionDetails", {})
    revision = params.get("currentRevision")
    return SuccessResult(
        continuation_token=params.get("continuationToken"),
        summary=details.get("summary"),
        percent_complete=details.get("percentComplete"),
        external_id=details.get("externalExecutionId"),
        output_variables=params.get("outputVariables", {}),
        current_revision=revision
        and CurrentRevision(
            id=revision["revision"],
            change_id=revision["changeIdentifier"],
            created=revision.get("created") or core.now(),
        ),
    )


def _check_variables(result: SuccessResult) -> None:
    variables = result.output_variables
    if variables and result.continuation_token is not None:
        raise ValidationException(
            "Output variables cannot be set together with a continuation token: "
            "they are accepted only when the action is complete."
        )
    size_bytes = sum(len(key.encode()) + len(value.encode()) for key, value in variables.items())
    if size_bytes > MAX_OUTPUT_VARIABLES_BYTES:
        raise OutputVariablesSizeExceededException(
            f"The output variables have {size_bytes} bytes; the limit is {MAX_OUTPUT_VARIABLES_BYTES}.",
        )


def _outcome(result: SuccessResult) -> Outcome:
    return Outcome(
        summary=result.summary,
        external_id=result.external_id,
        output_variables=result.output_variables,
        current_revision=result.current_revision,
    )
