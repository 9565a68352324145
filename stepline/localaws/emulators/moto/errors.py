"""Patches the errors of moto's states: their names, which Retry and Catch match, and their logs."""

from __future__ import annotations

import logging
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task_lambda
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_batch,
    state_task_service_lambda,
)

from stepline.localaws.protocol.service import service_model

_UNMODELED_BATCH_ERROR: Final = "AWSBatchException"
"""The name of an error that Batch's model does not have, such as TooManyRequestsException [observed]."""


def name_lambda_errors() -> None:
    """Name failed calls `Lambda.TooManyRequestsException` and so on; moto names them `Exception`."""
    for task in (state_task_lambda.StateTaskLambda, state_task_service_lambda.StateTaskServiceLambda):
        _name_lambda_errors_of(task)


def _name_lambda_errors_of(task: Any) -> None:
    original = task._from_error

    def from_error(self: Any, env: Any, ex: Exception) -> Any:
        event = original(self, env, ex)
        if isinstance(ex, ClientError):
            cause = ex.response["Error"]["Message"]
            return _renamed(event, f"Lambda.{ex.response['Error']['Code']}", cause, keep_cause=True)
        if isinstance(ex, BotoCoreError):
            return _renamed(event, "Lambda.SdkClientException", str(ex), keep_cause=True)
        return event

    task._from_error = from_error


def name_batch_errors() -> None:
    """Name failed calls of Batch as AWS does; moto uses any code, and another name without a response."""
    task = state_task_service_batch.StateTaskServiceBatch
    original = task._from_error
    modeled = {shape.name for shape in service_model("batch").error_shapes}

    def from_error(self: Any, env: Any, ex: Exception) -> Any:
        if isinstance(ex, ClientError):
            code = ex.response["Error"]["Code"]
            name = f"Batch.{code if code in modeled else _UNMODELED_BATCH_ERROR}"
            return _renamed(original(self, env, BotoCoreError()), name, _batch_cause(ex, code))
        event = original(self, env, ex)
        return (
            _renamed(event, "Batch.SdkClientException", str(ex)) if isinstance(ex, BotoCoreError) else event
        )

    task._from_error = from_error


def _batch_cause(error: ClientError, code: str) -> str:
    """Return the cause in the format of AWS: the message, then service, status, code and request."""
    metadata = error.response.get("ResponseMetadata", {})
    details = f"Service: AWSBatch; Status Code: {metadata.get('HTTPStatusCode', 0)}; Error Code: {code}"
    return f"{error.response['Error']['Message']} ({details}; Request ID: {metadata.get('RequestId', '')})"


def _renamed(event: Any, name: str, cause: str, *, keep_cause: bool = False) -> Any:
    event.error_name = CustomErrorName(name)
    (details,) = event.event_details.values()
    details.update(error=name, cause=(keep_cause and details.get("cause")) or cause)
    return event


def disable_error_logs() -> None:
    """Log no errors, which the history has; moto logs them with the machine's data at each level."""

    def log_nothing(*_args: object, **_settings: object) -> None:
        pass

    EvalComponent._log_failure_event_exception = log_nothing
    EvalComponent._log_exception = log_nothing
    logging.getLogger("moto.stepfunctions.parser").setLevel(logging.CRITICAL)
