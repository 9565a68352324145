"""Parses the action's UserParameters: at most 1,000 characters that select the input and the state machine.

They are absent or blank, a path inside the artifact, `s3://bucket/key`, or a JSON object:

| key                   | meaning                                                                   |
|-----------------------|---------------------------------------------------------------------------|
| `input`               | the input itself, an object                                               |
| `inputFile`           | path inside the first input artifact, or `Artifact::path`                 |
| `inputS3`             | `s3://bucket/key`, read with the function's role                          |
| `parameters`          | an object merged over the input                                           |
| `stateMachine`        | name or ARN, on the function's list                                       |
| `pipelineExecutionId` | `#{codepipeline.PipelineExecutionId}`                                     |
| `timeoutMinutes`      | positive integer, from the first job; at most CodePipeline's own limit      |
| `outputVariables`     | name -> JMESPath into the execution's output                              |

`{"s3Bucket", "stateMachineFile"}` means `inputS3`. Only one of the input keys is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import jmespath  # type: ignore[import-untyped]
from jmespath.exceptions import JMESPathError  # type: ignore[import-untyped]

from pipeline.errors import UserParametersError
from pipeline.limits import DEFAULT_TIMEOUT_MINUTES, MAX_USER_PARAMETERS_CHARACTERS
from stepline.core import strict_json
from stepline.core.limits import MAX_LISTED_NAMES
from stepline.core.text import is_unicode, quoted

OUTPUT_VARIABLE_NAME = re.compile(r"[A-Za-z0-9@\-_]+")
"""[model: OutputVariablesKey]"""

_ARTIFACT_SEPARATOR: Final = "::"
_S3_SCHEME: Final = "s3://"
_BYTE_ORDER_MARK: Final = "\ufeff"  # in text pasted from a file of a Windows editor


class DefaultInput(NamedTuple):
    """`state_machine_input.json` of the first input artifact, or `{}` without an artifact."""


class LiteralInput(NamedTuple):
    document: Mapping[str, Any]


class ArtifactFile(NamedTuple):
    path: str
    artifact: str | None = None  # the first input artifact


class S3Object(NamedTuple):
    bucket: str
    key: str

    def __str__(self) -> str:
        return f"{_S3_SCHEME}{self.bucket}/{self.key}"


DEFAULT_INPUT: Final = DefaultInput()
InputSource = DefaultInput | LiteralInput | ArtifactFile | S3Object


@dataclass(frozen=True)
class UserParameters:
    input: InputSource = DEFAULT_INPUT
    parameters: Mapping[str, Any] = field(default_factory=dict)
    state_machine: str | None = None
    pipeline_execution_id: str | None = None
    timeout_minutes: int = DEFAULT_TIMEOUT_MINUTES
    output_variables: Mapping[str, str] | None = None


def parse_user_parameters(text: str | None) -> UserParameters:
    """Parse the text. Raise `UserParametersError`, which says what to change."""
    stripped = (text or "").strip().removeprefix(_BYTE_ORDER_MARK)
    if len(stripped) > MAX_USER_PARAMETERS_CHARACTERS:
        raise UserParametersError(
            f"UserParameters have more than {MAX_USER_PARAMETERS_CHARACTERS} characters."
        )
    if not stripped:
        return UserParameters()
    if stripped.startswith(_S3_SCHEME):
        return UserParameters(input=_s3_object(stripped, "UserParameters"))
    if not stripped.startswith("{"):
        return UserParameters(input=_artifact_file(stripped, "UserParameters"))
    return _from_object(_json_object(stripped))


def _json_object(text: str) -> Mapping[str, Any]:
    try:
        document: Mapping[str, Any] = strict_json.loads(text)
    except ValueError as error:
        raise UserParametersError(
            f"UserParameters begin with {{ but are not JSON: {error}. CodePipeline inserts variables"
            " unescaped: a quotation mark or line break, as in a commit message, makes the JSON invalid."
        ) from error
    return document


def _from_object(document: Mapping[str, Any]) -> UserParameters:
    unknown = [key for key in document if key not in _KEYS]
    if unknown:
        names = ", ".join(quoted(key) for key in unknown[:MAX_LISTED_NAMES])
        raise UserParametersError(
            f"UserParameters have the unknown key {names}; known are {', '.join(_KEYS)}."
        )
    return UserParameters(
        input=_input(document),
        parameters=_optional(document, "parameters", _object, {}),
        state_machine=_optional(document, "stateMachine", _text, None),
        pipeline_execution_id=_optional(document, "pipelineExecutionId", _text, None),
        timeout_minutes=_optional(document, "timeoutMinutes", _minutes, DEFAULT_TIMEOUT_MINUTES),
        output_variables=_optional(document, "outputVariables", _expressions, None),
    )


def _input(document: Mapping[str, Any]) -> InputSource:
    given = [keys for keys in _INPUTS if any(key in document for key in keys)]
    if len(given) > 1:
        names = ", ".join(" with ".join(keys) for keys in given)
        raise UserParametersError(f"UserParameters have more than one input: {names}. Keep one of them.")
    return _INPUTS[given[0]](document) if given else DEFAULT_INPUT


def _input_s3(document: Mapping[str, Any]) -> S3Object:
    return _s3_object(_text(document["inputS3"], "inputS3"), "inputS3")


def _input_s3_in_two_keys(document: Mapping[str, Any]) -> S3Object:
    bucket = _text(document.get("s3Bucket"), "s3Bucket")
    source = S3Object(bucket, _text(document.get("stateMachineFile"), "stateMachineFile"))
    return _check_unicode(source, "stateMachineFile")


_INPUTS: Final[Mapping[tuple[str, ...], Callable[[Mapping[str, Any]], InputSource]]] = {
    ("input",): lambda document: LiteralInput(_object(document["input"], "input")),
    ("inputFile",): lambda document: _artifact_file(_text(document["inputFile"], "inputFile"), "inputFile"),
    ("inputS3",): _input_s3,
    ("s3Bucket", "stateMachineFile"): _input_s3_in_two_keys,
}
_KEYS: Final = (
    *(key for keys in _INPUTS for key in keys),
    "parameters",
    "stateMachine",
    "pipelineExecutionId",
    "timeoutMinutes",
    "outputVariables",
)


def _optional(document: Mapping[str, Any], key: str, read: Callable[[Any, str], Any], default: Any) -> Any:
    return read(document[key], key) if key in document else default


def _text(value: Any, key: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise UserParametersError(f"{key} in UserParameters must be a text that is not empty.")
    return value.strip()


def _object(value: Any, key: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise UserParametersError(f"{key} in UserParameters must be a JSON object.")
    return value


def _minutes(value: Any, key: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise UserParametersError(f"{key} in UserParameters must be a positive integer.")
    return min(value, DEFAULT_TIMEOUT_MINUTES)


def _expressions(value: Any, key: str) -> Mapping[str, str]:
    for name, expression in _object(value, key).items():
        if not OUTPUT_VARIABLE_NAME.fullmatch(name):
            raise UserParametersError(
                f"{quoted(name)} in {key} is not a valid variable name: use letters, digits, @, - and _."
            )
        _check_expression(_text(expression, f"{key}.{name}"), f"{key}.{name}")
    return {name: expression.strip() for name, expression in value.items()}


def _check_expression(expression: str, key: str) -> None:
    try:
        jmespath.compile(expression)
    except (JMESPathError, RecursionError, ValueError) as error:
        raise UserParametersError(
            f"{key} in UserParameters is not a JMESPath expression: {quoted(expression)}."
        ) from error


def _s3_object(text: str, key: str) -> S3Object:
    bucket, _, object_key = text.removeprefix(_S3_SCHEME).partition("/")
    if not text.startswith(_S3_SCHEME) or not bucket or not object_key:
        raise UserParametersError(f"{key} must be s3://bucket/key, not {quoted(text)}.")
    return _check_unicode(S3Object(bucket, object_key), key)


def _check_unicode(source: S3Object, key: str) -> S3Object:
    if not is_unicode(str(source)):
        raise UserParametersError(f"{key} in UserParameters is not Unicode text: {quoted(source)}.")
    return source


def _artifact_file(text: str, key: str) -> ArtifactFile:
    artifact, separator, path = text.rpartition(_ARTIFACT_SEPARATOR)
    if not path or (separator and not artifact):
        raise UserParametersError(f"{key} must be a path, or Artifact::path, not {quoted(text)}.")
    return ArtifactFile(path, artifact if separator else None)
