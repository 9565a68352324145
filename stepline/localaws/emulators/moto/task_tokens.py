"""Patches the tokens of moto's tasks: all attempts of a task have the same one."""

from __future__ import annotations

from typing import Any, Final

from moto.stepfunctions.parser.asl.component.common.retry.retry_outcome import RetryOutcome
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_callback,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackConsumerLeft

_TASK: Final = "Task"
"""The member of the context object that has the token."""


def renew_task_tokens() -> None:
    """Give each attempt of a task its own token; that of an attempt that has failed is no longer valid.

    [https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-wait-token] "If a
    task using the callback task token times out, a new random token is generated."
    """
    state_task_service_callback.StateTaskServiceCallback._handle_retry = _with_a_new_token


def _with_a_new_token(task: Any, env: Any, failure_event: Any) -> RetryOutcome:
    context, callbacks = env.states.context_object, env.callback_pool_manager
    token = context.context_object_data.get(_TASK, {}).get("Token")
    if token is not None:
        callbacks.get(token).report(CallbackConsumerLeft())
    outcome = ExecutionState._handle_retry(task, env=env, failure_event=failure_event)
    if token is not None and outcome == RetryOutcome.CanRetry:
        callbacks.add(context.update_task_token())
    return outcome
