"""The job contract: who may report a job's result, when, with what, and what follows.

https://docs.aws.amazon.com/codepipeline/latest/userguide/actions-invoke-lambda-function.html and the
botocore model. A job takes one result, from any caller, while it is open: for 20 minutes, and while its
action is in progress. A result with a continuation token ends the job; a new job with the token follows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from stepline.core.failure_types import FailureType
from stepline.localaws.codepipeline.errors import (
    InvalidJobStateException,
    JobNotFoundException,
    OutputVariablesSizeExceededException,
)
from stepline.localaws.codepipeline.execution_flow import ExecutionFlow
from stepline.localaws.codepipeline.models import ActionExecution, Credentials, Job, JobStatus
from stepline.localaws.codepipeline.results import ActionResult, CurrentRevision, ErrorDetails
from stepline.localaws.codepipeline.runtime import Runtime
from stepline.localaws.codepipeline.settings import MAX_OUTPUT_VARIABLES_BYTES
from stepline.localaws.protocol import ValidationException

_TIMER = "job"

StartNextJob = Callable[[ActionExecution, str], None]
"""Called outside transactions, with the continuation token, when an action's next job is due."""


class Jobs:
    """All jobs: the open ones, and a number of closed ones for each action."""

    def __init__(self, runtime: Runtime, flow: ExecutionFlow) -> None:
        self._runtime = runtime
        self._flow = flow
        self._start_next: dict[str, StartNextJob] = {}
        self._jobs: dict[str, Job] = {}
        self._by_action: dict[str, deque[str]] = {}

    def open(
        self,
        action: ActionExecution,
        job_id: str,
        token: str | None,
        credentials: Credentials,
        *,
        start_next: StartNextJob,
    ) -> Job | None:
        """Create a job and start its 20 minutes; None if the action has ended meanwhile."""
        with self._runtime.transaction():
            if not action.in_progress:
                return None
            job = Job(id=job_id, action=action, continuation_token=token, credentials=credentials)
            self._jobs[job_id] = job
            self._start_next[action.id] = start_next
            self._keep(action, job_id)
            timeout_seconds = self._runtime.settings.job_timeout_seconds
            action.set_timer(_TIMER, self._runtime.later(timeout_seconds, partial(self._time_out, job_id)))
            return job

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
            result = _success(params, self._runtime)
            if token is None:
                self._flow.finish_action(job.action, result)
            else:
                self._continue(job.action, result, token)

    def put_failure(self, job_id: str, error: ErrorDetails, external_id: str | None) -> None:
        """Close the job and fail its action."""
        with self._runtime.transaction():
            job = self._open_job(job_id)
            job.close(JobStatus.FAILED)
            self._flow.finish_action(job.action, ActionResult(error=error, external_id=external_id))

    def drop(self, action: ActionExecution) -> None:
        """Delete all jobs of `action`."""
        self._start_next.pop(action.id, None)
        for job_id in self._by_action.pop(action.id, ()):
            self._jobs.pop(job_id, None)

    def _continue(self, action: ActionExecution, result: ActionResult, token: str) -> None:
        action.report(result, self._runtime.now())
        action.execution.updated_at = action.updated_at
        next_job = partial(self._start_next[action.id], action, token)
        action.set_timer(_TIMER, self._runtime.later(self._runtime.settings.continuation_seconds, next_job))

    def _open_job(self, job_id: str) -> Job:
        job = self.get(job_id)
        if not job.is_open:
            status = job.status if job.status is not JobStatus.IN_PROGRESS else job.action.status
            raise InvalidJobStateException(
                f"Unable to put a result for job '{job_id}': it is not in progress any more ({status}).",
            )
        return job

    def _time_out(self, job_id: str) -> None:
        with self._runtime.transaction():
            job = self._jobs.get(job_id)
            if job is None or not job.is_open:
                return
            job.close(JobStatus.TIMED_OUT)
            function = job.action.resolved_configuration["FunctionName"]
            message = (
                f"The AWS Lambda function {function} failed to return a result. Check the function to "
                "verify that it has permission to call the PutJobSuccessResult action and that it made a "
                "call to PutJobSuccessResult."
            )
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


def _success(params: Mapping[str, Any], runtime: Runtime) -> ActionResult:
    details = params.get("executionDetails", {})
    revision = params.get("currentRevision")
    return ActionResult(
        summary=details.get("summary"),
        percent_complete=details.get("percentComplete"),
        external_id=details.get("externalExecutionId"),
        output_variables=params.get("outputVariables", {}),
        current_revision=revision
        and CurrentRevision(
            id=revision["revision"],
            change_id=revision["changeIdentifier"],
            created=revision.get("created") or runtime.now(),
        ),
    )
