"""Parses the properties of the custom action: each at most 1,000 characters [ActionConfigurationValue].

| property          | meaning                                                                          |
|-------------------|----------------------------------------------------------------------------------|
| `StateMachine`    | name or ARN, on the worker's list; by default the first one                      |
| `Input`           | the input itself, a JSON object                                                  |
| `InputFile`       | path inside the first input artifact, `Artifact::path`, or `s3://bucket/key`     |
| `Parameters`      | a JSON object that is merged over the input                                      |
| `OutputVariables` | a JSON object, name -> JMESPath into the execution's output                      |
| `TimeoutMinutes`  | positive integer, from the first job; at most CodePipeline's own limit           |
| `OnStop`          | `Stop` (default) or `LeaveRunning`, if the action is abandoned                   |
| `Retry`           | `Restart` (default) or `Redrive`, if the stage is retried                        |

A blank property counts as absent. Pipeline and execution are known from the job itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pipeline.action_parameters import (
    DEFAULT_INPUT,
    S3_SCHEME,
    ActionParameters,
    InputSource,
    LiteralInput,
    artifact_file,
    expressions,
    json_object,
    minutes,
    on_stop,
    retry,
    s3_object,
    text,
)
from pipeline.errors import ActionParametersError
from stepline.core import strict_json


def parse_action_properties(configuration: Mapping[str, str]) -> ActionParameters:
    """Parse the properties. Raise `ActionParametersError`, which says what to change."""
    given = {name: value.strip() for name, value in configuration.items() if value.strip()}
    members = {
        attribute: read(given[name], name) for name, (attribute, read) in _PROPERTIES.items() if name in given
    }
    return ActionParameters(input=_input(given), **members)


def _input(given: Mapping[str, str]) -> InputSource:
    if "Input" in given and "InputFile" in given:
        raise ActionParametersError("The action has both Input and InputFile. Keep one of them.")
    if "Input" in given:
        return LiteralInput(_object(given["Input"], "Input"))
    if "InputFile" not in given:
        return DEFAULT_INPUT
    path = given["InputFile"]
    return s3_object(path, "InputFile") if path.startswith(S3_SCHEME) else artifact_file(path, "InputFile")


def _object(value: str, name: str) -> Mapping[str, Any]:
    return json_object(_json(value, name), name)


def _expressions(value: str, name: str) -> Mapping[str, str]:
    return expressions(_json(value, name), name)


def _json(value: str, name: str) -> Any:
    try:
        return strict_json.loads(value)
    except ValueError as error:
        raise ActionParametersError(
            f"{name} is not JSON: {error}. CodePipeline inserts variables unescaped: a quotation mark or line"
            " break, as in a commit message, makes the JSON invalid."
        ) from error


def _minutes(value: str, name: str) -> int:
    return minutes(int(value) if value.isdecimal() and value.isascii() else None, name)


_PROPERTIES: Final[Mapping[str, tuple[str, Callable[[str, str], Any]]]] = {
    "StateMachine": ("state_machine", text),
    "Parameters": ("parameters", _object),
    "OutputVariables": ("output_variables", _expressions),
    "TimeoutMinutes": ("timeout_minutes", _minutes),
    "OnStop": ("on_stop", on_stop),
    "Retry": ("retry", retry),
}
