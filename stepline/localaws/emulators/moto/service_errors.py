"""Patches the names of errors of services that tasks call, which Retry and Catch match."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_aws_sdk,
    state_task_service_ecs,
    state_task_service_events,
    state_task_service_sfn,
    state_task_service_unsupported,
)
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

from stepline.localaws.emulators.moto.failures import task_failure
from stepline.localaws.protocol.service import service_model
from stepline.localaws.stepfunctions import sdk_services


def name_errors_of_the_sdk() -> None:
    """Name errors of `aws-sdk` tasks as AWS, `S3.NoSuchKeyException`; moto names them `s3.NoSuchKey`.

    moto also calls services by their names in boto3, which only some have in resources.
    """
    task = state_task_service_aws_sdk.StateTaskServiceAwsSdk
    original = task._from_error

    def service_name(self: Any, boto_service_name: str | None = None) -> str:
        name = boto_service_name or self.resource.api_name
        return sdk_services.boto_service_name(name) or name

    def from_error(self: Any, env: Any, ex: Exception) -> Any:
        service = sdk_services.error_prefix(self._get_boto_service_name())
        if isinstance(ex, BotoCoreError):
            return task_failure(self, env, f"{service}.SdkClientException", str(ex))
        if not isinstance(ex, ClientError):
            return original(self, env, ex)
        metadata = ex.response.get("ResponseMetadata", {})
        details = [
            f"Service: {service}",
            f"Status Code: {metadata.get('HTTPStatusCode', 0)}",
            f"Request ID: {metadata.get('RequestId', '')}",
        ]
        if "HostId" in metadata:
            details.append(f"Extended Request ID: {metadata['HostId']}")
        cause = f"{ex.response['Error']['Message']} ({', '.join(details)})"
        return task_failure(self, env, f"{service}.{_exception_name(service, ex)}", cause)

    task._get_boto_service_name = service_name
    task._from_error = from_error


def _exception_name(service: str, error: ClientError) -> str:
    """Return the class of the error in the SDK: of the model, or the service's own, `S3Exception`."""
    modeled = type(error).__name__
    return _with_suffix(service if modeled == "ClientError" else modeled)


def _with_suffix(name: str) -> str:
    return name if name.endswith("Exception") else f"{name}Exception"


def name_errors_of_other_services() -> None:
    """Name errors of ECS, CodeBuild, Athena and so on after the service; moto names them `States.Runtime`."""
    for task in (
        state_task_service_ecs.StateTaskServiceEcs,
        state_task_service_unsupported.StateTaskServiceUnsupported,
    ):
        task._from_error = _named_by_service(task._from_error)


def name_errors_of_nested_executions() -> None:
    """Name errors of `startExecution` after the SDK's classes, of which there is none for a throttle.

    moto adds Exception to every code, `StepFunctions.ThrottlingExceptionException`.
    """
    task = state_task_service_sfn.StateTaskServiceSfn
    original = task._from_error
    modeled = {shape.name for shape in service_model("stepfunctions").error_shapes}

    def from_error(self: Any, env: Any, ex: Exception) -> Any:
        if isinstance(ex, BotoCoreError):
            return task_failure(self, env, "StepFunctions.SdkClientException", str(ex))
        if isinstance(ex, ClientError) and ex.response["Error"]["Code"] not in modeled:
            message = ex.response["Error"]["Message"]
            return task_failure(self, env, "StepFunctions.AWSStepFunctionsException", message)
        return original(self, env, ex)

    task._from_error = from_error


_DISPLAY_NAMES: Final = {
    "athena": "Athena",
    "codebuild": "CodeBuild",
    "ecs": "ECS",
    "eks": "EKS",
    "elasticmapreduce": "ElasticMapReduce",
    "sagemaker": "SageMaker",
}
"""Services in the names of errors [guide, pages of the optimized integrations]."""


def _named_by_service(original: Any) -> Any:
    def from_error(self: Any, env: Any, ex: Exception) -> Any:
        if not isinstance(ex, ClientError):
            return original(self, env, ex)
        service = _DISPLAY_NAMES.get(self.resource.service_name, self.resource.service_name)
        code = ex.response["Error"]["Code"]
        metadata = ex.response.get("ResponseMetadata", {})
        details = (
            f"Service: {service}; Status Code: {metadata.get('HTTPStatusCode', 0)}; "
            f"Error Code: {code}; Request ID: {metadata.get('RequestId', '')}; Proxy: null"
        )
        return task_failure(
            self, env, f"{service}.{_with_suffix(code)}", f"{ex.response['Error']['Message']} ({details})"
        )

    return from_error


def refuse_malformed_events() -> None:
    """Fail with EventBridge.FailedEntry if `Detail` is not a JSON object; ministack accepts any text."""
    task = state_task_service_events.StateTaskServiceEvents
    original = task._eval_service_task

    def evaluate(self: Any, env: Any, *args: Any, normalised_parameters: Any, **settings: Any) -> None:
        entries = [_entry_error(entry) for entry in normalised_parameters.get("Entries", [])]
        if failed := sum("ErrorCode" in entry for entry in entries):
            cause = {"Entries": entries, "FailedEntryCount": failed}
            raise state_task_service_events.SfnFailedEntryCountException(cause=to_json_str(cause))
        original(self, env, *args, normalised_parameters=normalised_parameters, **settings)

    task._eval_service_task = evaluate


def _entry_error(entry: Mapping[str, Any]) -> dict[str, str]:
    try:
        is_object = isinstance(json.loads(entry.get("Detail", "{}")), dict)
    except (TypeError, ValueError):
        is_object = False
    if is_object:
        return {}
    return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
