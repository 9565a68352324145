"""Patches moto's tasks that wait for another execution (`startExecution.sync`): they leave it running."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_sfn
from moto.stepfunctions.parser.asl.utils import boto_client

from stepline.localaws.stepfunctions.threads import CancelledError


def stop_nested_executions() -> None:
    """Stop the execution that a task waits for when the task ends first, as AWS does, at best effort.

    [Step Functions guide, "Run a Job (.sync)"]
    """
    task = state_task_service_sfn.StateTaskServiceSfn
    evaluate = task._eval_sync

    def evaluate_and_stop(
        self: Any, env: Any, sync_resolver: _StartedExecution, *args: Any, **settings: Any
    ) -> Any:
        try:
            outcome = evaluate(self, env, sync_resolver, *args, **settings)
        except CancelledError:
            if not env.event_manager.is_open:  # otherwise the local AWS stops
                sync_resolver.stop()
            raise
        if outcome is None:
            sync_resolver.stop()
        return outcome

    task._build_sync_resolver = _wrapped(task._build_sync_resolver)
    task._build_sync2_resolver = _wrapped(task._build_sync2_resolver)
    task._eval_sync = evaluate_and_stop


def _wrapped(build: Callable[..., Any]) -> Callable[..., _StartedExecution]:
    def build_resolver(
        self: Any, env: Any, resource_runtime_part: Any, normalised_parameters: Any, state_credentials: Any
    ) -> _StartedExecution:
        arn = env.stack[-1]["ExecutionArn"]
        client = boto_client.boto_client_for(
            service="stepfunctions",
            region=resource_runtime_part.region,
            state_credentials=state_credentials,
        )
        resolve = build(self, env, resource_runtime_part, normalised_parameters, state_credentials)
        return _StartedExecution(arn, resolve, client)

    return build_resolver


class _StartedExecution:
    """An execution to wait for. Calling it returns its result, or None before its end."""

    def __init__(self, arn: str, resolve: Callable[[], Any], client: Any) -> None:
        self._arn = arn
        self._resolve = resolve
        self._client = client

    def __call__(self) -> Any:
        return self._resolve()

    def stop(self) -> None:
        with suppress(ClientError, BotoCoreError):
            self._client.stop_execution(executionArn=self._arn)
