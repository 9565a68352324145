"""The job contract: who may report a job's result, when, with what, and what follows.

https://docs.aws.amazon.com/codepipeline/latest/userguide/actions-invoke-lambda-function.html,
https://docs.aws.amazon.com/codepipeline/latest/userguide/actions-create-custom-action.html and the botocore
model. A job takes one result, from any caller, while it and its action are in progress: a job of a function
for 20 minutes, a custom job once a worker has acknowledged it. A result with a continuation token ends the
job; a new job with the token follows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

from stepline.core.failure_types import FailureType
from stepline.localaws.codepipeline.errors import (
    InvalidJobStateException,
    JobNotFoundException,
    OutputVariablesSizeExceededException,
)
from stepline.localaws.codepipeline.execution_flow import ExecutionFlow
from stepline.localaws.codepipeline.models import ActionExecution, Job, JobStatus
from stepline.localaws.codepipeline.results import ActionResult, CurrentRevision, ErrorDetails, Revision
from stepline.localaws.codepipeline.runtime import Runtime
from stepline.localaws.codepipeline.settings import MAX_OUTPUT_VARIABLES_BYTES
from stepline.localaws.protocol import ValidationException

_TIMER = "job"


@dataclass(frozen=True, kw_only=True)
class JobTimeout:
    """How long a job waits for its result, and the message of the failure of its action after that."""

    seconds: float
    message: str


class JobProvider(Protocol):
    """The provider of actions that have jobs."""

    def next_job(self, action: ActionExecution, token: str) -> None:
        """Start the next job. Called outside transactions, with the continuation token, when it is due."""

    def execution_url(self, action: ActionExecution, external_id: str | None) -> str | None:
        """Return the page of the external execution; None if there is none, or for the URL of before."""


class Jobs:
    """All jobs: the open ones, and a number of closed ones for each action."""

    def __init__(self, runtime: Runtime, flow: ExecutionFlow) -> None:
        self._runtime = runtime
        self._flow = flow
        self._providers: dict[str, JobProvider] = {}
        self._jobs: dict[str, Job] = {}
        self._by_action: dict[str, deque[str]] = {}

    def open(self, job: Job, provider: JobProvider, *, timeout: JobTimeout | None = None) -> bool:
        """Add the job and start its clock, if it has one. Return False if the action has ended meanwhile."""
        action = job.action
        with self._runtime.transaction():
            if not action.in_progress:
                return False
            self._jobs[job.id] = job
            self._providers[action.id] = provider
            self._keep(action, job.id)
            if timeout is not None:
                time_out = partial(self._time_out, job, timeout.message)
                action.set_timer(_TIMER, self._runtime.later(timeout.seconds, time_out))
            return True

    def get(self, job_id: str) -> Job:
        """Raises JobNotFoundException."""
        job = self._jobs.get(job_id)
        if job is None:
            raise JobNotFoundException(f"The job with id '{job_id}' could not be found.")
        return job

    def put_success(self, job_id: str, params: Mapping[str, Any]) -> None:
        """Close the job and end its action, or schedule the next job. `params`: PutJobSuccessResult's."""
        token = params.get("continuationToken")
        _check_variables(params.get("outputVariables", {}), token)
        with self._runtime.transaction():
            job = self._open_job(job_id)
            job.close(JobStatus.SUCCEEDED)
            result = self._with_url(job.action, _success(params, job.action, self._runtime))
            if token is None:
                self._flow.finish_action(job.action, result)
            else:
                self._continue(job.action, result, token)

    def put_failure(self, job_id: str, error: ErrorDetails, external_id: str | None) -> None:
        """Close the job and fail its action."""
        with self._runtime.transaction():
            job = self._open_job(job_id)
            job.close(JobStatus.FAILED)
            result = ActionResult(error=error, external_id=external_id)
            self._flow.finish_action(job.action, self._with_url(job.action, result))

    def _with_url(self, action: ActionExecution, result: ActionResult) -> ActionResult:
        """Return the result with the page of its external execution."""
        url = self._providers[action.id].execution_url(action, result.external_id or action.external_id)
        return replace(result, external_url=url)

    def drop(self, action: ActionExecution) -> None:
        """Delete all jobs of `action`."""
        self._providers.pop(action.id, None)
        for job_id in self._by_action.pop(action.id, ()):
            self._jobs.pop(job_id, None)

    def _continue(self, action: ActionExecution, result: ActionResult, token: str) -> None:
        action.report(result, self._runtime.now())
        action.execution.updated_at = action.updated_at
        next_job = partial(self._providers[action.id].next_job, action, token)
        action.set_timer(_TIMER, self._runtime.later(self._runtime.settings.continuation_seconds, next_job))

    def _open_job(self, job_id: str) -> Job:
        job = self.get(job_id)
        if not job.takes_result:
            status = job.status if job.action.in_progress else job.action.status
            raise InvalidJobStateException(
                f"Unable to put a result for job '{job_id}': it is not in progress ({status}).",
            )
        return job

    def _time_out(self, job: Job, message: str) -> None:
        with self._runtime.transaction():
            if not job.takes_result:
                return
            job.close(JobStatus.TIMED_OUT)
            self._flow.finish_action(job.action, ActionResult.failure(FailureType.JOB_FAILED, message))

    def _keep(self, action: ActionExecution, job_id: str) -> None:
        """Keep this job, and delete the action's oldest beyond the number that is kept."""
        kept = self._by_action.setdefault(action.id, deque())
        kept.append(job_id)
        while len(kept) > self._runtime.settings.kept_jobs_per_action:
            self._jobs.pop(kept.popleft(), None)


def _check_variables(variables: Mapping[str, str], token: str | None) -> None:
    if variables and token is not None:
        raise ValidationException(
            "Output variables cannot be set together with a continuation token: "
            "they are accepted only when the action is complete."
        )
    size_bytes = sum(len(key.encode()) + len(value.encode()) for key, value in variables.items())
    if size_bytes > MAX_OUTPUT_VARIABLES_BYTES:
        raise OutputVariablesSizeExceededException(
            f"The output variables have {size_bytes} bytes; the limit is {MAX_OUTPUT_VARIABLES_BYTES}.",
        )


def _success(params: Mapping[str, Any], action: ActionExecution, runtime: Runtime) -> ActionResult:
    details = params.get("executionDetails", {})
    revision = params.get("currentRevision")
    return ActionResult(
        summary=details.get("summary"),
        percent_complete=details.get("percentComplete"),
        external_id=details.get("externalExecutionId"),
        output_variables=params.get("outputVariables", {}),
        source_revision=_source_revision(revision) if revision and _is_source(action) else None,
        current_revision=revision
        and CurrentRevision(
            id=revision["revision"],
            change_id=revision["changeIdentifier"],
            created=revision.get("created") or runtime.now(),
        ),
    )


def _is_source(action: ActionExecution) -> bool:
    return action.declaration.type.category == "Source"


def _source_revision(revision: Mapping[str, Any]) -> Revision:
    """Return the revision of a custom source, which its worker reports as the current one."""
    return Revision(
        id=revision["revision"], summary=revision.get("revisionSummary"), created=revision.get("created")
    )
