"""Patches of moto's interpreter of state machines: tasks that wait for a job of AWS Batch (`.sync`)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_batch,
    state_task_service_callback,
)
from moto.stepfunctions.parser.asl.utils import boto_client

from stepline.localaws.protocol.service import service_model
from stepline.localaws.stepfunctions.threads import CancelledError, current_threads

POLL_SECONDS: Final = 60.0
"""A job that ends without an event is noticed after so long, as on AWS, where both are used."""

_STOPPED: Final = "Terminated by AWS Step Functions: the task was stopped"
_UNMODELED: Final = "AWSBatchException"
"""How Step Functions names what is no error of Batch's model, such as TooManyRequestsException [observed]."""


def wait_for_jobs() -> None:
    """A task that waits for a job asks for it twice a second, on two threads, and leaves it when stopped.

    Let it wait for the job's own event, and terminate the job when the task ends before it, as AWS does
    [Step Functions guide, "Run a Job (.sync)"].
    """
    task = state_task_service_batch.StateTaskServiceBatch
    build = task._build_sync_resolver

    def build_resolver(
        self: Any, env: Any, resource_runtime_part: Any, normalised_parameters: Any, state_credentials: Any
    ) -> _AwaitedJob:
        submitted = env.stack[-1]
        client = boto_client.boto_client_for(
            service="batch", region=resource_runtime_part.region, state_credentials=state_credentials
        )
        resolve = build(self, env, resource_runtime_part, normalised_parameters, state_credentials)
        return _AwaitedJob(submitted["JobId"], submitted["JobArn"], resolve, client)

    def evaluate(self: Any, env: Any, sync_resolver: Any, *args: Any, **kwargs: Any) -> Any:
        if current_threads() is None:
            return original(self, *args, env=env, sync_resolver=sync_resolver, **kwargs)
        return sync_resolver.wait(env)

    original = state_task_service_callback.StateTaskServiceCallback._eval_sync
    task._build_sync_resolver = build_resolver
    task._eval_sync = evaluate


class _AwaitedJob:
    """A job that was submitted. `resolve` answers with the job when it succeeded, raises when it failed."""

    def __init__(self, job_id: str, arn: str, resolve: Callable[[], Any], client: Any) -> None:
        self._job_id = job_id
        self._arn = arn
        self._resolve = resolve
        self._client = client

    def __call__(self) -> Any:
        return self._resolve()

    def wait(self, env: Any) -> Any:
        """The job, or None if the task was stopped."""
        threads = current_threads()
        assert threads is not None
        try:
            with threads.subscribe(self._arn) as news:
                while env.is_running():
                    news.clear()
                    if (job := self._resolve()) is not None:
                        return job
                    threads.wait(lambda: news.is_set() or not env.is_running(), POLL_SECONDS)
        except CancelledError:
            if not env.event_manager.is_open:  # else the local AWS itself ends, and Batch with it
                self._terminate()
            raise
        self._terminate()
        return None

    def _terminate(self) -> None:
        """At best effort [Step Functions guide]."""
        with suppress(ClientError, BotoCoreError):
            self._client.terminate_job(jobId=self._job_id, reason=_STOPPED)


def name_batch_errors() -> None:
    """A call that Batch refuses is named after any code, and one that does not arrive has the wrong name."""
    task = state_task_service_batch.StateTaskServiceBatch
    original = task._from_error
    modeled = {shape.name for shape in service_model("batch").error_shapes}

    def from_error(self: Any, env: Any, ex: Exception) -> Any:
        if isinstance(ex, ClientError):
            code = ex.response["Error"]["Code"]
            name = f"Batch.{code if code in modeled else _UNMODELED}"
            cause = _cause(ex, code)
        elif isinstance(ex, BotoCoreError):
            name, cause = "Batch.SdkClientException", str(ex)
        else:
            return original(self, env, ex)
        event = original(self, env, BotoCoreError())
        event.error_name = CustomErrorName(name)
        (details,) = event.event_details.values()
        details.update(error=name, cause=cause)
        return event

    task._from_error = from_error


def _cause(error: ClientError, code: str) -> str:
    """As AWS writes it: the message, then what was answered by whom."""
    metadata = error.response.get("ResponseMetadata", {})
    told = f"Service: AWSBatch; Status Code: {metadata.get('HTTPStatusCode', 0)}; Error Code: {code}"
    return f"{error.response['Error']['Message']} ({told}; Request ID: {metadata.get('RequestId', '')})"
