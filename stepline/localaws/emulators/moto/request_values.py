"""Patches the values of requests and responses of tasks: AWS converts them by the service's model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from botocore.model import ListShape, MapShape, Shape, StructureShape
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service,
    state_task_service_unsupported,
)
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

_BOOLEANS: Final = {"true": True, "false": False}
_ATTRIBUTE_VALUE: Final = "AttributeValue"
_BOTO_SERVICES: Final = {"bedrock": "bedrock-runtime", "elasticmapreduce": "emr"}


def convert_values() -> None:
    """Convert values at every depth as AWS's SDK for Java does: `"true"` to a boolean, 5 to text.

    moto converts no booleans and numbers, and nothing in maps and lists. A text where DynamoDB expects a
    value is a string.
    """

    def to_request(_self: Any, parameters: Any, shape: Any) -> None:
        if isinstance(parameters, dict):
            converted = _request_value(parameters, shape)
            parameters.clear()
            parameters.update(converted)

    def from_response(self: Any, response: Any, shape: Any) -> None:
        if isinstance(response, dict):
            converted = _response_value(self, response, shape)
            response.clear()
            response.update(converted)

    state_task_service.StateTaskService._to_boto_request = to_request
    state_task_service.StateTaskService._from_boto_response = from_response


def call_models_of_bedrock() -> None:
    """Call Bedrock and EMR by their names in boto3, and parse the body of a model's response as JSON."""
    task = state_task_service_unsupported.StateTaskServiceUnsupported
    service_name, evaluate = task._get_boto_service_name, task._eval_service_task

    def boto_name(self: Any, boto_service_name: str | None = None) -> str:
        name = str(service_name(self, boto_service_name=boto_service_name))
        return _BOTO_SERVICES.get(name, name)

    def parsed(self: Any, env: Any, *args: Any, **settings: Any) -> None:
        evaluate(self, env, *args, **settings)
        response = env.stack[-1]
        if self.resource.service_name == "bedrock" and hasattr(body := response.get("body"), "read"):
            text = body.read()
            try:
                response["body"] = json.loads(text)
            except ValueError:
                response["body"] = text.decode(errors="replace")

    task._get_boto_service_name = boto_name
    task._eval_service_task = parsed


def _request_value(value: Any, shape: Shape) -> Any:
    if isinstance(shape, StructureShape):
        return _structure(value, shape)
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_request_value(item, shape.member) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, Mapping):
        return {name: _request_value(item, shape.value) for name, item in value.items()}
    return _scalar(value, shape.type_name)


def _structure(value: Any, shape: StructureShape) -> Any:
    if getattr(shape, "is_document_type", False):
        return value
    if shape.name == _ATTRIBUTE_VALUE and isinstance(value, str):
        return {"S": value}
    if not isinstance(value, Mapping):
        return value
    names = {state_task_service.camel_to_snake_case(name): name for name in shape.members}
    converted = {}
    for given, item in value.items():
        name = given if given in shape.members else names.get(state_task_service.camel_to_snake_case(given))
        converted[name or given] = _request_value(item, shape.members[name]) if name else item
    return converted


def _scalar(value: Any, kind: str) -> Any:
    """Return a scalar as the type of the model; what cannot be converted stays, and botocore refuses it."""
    if kind == "string" and not isinstance(value, str):
        return to_json_str(value, separators=(",", ":"))
    if kind == "blob" and not isinstance(value, bytes):
        return to_json_str(value, separators=(",", ":")).encode()
    if not isinstance(value, str):
        return int(value) if kind in {"integer", "long"} and _is_whole(value) else value
    if kind == "boolean":
        return _BOOLEANS.get(value.lower(), value)
    try:
        if kind in {"integer", "long"}:
            return int(value)
        if kind in {"float", "double"}:
            return float(value)
    except ValueError:
        pass
    return value


def _is_whole(value: Any) -> bool:
    return isinstance(value, float) and value.is_integer()


def _response_value(task: Any, value: Any, shape: Shape | None) -> Any:
    value = task._from_boto_response_value(value)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        return {
            task._to_sfn_cased(name) if name in shape.members else name: _response_value(
                task, item, shape.members.get(name)
            )
            for name, item in value.items()
        }
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_response_value(task, item, shape.member) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, Mapping):
        return {name: _response_value(task, item, shape.value) for name, item in value.items()}
    return value
