"""Patches moto's Task states: they call moto's own server, with field names that boto3 does not take."""

from __future__ import annotations

import contextlib
import contextvars
import datetime
import functools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType, SimpleNamespace
from typing import Any, Final

from botocore import xform_name
from botocore.exceptions import UnknownServiceError
from botocore.model import OperationModel
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service,
    state_task_service_dynamodb,
    state_task_service_lambda,
    state_task_service_sfn,
    state_task_service_sns,
    state_task_service_sqs,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task import StateTask
from moto.stepfunctions.parser.asl.utils import boto_client

from stepline.localaws.emulators.moto.data import aws_time
from stepline.localaws.iam import acting_as, current_actor
from stepline.localaws.protocol.service import service_model
from stepline.localaws.stepfunctions.interpreter import TaskClients

_OK: Final = 200

_last_metadata: contextvars.ContextVar[Mapping[str, Any]] = contextvars.ContextVar(
    "last_metadata", default=MappingProxyType({})
)
"""The metadata of the last response on the current thread, which each task has for itself."""

task_clients: contextvars.ContextVar[TaskClients] = contextvars.ContextVar("task_clients")
"""The clients of the execution that the current thread belongs to."""


_task_role: contextvars.ContextVar[str] = contextvars.ContextVar("task_role", default="")
"""The role in the `Credentials` of the task that the current thread runs."""


def assume_roles_of_tasks() -> None:
    """Let a task with `Credentials` call services with that role, which the machine's role assumes.

    Step Functions sends the ARN of the state machine as external id
    [https://docs.aws.amazon.com/step-functions/latest/dg/concepts-cross-acct-sync-pattern.html].
    """
    StateTask._eval_state_credentials = _remembering_the_role(StateTask._eval_state_credentials)


def _remembering_the_role(evaluate: Any) -> Any:
    @functools.wraps(evaluate)
    def evaluated(task: Any, env: Any) -> Any:
        found = evaluate(task, env=env)
        _task_role.set(found.role_arn if task.credentials else "")
        return found

    return evaluated


@contextlib.contextmanager
def _acting_as_the_task() -> Iterator[None]:
    role, actor = _task_role.get(), current_actor()
    if not role or actor is None:
        yield
        return
    own = replace(actor, role_arn=role, via=actor.role_arn)
    with acting_as(own):
        yield


def use_given_task_clients() -> None:
    """Call services with the execution's clients; moto's tasks call `localhost` and moto's port."""
    boto_client.boto3 = SimpleNamespace(client=_task_client)


def _task_client(*, service_name: str, **_settings: Any) -> _TextDatesClient:
    return _TextDatesClient(task_clients.get()(service_name))


class _TextDatesClient:
    """A client that returns datetimes as text, which is what the data of a state machine can hold."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(**parameters: Any) -> Any:
            with _acting_as_the_task():
                response = method(**parameters)
            if isinstance(response, dict):
                _last_metadata.set(response.get("ResponseMetadata", {}))
            return _with_text_dates(response)

        return call


def describe_http_responses() -> None:
    """Add what AWS tells about the HTTP response to the results of optimized integrations; moto drops it.

    The results of `aws-sdk` tasks do not have it [recorded].
    """
    for task in (
        state_task_service_dynamodb.StateTaskServiceDynamoDB,
        state_task_service_lambda.StateTaskServiceLambda,
        state_task_service_sfn.StateTaskServiceSfn,
        state_task_service_sns.StateTaskServiceSns,
        state_task_service_sqs.StateTaskServiceSqs,
    ):
        task._eval_service_task = _with_http_response(task._eval_service_task)


def _with_http_response(original: Any) -> Any:
    def evaluate(self: Any, env: Any, *args: Any, **settings: Any) -> None:
        original(self, env, *args, **settings)
        metadata = _last_metadata.get()
        if isinstance(result := env.stack[-1], dict):
            headers = {str(name): str(value) for name, value in metadata.get("HTTPHeaders", {}).items()}
            result["SdkHttpMetadata"] = {
                "AllHttpHeaders": {name: [value] for name, value in headers.items()},
                "HttpHeaders": headers,
                "HttpStatusCode": metadata.get("HTTPStatusCode", _OK),
            }
            result["SdkResponseMetadata"] = {"RequestId": metadata.get("RequestId", "")}

    return evaluate


def _with_text_dates(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return aws_time(value)
    if isinstance(value, dict):
        return {key: _with_text_dates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_text_dates(item) for item in value]
    return value


def translate_field_names() -> None:
    """Translate `StateMachineArn` of a definition to the API's `stateMachineArn`; moto does not."""
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
    """Return the operation that a task calls, or None for an unknown one, whose call fails."""
    try:
        operations = _operations(task._get_boto_service_name(boto_service_name=service_name))
    except UnknownServiceError:
        return None
    return operations.get(task._get_boto_service_action(service_action_name=action))


@functools.cache
def _operations(service_name: str) -> dict[str, OperationModel]:
    model = service_model(service_name)
    return {xform_name(name): model.operation_model(name) for name in model.operation_names}
