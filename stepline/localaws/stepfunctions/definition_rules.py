"""What Step Functions checks in the states of a definition: fields, names, resources, errors, paths.

Codes are those of ValidateStateMachineDefinitionDiagnostic; messages are AWS's where they are known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore import xform_name

from stepline.localaws.protocol.service import service_model
from stepline.localaws.stepfunctions import intrinsic_functions
from stepline.localaws.stepfunctions.models import MachineType
from stepline.localaws.stepfunctions.sdk_services import boto_service_name

SCHEMA: Final = "SCHEMA_VALIDATION_FAILED"
MAX_STATE_NAME_CHARACTERS: Final = 80
MAX_SECONDS: Final = 99_999_999

_STATE: Final = frozenset({"Type", "Comment", "QueryLanguage"})
_FLOW: Final = frozenset({"Next", "End"})
_DATA: Final = frozenset({"InputPath", "OutputPath", "Output", "Assign"})
_RESULT: Final = frozenset({"ResultPath", "ResultSelector", "Parameters", "Arguments", "Retry", "Catch"})
_TIMES: Final = frozenset(
    {"TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath"}
)
_MAP: Final = frozenset(
    {
        "ItemBatcher",
        "ItemProcessor",
        "ItemReader",
        "ItemSelector",
        "Items",
        "ItemsPath",
        "Iterator",
        "Label",
        "MaxConcurrency",
        "MaxConcurrencyPath",
        "ResultWriter",
        "ToleratedFailureCount",
        "ToleratedFailureCountPath",
        "ToleratedFailurePercentage",
        "ToleratedFailurePercentagePath",
    }
)
_WAITS: Final = frozenset({"Seconds", "SecondsPath", "Timestamp", "TimestampPath"})
_FIELDS: Final = {
    "Choice": _STATE | _DATA | {"Choices", "Default"},
    "Fail": _STATE | {"Error", "ErrorPath", "Cause", "CausePath", "Assign"},
    "Map": _STATE | _FLOW | _DATA | _RESULT | _MAP,
    "Parallel": _STATE | _FLOW | _DATA | _RESULT | {"Branches"},
    "Pass": _STATE | _FLOW | _DATA | {"Result", "ResultPath", "Parameters"},
    "Succeed": _STATE | _DATA,
    "Task": _STATE | _FLOW | _DATA | _RESULT | _TIMES | {"Resource", "Credentials"},
    "Wait": _STATE | _FLOW | _DATA | _WAITS,
}
"""Type -> the fields that it has [guide, "Workflow states"; Amazon States Language]."""

_REQUIRED: Final = {"Choice": "Choices", "Parallel": "Branches", "Task": "Resource"}
_NOT_EMPTY: Final = ("Branches", "Choices")
_POSITIVE: Final = ("TimeoutSeconds", "HeartbeatSeconds")
_TEMPLATES: Final = ("Parameters", "ResultSelector", "ItemSelector", "Assign")
_OPTIMIZED: Final = frozenset(
    {
        "apigateway", "athena", "batch", "bedrock", "codebuild", "databrew", "dynamodb", "ecs", "eks",
        "elasticmapreduce", "emr-containers", "emr-serverless", "events", "glue", "http", "lambda",
        "mediaconvert", "sagemaker", "sns", "sqs", "states",
    }
)  # fmt: skip
"""[guide, "Integrating optimized services"]"""

_PARTS_OF_AN_ACTIVITY: Final = 7

_NOT_RECOGNIZED: Final = (
    "The resource provided {} is not recognized. The value is not a valid resource ARN, or the resource is "
    "not available in this region."
)


@dataclass(frozen=True)
class Finding:
    """One error, or a warning. `location` is a JSON pointer."""

    code: str
    message: str
    location: str = ""
    severity: str = "ERROR"


@dataclass(frozen=True)
class Scope:
    """What the machine says for all of its states."""

    type: MachineType
    is_jsonata: bool


def required(container: Mapping[str, Any], fields: tuple[str, ...], at: str) -> Iterator[Finding]:
    """Yield the fields that are missing, in one finding."""
    if missing := [field for field in fields if field not in container]:
        yield Finding(SCHEMA, f"These fields are required: [{', '.join(missing)}]", at or "/")


def check_state(name: str, state: Mapping[str, Any], at: str, scope: Scope) -> Iterator[Finding]:
    """Yield the errors of a state, without those of the machines in it."""
    if len(name) > MAX_STATE_NAME_CHARACTERS:
        message = f"State names must have at most {MAX_STATE_NAME_CHARACTERS} characters"
        yield Finding("INVALID_STATE_NAME", message, at)
    kind = state.get("Type")
    if kind is None:
        yield from required(state, ("Type",), at)
        return
    if not isinstance(kind, str) or kind not in _FIELDS:
        yield Finding(SCHEMA, f"Value is not valid, expected one of: {', '.join(_FIELDS)}", f"{at}/Type")
        return
    yield from _fields(kind, state, at)
    yield from _transitions(kind, state, at)
    yield from _numbers(state, _POSITIVE, at, least=1)
    yield from _handlers(state, at)
    if kind == "Task":
        yield from _resource(state, at, scope)
    yield from _language(state, at, scope)


def _fields(kind: str, state: Mapping[str, Any], at: str) -> Iterator[Finding]:
    for field in state:
        if field not in _FIELDS[kind]:
            yield Finding(SCHEMA, "Field is not supported", f"{at}/{field}")
    if kind in _REQUIRED:
        yield from required(state, (_REQUIRED[kind],), at)
    if kind == "Map" and "Iterator" not in state:
        yield from required(state, ("ItemProcessor",), at)
    if kind == "Wait" and len(_WAITS & state.keys()) != 1:
        yield Finding(SCHEMA, f"Exactly one of these fields is required: {sorted(_WAITS)}", at)
    for field in _NOT_EMPTY:
        if state.get(field) == []:
            yield Finding(SCHEMA, "Value cannot be empty", f"{at}/{field}")


def _transitions(kind: str, state: Mapping[str, Any], at: str) -> Iterator[Finding]:
    if "Next" not in _FIELDS[kind]:
        return
    ends = state.get("End") is True
    if "Next" not in state and not ends:
        yield Finding(SCHEMA, "One of these fields is required: [Next, End]", at)
    if "Next" in state and ends:
        yield Finding(SCHEMA, "Only one of these fields is allowed: [Next, End]", at)


def _numbers(
    container: Mapping[str, Any], fields: tuple[str, ...], at: str, *, least: int
) -> Iterator[Finding]:
    for field in fields:
        value = container.get(field)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and not least <= value <= MAX_SECONDS:  # type: ignore[operator]
            message = f"Value must be between {least} and {MAX_SECONDS}"
            yield Finding(SCHEMA, message, f"{at}/{field}")


def _handlers(state: Mapping[str, Any], at: str) -> Iterator[Finding]:
    for field in ("Retry", "Catch"):
        rules = state.get(field)
        rules = rules if isinstance(rules, list) else []
        for index, rule in enumerate(rules):
            place = f"{at}/{field}[{index}]"
            names = rule.get("ErrorEquals") if isinstance(rule, dict) else None
            if not isinstance(names, list):
                yield from required(rule if isinstance(rule, dict) else {}, ("ErrorEquals",), place)
                continue
            if not names:
                yield Finding(SCHEMA, "Value cannot be empty", f"{place}/ErrorEquals")
            if "States.ALL" in names and (len(names) > 1 or index < len(rules) - 1):
                message = "States.ALL must appear alone and in the last element"
                yield Finding(SCHEMA, message, f"{place}/ErrorEquals")
            yield from _numbers(rule, ("IntervalSeconds", "BackoffRate", "MaxDelaySeconds"), place, least=1)
            yield from _numbers(rule, ("MaxAttempts",), place, least=0)


def _resource(state: Mapping[str, Any], at: str, scope: Scope) -> Iterator[Finding]:
    resource = state.get("Resource")
    if not isinstance(resource, str):
        return
    place = f"{at}/Resource"
    if not resource.startswith("arn:"):
        yield Finding(SCHEMA, "Value is not a valid resource ARN", place)
        return
    parts = resource.split(":")
    if len(parts) < 6 or parts[2] != "states":
        return
    if parts[5] == "activity" and len(parts) == _PARTS_OF_AN_ACTIVITY:
        if scope.type is MachineType.EXPRESS:
            yield Finding(SCHEMA, "Express state machine does not support activities", place)
        return
    if not _is_integration(parts[5:]):
        yield Finding(SCHEMA, _NOT_RECOGNIZED.format(resource), place)
    for pattern in (".waitForTaskToken", ".sync"):
        if scope.type is MachineType.EXPRESS and pattern in resource:
            message = f"Express state machine does not support '{pattern}' service integration "
            yield Finding(SCHEMA, message, place)


def _is_integration(parts: list[str]) -> bool:
    if parts[0] != "aws-sdk":
        return parts[0] in _OPTIMIZED
    service = boto_service_name(parts[1]) if len(parts) > 2 else None
    if service is None:
        return False
    action = parts[2].partition(".")[0]
    names = service_model(service).operation_names
    return action[:1].islower() and xform_name(action) in {xform_name(name) for name in names}


def _language(state: Mapping[str, Any], at: str, scope: Scope) -> Iterator[Finding]:
    declared = state.get("QueryLanguage")
    if declared == "JSONPath" and scope.is_jsonata:
        message = "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine"
        yield Finding(SCHEMA, message, at)
        return
    if declared == "JSONata" or (declared is None and scope.is_jsonata):
        return
    for field in _TEMPLATES:
        if field in state:
            yield from _template(state[field], f"{at}/{field}")
    if state.get("Type") == "Pass" and _has_path(state.get("Result")):
        message = "Result is static: a path in it is not evaluated. Use Parameters"
        yield Finding("PASS_RESULT_IS_STATIC", message, f"{at}/Result", "WARNING")


def _template(value: Any, at: str) -> Iterator[Finding]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _template(item, f"{at}[{index}]")
    if not isinstance(value, dict):
        return
    for name, item in value.items():
        if name.endswith(".$"):
            if not _is_path_or_function(item):
                kinds = "a valid JSONPath or a valid intrinsic function call"
                yield Finding(SCHEMA, f"The value for the field '{name}' must be {kinds}", at)
        elif isinstance(item, str) and item.startswith("$."):
            message = f"The name of the field '{name}' does not end with '.$', so its value is no path"
            yield Finding("NO_DOLLAR", message, f"{at}/{name}", "WARNING")
        else:
            yield from _template(item, f"{at}/{name}")


def _is_path_or_function(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    if value.startswith("$"):
        return True
    try:
        intrinsic_functions.parse(value)
    except ValueError:
        return False
    return True


def _has_path(value: Any) -> bool:
    if isinstance(value, dict):
        return any(name.endswith(".$") or _has_path(item) for name, item in value.items())
    if isinstance(value, list):
        return any(map(_has_path, value))
    return isinstance(value, str) and value.startswith("$.")
