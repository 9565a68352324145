"""Patches moto's tasks that wait for a job of AWS Batch (`.sync`): they poll it, and leave it running."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_batch
from moto.stepfunctions.parser.asl.utils import boto_client

from stepline.localaws.stepfunctions.threads import CancelledError, own_threads

POLL_SECONDS: Final = 60.0
"""Until a job that ended without an event is noticed; AWS uses events and polling, too."""

_TERMINATION_REASON: Final = "Terminated by AWS Step Functions: the task was stopped"


def wait_for_job_events() -> None:
    """Wait for the job's event, and terminate the job when its task ends first, as AWS does.

    moto polls twice a second on two threads, and leaves the job [Step Functions guide, "Run a Job (.sync)"].
    """
    task = state_task_service_batch.StateTaskServiceBatch
    build = task._build_sync_resolver

    def build_resolver(
        self: Any, env: Any, resource_runtime_part: Any, normalised_parameters: Any, state_credentials: Any
    ) -> _SubmittedJob:
        submitted = env.stack[-1]
        client = boto_client.boto_client_for(
            service="batch", region=resource_runtime_part.region, state_credentials=state_credentials
        )
        resolve = build(self, env, resource_runtime_part, normalised_parameters, state_credentials)
        return _SubmittedJob(submitted["JobId"], submitted["JobArn"], resolve, client)

    def evaluate(_self: Any, env: Any, sync_resolver: _SubmittedJob, *_args: Any, **_kwargs: Any) -> Any:
        return sync_resolver.wait(env)

    task._build_sync_resolver = build_resolver
    task._eval_sync = evaluate


class _SubmittedJob:
    """A job to wait for. `resolve` returns a job that has succeeded, None before, and raises if it failed."""

    def __init__(self, job_id: str, arn: str, resolve: Callable[[], Any], client: Any) -> None:
        self._job_id = job_id
        self._arn = arn
        self._resolve = resolve
        self._client = client

    def wait(self, env: Any) -> Any:
        """Return the job when it has succeeded, or None if the task was stopped."""
        threads = own_threads()
        try:
            with threads.subscribe(self._arn) as job_event:
                while env.is_running():
                    job_event.clear()
                    if (job := self._resolve()) is not None:
                        return job
                    threads.wait(lambda: job_event.is_set() or not env.is_running(), POLL_SECONDS)
        except CancelledError:
            if not env.event_manager.is_open:  # otherwise the local AWS stops, and Batch ends its jobs
                self._terminate()
            raise
        self._terminate()
        return None

    def _terminate(self) -> None:
        """Terminate the job, at best effort [Step Functions guide]."""
        with suppress(ClientError, BotoCoreError):
            self._client.terminate_job(jobId=self._job_id, reason=_TERMINATION_REASON)
