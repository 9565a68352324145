"""Reports the results of jobs of Lambda actions that the trigger has left open.

The worker does this when the execution's status event arrives. If that is lost, it continues the job before
CodePipeline's clock of 20 minutes ends, and the trigger polls.
"""

from __future__ import annotations

from dataclasses import replace

from pipeline.continuation import Continuation, read_token
from pipeline.dependencies import Dependencies, RemainingSeconds
from pipeline.errors import TokenError
from pipeline.job_event import USER_PARAMETERS, Job
from pipeline.job_result import Continue, JobResult, changes_nothing
from pipeline.limits import OLD_ANSWER_DELAYS_SECONDS, WORKER_MARGIN_SECONDS
from pipeline.observability import logger
from pipeline.open_jobs import OpenJob, OpenJobs
from pipeline.process_job import failure_of, process_job
from pipeline.reporting import report
from stepline.core.errors import SteplineError


class HeldJobs:
    """Every method can be repeated, also at the same time: CodePipeline takes one result of a job."""

    def __init__(
        self,
        open_jobs: OpenJobs,
        dependencies: Dependencies,
        *,
        remaining_seconds: RemainingSeconds,
    ) -> None:
        self._codepipeline = dependencies.clients.codepipeline
        self._open_jobs = open_jobs
        self._dependencies = dependencies
        self._remaining_seconds = remaining_seconds

    def sweep(self) -> None:
        """Continue the jobs whose time has come. Raise the errors of `failed_call`."""
        for open_job in self._open_jobs.all():
            if self._remaining_seconds() <= WORKER_MARGIN_SECONDS:
                logger.warning("Not all held jobs were checked; the next sweep continues")
                return
            try:
                if open_job.is_of_lambda_action:
                    self.answer_if_due(open_job)
            except SteplineError as error:  # the others are not to wait for this one
                logger.warning("A held job could not be continued", extra=error.fields)

    def answer_if_due(self, open_job: OpenJob) -> None:
        """Answer a job if its time has come, or if a worker that was to answer it was interrupted."""
        if open_job.has_ended or int(self._dependencies.clock()) >= (open_job.deadline or 0):
            self.answer(open_job)

    def answer(self, open_job: OpenJob) -> None:
        """Report the result if the execution has ended; otherwise continue the action.

        Raise `JobResultError` if no result could be reported.
        """
        assert open_job.continuation_token is not None
        logger.append_keys(job_id=open_job.job_id)
        try:
            continuation = read_token(open_job.continuation_token, int(self._dependencies.clock()))
        except TokenError as error:  # of another version of the trigger
            result: JobResult = failure_of(error)
        else:
            result = self._result(open_job, continuation)
        if isinstance(result, Continue):
            reported = result.continuation.with_reported(int(self._dependencies.clock()))
            result = replace(result, continuation=reported)
        report(self._codepipeline, open_job.job_id, result, is_held=True)
        self._open_jobs.forget(open_job.first_job_id, open_job.job_id)

    def _result(self, open_job: OpenJob, continuation: Continuation) -> JobResult:
        """Return the result of the job. DescribeExecution is eventually consistent, so it is repeated."""
        job = _job(open_job)
        for delay in OLD_ANSWER_DELAYS_SECONDS if open_job.has_ended else ():
            result = process_job(job, self._dependencies, self._remaining_seconds())
            if not changes_nothing(result, continuation):
                return result
            self._dependencies.sleep(delay)
        return process_job(job, self._dependencies, self._remaining_seconds())


def _job(open_job: OpenJob) -> Job:
    """Return the job with what is known of it: enough to poll, not to start anything."""
    return Job(
        id=open_job.job_id,
        account_id="",
        configuration={USER_PARAMETERS: open_job.user_parameters or ""},
        pipeline=None,
        input_artifacts=(),
        output_artifacts=(),
        credentials=None,
        continuation_token=open_job.continuation_token,
        encryption_key_id=None,
    )
