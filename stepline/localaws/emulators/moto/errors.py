"""Patches the errors of moto's states: their names, which Retry and Catch match, and their logs."""

from __future__ import annotations

import logging
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.error_equals_decl import ErrorEqualsDecl
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task_lambda
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_api_gateway,
    state_task_service_batch,
    state_task_service_dynamodb,
    state_task_service_events,
    state_task_service_glue,
    state_task_service_lambda,
    state_task_service_sfn,
    state_task_service_sns,
    state_task_service_sqs,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task import StateTask
from moto.stepfunctions.parser.asl.eval.callback.callback import HeartbeatTimeoutError
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError

from stepline.localaws.emulators.moto.failures import state_failure
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
        if isinstance(ex, NoSuchJsonPathError):
            return ExecutionState._from_error(self, env, ex)
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


def describe_missing_paths() -> None:
    """Name the field in the error of a path that is missing; moto does so only in some states."""
    original = ExecutionState._from_error

    def from_error(self: Any, env: Any, ex: Exception) -> Any:
        if not isinstance(ex, NoSuchJsonPathError):
            return original(self, env, ex)
        field = getattr(ex, "field", env.next_field_name)
        cause = (
            f"The JSONPath '{ex.json_path}' specified for the field '{field}' could not be found in the "
            f"input '{to_json_str(ex.data)}'"
        )
        return state_failure(env, StatesErrorNameType.StatesRuntime, cause).failure_event

    ExecutionState._from_error = from_error


def pass_on_failures() -> None:
    """Keep failures of a task's fields; moto's integrations report them as errors of their service."""
    for task in (
        state_task_lambda.StateTaskLambda,
        state_task_service_api_gateway.StateTaskServiceApiGateway,
        state_task_service_batch.StateTaskServiceBatch,
        state_task_service_dynamodb.StateTaskServiceDynamoDB,
        state_task_service_events.StateTaskServiceEvents,
        state_task_service_glue.StateTaskServiceGlue,
        state_task_service_lambda.StateTaskServiceLambda,
        state_task_service_sfn.StateTaskServiceSfn,
        state_task_service_sns.StateTaskServiceSns,
        state_task_service_sqs.StateTaskServiceSqs,
    ):
        task._from_error = _passing_on_failures(task._from_error)


def _passing_on_failures(original: Any) -> Any:
    def from_error(self: Any, env: Any, ex: Exception) -> Any:
        if isinstance(ex, FailureEventException):
            return ex.failure_event
        if isinstance(ex, NoSuchJsonPathError):
            return ExecutionState._from_error(self, env, ex)
        return original(self, env, ex)

    return from_error


def name_the_state_that_failed() -> None:
    """Name the state of an iteration or a branch in the cause; moto adds the state around it, as `None`."""
    exception = FailureEventException
    execution_details = exception.get_execution_failed_event_details

    def details(self: Any) -> Any:
        found = execution_details(self)
        error_and_cause = self.extract_error_cause_pair()
        if found and error_and_cause and str(error_and_cause[1]).startswith(_STATE_IS_NAMED):
            found["cause"] = error_and_cause[1]
        return found

    exception.get_execution_failed_event_details = details


_STATE_IS_NAMED: Final = "An error occurred while executing the state '"


def match_errors() -> None:
    """Match errors as AWS does; in moto `States.ALL` matches errors that always fail the execution.

    A missed heartbeat is a `States.Timeout` [recorded], which also `States.HeartbeatTimeout` matches
    [guide, "Handling errors in Step Functions workflows"].
    """

    def evaluate(self: Any, env: Any) -> None:
        error = env.stack.pop()
        name = None if error is None else error.error_name
        found = {each.error_name for each in self.error_names}
        names = {name, _HEARTBEAT} if isinstance(error, _HeartbeatErrorName) else {name}
        by_wildcard = ("States.ALL" in found and name not in _TERMINAL_ERRORS) or (
            "States.TaskFailed" in found and name not in _NOT_TASK_FAILURES
        )
        env.stack.append(bool(found & names) or by_wildcard)

    ErrorEqualsDecl._eval_body = evaluate
    original = StateTask._from_error

    def from_error(self: Any, env: Any, ex: Exception) -> Any:
        event = original(self, env, ex)
        if isinstance(ex, HeartbeatTimeoutError):
            event.error_name = _HeartbeatErrorName(StatesErrorNameType.StatesTimeout)
        return event

    StateTask._from_error = from_error


class _HeartbeatErrorName(StatesErrorName):  # type: ignore[misc] # moto has no types
    """A missed heartbeat."""


_HEARTBEAT: Final = StatesErrorNameType.StatesHeartbeatTimeout.to_name()
_TERMINAL_ERRORS: Final = frozenset({"States.DataLimitExceeded", "States.Runtime"})
_NOT_TASK_FAILURES: Final = _TERMINAL_ERRORS | {"States.Timeout"}


def disable_error_logs() -> None:
    """Log no errors, which the history has; moto logs them with the machine's data at each level."""

    def log_nothing(*_args: object, **_settings: object) -> None:
        pass

    EvalComponent._log_failure_event_exception = log_nothing
    EvalComponent._log_exception = log_nothing
    logging.getLogger("moto.stepfunctions.parser").setLevel(logging.CRITICAL)
