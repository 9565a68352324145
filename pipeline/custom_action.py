"""Runs the custom action: takes its jobs, starts executions, and holds a job until its execution ends.

An action has two jobs. The first one starts the execution, and reports its link with a continuation token.
The second one is acknowledged, recorded in the table of `open_jobs`, and left open: nothing runs and nothing
is polled until Step Functions' status event, which leads to the job by the execution's name. A sweep answers
what is left if an event was lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from zlib import crc32

from pipeline.continuation import Continuation, first_job_of, read_token
from pipeline.custom_jobs import OfferedJob, acknowledge, poll_for_job, read_job
from pipeline.dependencies import Dependencies, RemainingSeconds
from pipeline.errors import (
    EndNotVisibleError,
    JobEventError,
    JobNotFoundError,
    TokenError,
)
from pipeline.held_jobs import HeldJobs
from pipeline.job_event import Job, PipelineContext, parse_custom_job
from pipeline.job_result import Continue, JobResult, changes_nothing
from pipeline.limits import (
    DEFAULT_TIMEOUT_MINUTES,
    EXPRESS_JOB_SECONDS,
    FIRST_JOB_DELAYS_SECONDS,
    MAX_JOBS_OF_A_START,
    NEXT_JOB_DELAYS_SECONDS,
    OLD_ANSWER_DELAYS_SECONDS,
    UNFINISHED_JOB_SECONDS,
    WORKER_MARGIN_SECONDS,
)
from pipeline.observability import logger
from pipeline.open_jobs import OpenJob, OpenJobs
from pipeline.process_job import failure_of, process_job, read_parameters
from pipeline.reporting import report
from pipeline.stops import Stops
from pipeline.timeouts import wake_at_timeout
from pipeline.worker_settings import WorkerSettings
from stepline.core.errors import (
    ConfigurationError,
    PermissionDeniedError,
    SteplineError,
    TransientAwsError,
)
from stepline.core.executions.arns import ExecutionArn
from stepline.core.executions.describe import describe_execution


class CustomAction:
    """Takes and answers the jobs of one action type. Every method can be repeated, also at the same time."""

    def __init__(
        self,
        settings: WorkerSettings,
        open_jobs: OpenJobs,
        held_jobs: HeldJobs,
        stops: Stops,
        dependencies: Dependencies,
        *,
        remaining_seconds: RemainingSeconds,
    ) -> None:
        self._codepipeline = dependencies.clients.codepipeline
        self._action_type = settings.action_type
        self._timeouts = settings.timeouts
        self._open_jobs = open_jobs
        self._held_jobs = held_jobs
        self._dependencies = dependencies
        self._stops = stops
        self._remaining_seconds = remaining_seconds

    def action_started(self, action: PipelineContext) -> None:
        """Take the first job of an action, and some of the other jobs that there are.

        CodePipeline does not document whether the job can be polled when the event arrives, and another
        worker may take it. So it is waited for only as long as no worker has reported its execution. That
        worker may have left the next job.
        """
        for delay in (*FIRST_JOB_DELAYS_SECONDS, None):
            if action in self.take_jobs(limit=MAX_JOBS_OF_A_START):
                return
            run = self._stops.run_of(action)
            if run is None or not run.is_in_progress:
                return
            if run.execution is not None:
                self._take_next_job(run.execution)
                return
            if delay is not None:
                self._dependencies.sleep(delay)
        logger.warning("The job of the action cannot be polled; the sweep will take it")

    def _take_next_job(self, execution: ExecutionArn) -> None:
        """Take the job of an action that has reported its execution, or another one, if nobody has it yet."""
        first_job_id = first_job_of(execution)
        if first_job_id is not None:
            self.take_jobs({first_job_id: first_job_id}, limit=MAX_JOBS_OF_A_START)

    def take_jobs(
        self, continued: Mapping[str, str | None] | None = None, *, limit: int | None = None
    ) -> set[object]:
        """Take jobs until none is left, and return whose they were: their actions and first jobs.

        Wait a little for the next job of an action that continues: of those in `continued`, and of those that
        are taken here.

        `continued`: the actions' first jobs, with the jobs that were continued. Another worker may have taken
        the next one, unless it is None. `limit`: of the jobs that are polled.
        """
        taken: set[object] = set()
        missing = dict(continued or {})
        delays = iter(NEXT_JOB_DELAYS_SECONDS)
        polled = 0
        while polled != limit and self._remaining_seconds() > WORKER_MARGIN_SECONDS:
            offered = poll_for_job(self._codepipeline, self._action_type)
            if offered is not None:
                polled += 1
                result = self._take(offered, taken, missing)
                if limit is not None and not missing and self._remaining_seconds() < EXPRESS_JOB_SECONDS:
                    break  # the workers of the others have time for an Express execution
                if not _is_to_be_retried(result):
                    delays = iter(NEXT_JOB_DELAYS_SECONDS)
                    continue
            delay = next(delays, None)
            missing = {first: job for first, job in missing.items() if not self._has_next_job(first, job)}
            if not missing or delay is None:
                break
            self._dependencies.sleep(delay)
        return taken

    def _has_next_job(self, first_job_id: str, job_id: str | None) -> bool:
        """Return whether a worker has taken the job that follows `job_id`; False if that is not known."""
        if job_id is None:
            return False
        try:
            open_job = self._open_jobs.read(first_job_id)
        except SteplineError as error:
            logger.warning("The next job is waited for", extra=error.fields)
            return False
        return open_job is not None and open_job.job_id != job_id

    def execution_ended(self, first_job_id: str) -> None:
        """Report the result of an execution whose status event says that it has ended.

        Raise `EndNotVisibleError` if that is not possible yet, so that Lambda repeats the event.
        """
        open_job = self._open_jobs.mark_ended(first_job_id)
        if open_job is None:
            logger.info("No open job waits for the execution")
        elif open_job.is_of_lambda_action:
            self._held_jobs.answer(open_job)
        elif open_job.execution is not None or self._is_unfinished(open_job):
            self._resume(open_job)
        elif first_job_id not in self.take_jobs({first_job_id: None}):
            self._wait_for_next_job(open_job)  # whoever takes it sees the mark

    def _wait_for_next_job(self, open_job: OpenJob) -> None:
        """Raise `EndNotVisibleError`, unless the action has ended and has no next job."""
        job = read_job(self._codepipeline, open_job.job_id)
        if job.pipeline is None or self._stops.is_in_progress(job.pipeline):
            raise EndNotVisibleError("The next job of the action cannot be polled yet.")
        self._open_jobs.forget(open_job.first_job_id, open_job.job_id)

    def timeout_passed(self, first_job_id: str) -> None:
        """Stop the execution of an action whose timeout has passed, if its job is still open."""
        open_job = self._open_jobs.read(first_job_id)
        if open_job is not None and self._is_recorded_as_due(open_job):
            self._resume(open_job)

    def sweep(self) -> None:
        """Take jobs whose event was lost, answer open jobs whose execution or time has ended, and stop the
        executions of actions that have ended.
        """
        self.take_jobs()
        for open_job in sorted(self._open_jobs.all(), key=self._turn):
            if self._remaining_seconds() <= WORKER_MARGIN_SECONDS:
                logger.warning("The sweep has not seen all open jobs; the next one continues")
                return
            try:
                if open_job.is_of_lambda_action:
                    self._held_jobs.answer_if_due(open_job)
                elif self._is_due(open_job):
                    self._resume(open_job)
            except SteplineError as error:  # the others are not to wait for this one
                logger.warning("An open job could not be checked", extra=error.fields)

    def _turn(self, open_job: OpenJob) -> tuple[bool, int]:
        """Return the place in a sweep, which may end before all open jobs have been checked.

        Jobs that the table says are due come first, the others in another order each time.
        """
        return not self._is_recorded_as_due(open_job), crc32(f"{self._now()} {open_job.job_id}".encode())

    def _is_recorded_as_due(self, open_job: OpenJob) -> bool:
        if open_job.execution is None:
            return self._is_unfinished(open_job)
        return open_job.has_ended or self._now() >= (open_job.deadline or 0)

    def _is_due(self, open_job: OpenJob) -> bool:
        if self._is_recorded_as_due(open_job):
            return True
        if open_job.execution is None:
            return False
        try:
            execution = describe_execution(self._dependencies.clients.stepfunctions, open_job.execution)
        except (ConfigurationError, PermissionDeniedError):  # to be reported
            return True
        if execution is None or not execution.status.is_open:
            return True
        if open_job.pipeline and self._stops.stop_if_ended(open_job.execution, open_job.pipeline):
            self._open_jobs.forget(open_job.first_job_id, open_job.job_id)
        return False

    def _is_unfinished(self, open_job: OpenJob) -> bool:
        """Return whether the worker that took the job was interrupted."""
        return self._now() - open_job.changed >= UNFINISHED_JOB_SECONDS

    def _now(self) -> int:
        return int(self._dependencies.clock())

    # ------------------------------------------------------------------- jobs

    def _take(
        self, offered: OfferedJob, taken: set[object], missing: dict[str, str | None]
    ) -> JobResult | None:
        """Process a job; return the result that was reported, or None if there is none yet.

        Add its action to `taken`, and its first job with the job itself to `missing` if another job follows.
        """
        logger.append_keys(job_id=offered.id)
        try:
            job = parse_custom_job(offered.details)
        except JobEventError as error:
            acknowledge(self._codepipeline, offered)
            return report(self._codepipeline, offered.id, failure_of(error))
        continuation = self._continuation(job)
        problem = self._remember(continuation.first_job_id, job)
        if not acknowledge(self._codepipeline, offered):
            logger.info("Another worker has the job")
            return None
        taken |= {job.pipeline, continuation.first_job_id}
        missing.pop(continuation.first_job_id, None)
        if problem is not None:
            return report(self._codepipeline, job.id, failure_of(problem, continuation.execution))
        if continuation.execution is None:
            result = self._process(job, continuation, may_be_continued=True)
        else:
            result = self._hold(job, continuation)
        if isinstance(result, Continue):
            missing[result.continuation.first_job_id] = job.id
        return result

    def _remember(self, first_job_id: str, job: Job) -> SteplineError | None:
        """Record the job before it is acknowledged: CodePipeline does not offer it again afterwards.

        Return an error that would return the next time. Raise `TransientAwsError`: the job is offered again.
        """
        try:
            self._open_jobs.remember(first_job_id, job.id, self._now())
        except TransientAwsError:
            raise
        except SteplineError as error:
            return error
        return None

    def _hold(self, job: Job, continuation: Continuation) -> JobResult | None:
        """Leave the job open until its execution ends, unless it has ended already."""
        assert continuation.execution is not None
        assert job.pipeline is not None
        parameters, _ = read_parameters(job.configuration, is_custom=job.is_custom)
        deadline = continuation.deadline(parameters.timeout_minutes)
        try:
            held = self._open_jobs.hold(
                continuation.first_job_id,
                job.id,
                continuation.execution,
                pipeline=job.pipeline,
                deadline=deadline,
                now=self._now(),
            )
        except SteplineError as error:
            logger.warning("The job could not be held", extra=error.fields)
            return self._process(job, continuation)
        if held is None:
            logger.info("Another worker has answered the job")
            return None
        if parameters.timeout_minutes != DEFAULT_TIMEOUT_MINUTES and deadline > self._now():
            scheduler = self._dependencies.clients.scheduler
            wake_at_timeout(scheduler, self._timeouts, continuation.first_job_id, deadline)
        try:
            return self._answer(job, continuation, has_ended=held.has_ended)
        except EndNotVisibleError as error:  # a sweep answers
            logger.warning("The held job is not answered yet", extra=error.fields)
            return None

    def _resume(self, open_job: OpenJob) -> None:
        """Go on with a job that was acknowledged before."""
        logger.append_keys(job_id=open_job.job_id)
        try:
            job = read_job(self._codepipeline, open_job.job_id)
        except TransientAwsError:
            raise
        except SteplineError as error:
            if not isinstance(error, JobNotFoundError):
                report(self._codepipeline, open_job.job_id, failure_of(error, open_job.execution))
            self._open_jobs.forget(open_job.first_job_id, open_job.job_id)
            return
        continuation = self._continuation(job)
        if continuation.execution is None:
            result = self._process(job, continuation)
        else:
            result = self._answer(job, continuation, has_ended=open_job.has_ended)
        if isinstance(result, Continue):
            self.take_jobs({result.continuation.first_job_id: job.id})

    def _answer(self, job: Job, continuation: Continuation, *, has_ended: bool) -> JobResult | None:
        """Report the result if the execution or its time has ended; otherwise leave the job open.

        DescribeExecution is eventually consistent, so an execution that has ended may seem to run.
        """
        for delay in (*(OLD_ANSWER_DELAYS_SECONDS if has_ended else ()), None):
            result = process_job(job, self._dependencies, self._remaining_seconds())
            if not changes_nothing(result, continuation):
                return self._report(job, continuation, result)
            if delay is not None:
                self._dependencies.sleep(delay)
        if has_ended and continuation.redriven is None:
            raise EndNotVisibleError("DescribeExecution does not show the end of the execution yet.")
        return None

    def _process(
        self, job: Job, continuation: Continuation, *, may_be_continued: bool = False
    ) -> JobResult | None:
        result = process_job(job, self._dependencies, self._remaining_seconds())
        return self._report(job, continuation, result, may_be_continued=may_be_continued)

    def _report(
        self, job: Job, continuation: Continuation, result: JobResult, *, may_be_continued: bool = False
    ) -> JobResult | None:
        """Report the result, and forget the action once it needs no other.

        `may_be_continued`: if the job is closed, another worker may have continued the action, and the next
        job needs the item.
        """
        reported = report(self._codepipeline, job.id, result)
        if isinstance(reported, Continue):  # an execution that was redriven belongs to another first job
            needs_item = reported.continuation.first_job_id == continuation.first_job_id
        elif reported is None and isinstance(result, Continue):
            needs_item = may_be_continued and not self._is_over(job, result.continuation)
        else:
            needs_item = False
        if not needs_item:
            self._open_jobs.forget(continuation.first_job_id, job.id)
        return reported

    def _is_over(self, job: Job, continuation: Continuation) -> bool:
        """Return whether the action has ended otherwise, and stop what was started for it."""
        if continuation.execution is None or job.pipeline is None:
            return False
        return self._stops.stop_if_ended(continuation.execution, job.pipeline)

    def _continuation(self, job: Job) -> Continuation:
        """Return the state in the job's token; that of a first job if the token is not valid."""
        now = self._now()
        if job.continuation_token is not None:
            try:
                return read_token(job.continuation_token, now)
            except TokenError:
                pass  # the job is about to fail with this
        return Continuation.of_job(job.id, now)


def _is_to_be_retried(result: JobResult | None) -> bool:
    """Return whether AWS could not be reached: the next job has to wait a little."""
    return isinstance(result, Continue) and result.continuation.execution is None
