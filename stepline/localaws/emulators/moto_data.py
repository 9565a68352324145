"""Patches of moto's interpreter of state machines: whom tasks call, data, and errors."""

from __future__ import annotations

import contextvars
import datetime
import functools
import json
import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import boto3
import jsonata
from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError, UnknownServiceError
from botocore.model import OperationModel
from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name import failure_event
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.common.string import string_expression
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task_lambda
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service,
    state_task_service_lambda,
)
from moto.stepfunctions.parser.asl.component.state.fail import state_fail
from moto.stepfunctions.parser.asl.eval import states, variable_store
from moto.stepfunctions.parser.asl.jsonata import jsonata as moto_jsonata
from moto.stepfunctions.parser.asl.utils import boto_client, encoding

from stepline.localaws.protocol.service import service_model

TaskClients = Callable[[str], Any]

task_clients: contextvars.ContextVar[TaskClients] = contextvars.ContextVar("task_clients")
"""The clients of the Task states, in the threads of an execution."""


def send_tasks_to_our_clients() -> None:
    """Tasks talk to `localhost` and moto's port: let them use the clients that the service was given."""
    boto_client.boto3 = SimpleNamespace(client=_task_client)


def _task_client(*, service_name: str, **settings: Any) -> Any:
    clients = task_clients.get(None)
    if clients is None:
        return boto3.client(service_name, **settings)  # type: ignore[call-overload]
    return _PlainAnswers(clients(service_name))


class _PlainAnswers:
    """A client whose answers hold no datetime: in a state machine they are text."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        return lambda **parameters: _without_datetimes(method(**parameters))


def _without_datetimes(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return aws_time(value)
    if isinstance(value, dict):
        return {key: _without_datetimes(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_datetimes(item) for item in value]
    return value


def name_fields_as_services_do() -> None:
    """Machines write `StateMachineArn`, the API `stateMachineArn`: moto left LocalStack's translation out."""
    service = state_task_service.StateTaskService

    def normalise_parameters(
        self: Any,
        parameters: Any,
        boto_service_name: str | None = None,
        service_action_name: str | None = None,
    ) -> None:
        operation = _operation(self, boto_service_name, service_action_name)
        if operation is not None and operation.input_shape is not None:
            self._to_boto_request(parameters, operation.input_shape)

    def normalise_response(
        self: Any, response: Any, boto_service_name: str | None = None, service_action_name: str | None = None
    ) -> None:
        operation = _operation(self, boto_service_name, service_action_name)
        if operation is not None and operation.output_shape is not None:
            self._from_boto_response(response, operation.output_shape)

    service._normalise_parameters = normalise_parameters
    service._normalise_response = normalise_response


def _operation(task: Any, service_name: str | None, action: str | None) -> OperationModel | None:
    """The operation that a task calls, or None if botocore does not know it: then the call fails."""
    try:
        operations = _operations(task._get_boto_service_name(boto_service_name=service_name))
    except UnknownServiceError:
        return None
    return operations.get(task._get_boto_service_action(service_action_name=action))


@functools.cache
def _operations(service_name: str) -> dict[str, OperationModel]:
    model = service_model(service_name)
    return {xform_name(name): model.operation_model(name) for name in model.operation_names}


def name_lambda_errors() -> None:
    """A call that Lambda refuses fails a task with `Exception`, one that does not arrive with the wrong name.

    AWS names them `Lambda.TooManyRequestsException` and so on, and that is what machines retry.
    """
    for task in (state_task_lambda.StateTaskLambda, state_task_service_lambda.StateTaskServiceLambda):
        _name_errors_of(task)


def _name_errors_of(task: Any) -> None:
    original = task._from_error

    def from_error(self: Any, env: Any, ex: Exception) -> Any:
        if isinstance(ex, ClientError):
            name, cause = f"Lambda.{ex.response['Error']['Code']}", ex.response["Error"]["Message"]
        elif isinstance(ex, BotoCoreError):
            name, cause = "Lambda.SdkClientException", str(ex)
        else:
            return original(self, env, ex)
        event = original(self, env, ex)
        event.error_name = CustomErrorName(name)
        (details,) = event.event_details.values()
        details.update(error=name, cause=details.get("cause") or cause)
        return event

    task._from_error = from_error


def let_fail_states_pass_on_errors() -> None:
    """A Fail state whose ErrorPath leads to a caught `States.Timeout` fails with `States.Runtime` instead.

    The names that begin with `States.` are reserved for what a definition says, not for what it passes on.
    """
    state_fail.CustomErrorName = _AnyErrorName


class _AnyErrorName(CustomErrorName):  # type: ignore[misc]
    def __init__(self, error_name: str | None) -> None:
        ErrorName.__init__(self, error_name)


def evaluate_jsonata() -> None:
    """JSONata needs a Java machine that moto does not bring: evaluate it in Python."""

    def evaluate(expression: str) -> Any:
        try:
            return json.loads(json.dumps(jsonata.Jsonata(expression).evaluate(None)))
        except Exception as error:
            raise moto_jsonata.JSONataException("UNKNOWN", str(error)) from error

    moto_jsonata._eval_jsonata = evaluate
    moto_jsonata.eval_jsonata_expression.__globals__["_eval_jsonata"] = evaluate


def fail_on_wrong_jsonata() -> None:
    """An expression that cannot be evaluated ends the machine with States.Runtime.

    On AWS it is States.QueryEvaluationError, which can be caught.
    """
    original = string_expression.StringJSONata._eval_body

    def evaluate(self: Any, env: Any) -> None:
        try:
            original(self, env)
        except moto_jsonata.JSONataException as error:
            cause = (
                f"The JSONata expression '{self.expression}' specified for the field '{env.next_field_name}' "
                f"threw an error during evaluation. {error.details}"
            )
            raise _evaluation_failure(env, cause) from error

    string_expression.StringJSONata._eval_body = evaluate


def _evaluation_failure(env: Any, cause: str) -> Exception:
    error_name = StatesErrorName(typ=StatesErrorNameType.StatesQueryEvaluationError)
    details = {"evaluationFailedEventDetails": {"error": error_name.error_name, "cause": cause}}
    failure: Exception = failure_event.FailureEventException(
        failure_event.FailureEvent(
            env=env,
            error_name=error_name,
            event_type=HistoryEventType.EvaluationFailed,
            event_details=details,
        )
    )
    return failure


def log_nothing() -> None:
    """Every error is logged with the data of the machine, and with all of its states, at each level."""

    def nothing(*_args: object, **_settings: object) -> None:
        """The history tells what failed."""

    EvalComponent._log_failure_event_exception = nothing
    EvalComponent._log_exception = nothing
    logging.getLogger("moto.stepfunctions.parser").setLevel(logging.CRITICAL)


def quote_jsonata_variables() -> None:
    """A variable's text is put between quotes as it is: a quote or line break in it breaks the expression."""

    def encode(bindings: dict[str, Any]) -> str:
        return "".join(
            f"{name}:={encoding.to_json_str(value, separators=(',', ':'))};"
            for name, value in bindings.items()
        )

    for module in (moto_jsonata, states, variable_store):
        module.encode_jsonata_variable_declarations = encode


def aws_time(moment: datetime.datetime) -> str:
    """A time as it reads in the data of a state machine: `2026-01-31T12:00:00.000Z`."""
    return (
        moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
    )
