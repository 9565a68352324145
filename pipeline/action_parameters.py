"""What an action is configured to do: its input, state machine, output variables and timeout.

`user_parameters` parses them from a Lambda action's UserParameters, `action_properties` from the properties
of the custom action. Both raise `ActionParametersError`, which names the parameter and says what to change.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple, TypeVar

import jmespath  # type: ignore[import-untyped]
from jmespath.exceptions import JMESPathError  # type: ignore[import-untyped]

from pipeline.errors import ActionParametersError
from pipeline.limits import DEFAULT_TIMEOUT_MINUTES
from stepline.core.text import is_unicode, quoted

OUTPUT_VARIABLE_NAME = re.compile(r"[A-Za-z0-9@\-_]+")
"""[model: OutputVariablesKey]"""

S3_SCHEME: Final = "s3://"

_ARTIFACT_SEPARATOR: Final = "::"

Choice = TypeVar("Choice", bound=StrEnum)


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
        return f"{S3_SCHEME}{self.bucket}/{self.key}"


DEFAULT_INPUT: Final = DefaultInput()
InputSource = DefaultInput | LiteralInput | ArtifactFile | S3Object


class OnStop(StrEnum):
    """What happens to the execution when its action is abandoned or cancelled, or times out."""

    STOP = "stop"
    LEAVE_RUNNING = "leaveRunning"


class Retry(StrEnum):
    """What a retried stage does with the failed execution of the attempt before."""

    RESTART = "restart"
    REDRIVE = "redrive"


@dataclass(frozen=True)
class ActionParameters:
    """`parameters` are merged over the input. `output_variables`: name -> JMESPath into the output."""

    input: InputSource = DEFAULT_INPUT
    parameters: Mapping[str, Any] = field(default_factory=dict)
    state_machine: str | None = None
    pipeline_execution_id: str | None = None
    timeout_minutes: int = DEFAULT_TIMEOUT_MINUTES
    output_variables: Mapping[str, str] | None = None
    on_stop: OnStop = OnStop.STOP
    retry: Retry = Retry.RESTART


# Each reader takes a value and what messages call it, such as `inputFile in UserParameters`.


def text(value: Any, name: str) -> str:
    """Return text that is not blank, without white space around it."""
    if not isinstance(value, str) or not value.strip():
        raise ActionParametersError(f"{name} must be a text that is not empty.")
    return value.strip()


def json_object(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ActionParametersError(f"{name} must be a JSON object.")
    return value


def minutes(value: Any, name: str) -> int:
    """Return a positive number of minutes, at most what CodePipeline allows for an action."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ActionParametersError(f"{name} must be a positive integer.")
    return min(value, DEFAULT_TIMEOUT_MINUTES)


def expressions(value: Any, name: str) -> Mapping[str, str]:
    """Return JMESPath expressions by the names of output variables."""
    for variable, expression in json_object(value, name).items():
        if not OUTPUT_VARIABLE_NAME.fullmatch(variable):
            raise ActionParametersError(
                f"{quoted(variable)} in {name} is not a valid variable name: use letters, digits, @, - and _."
            )
        key, space, place = name.partition(" ")
        member = f"{key}.{variable}{space}{place}"
        _check_expression(text(expression, member), member)
    return {variable: expression.strip() for variable, expression in value.items()}


def _check_expression(expression: str, name: str) -> None:
    try:
        jmespath.compile(expression)
    except (JMESPathError, RecursionError, ValueError) as error:
        raise ActionParametersError(f"{name} is not a JMESPath expression: {quoted(expression)}.") from error


def on_stop(value: Any, name: str) -> OnStop:
    return _choice(OnStop, value, name)


def retry(value: Any, name: str) -> Retry:
    return _choice(Retry, value, name)


def _choice(choices: type[Choice], value: Any, name: str) -> Choice:
    """Read a choice in any case; the message spells the choices as `name` is spelled."""
    for choice in choices:
        if isinstance(value, str) and value.casefold() == choice.casefold():
            return choice
    names = [f"{choice[0].upper()}{choice[1:]}" if name[0].isupper() else choice for choice in choices]
    raise ActionParametersError(f"{name} must be {' or '.join(names)}.")


def s3_object(value: str, name: str) -> S3Object:
    bucket, _, key = value.removeprefix(S3_SCHEME).partition("/")
    if not value.startswith(S3_SCHEME) or not bucket or not key:
        raise ActionParametersError(f"{name} must be s3://bucket/key, not {quoted(value)}.")
    return check_unicode(S3Object(bucket, key), name)


def check_unicode(source: S3Object, name: str) -> S3Object:
    if not is_unicode(str(source)):
        raise ActionParametersError(f"{name} is not Unicode text: {quoted(source)}.")
    return source


def artifact_file(value: str, name: str) -> ArtifactFile:
    artifact, separator, path = value.rpartition(_ARTIFACT_SEPARATOR)
    if not path or (separator and not artifact):
        raise ActionParametersError(f"{name} must be a path, or Artifact::path, not {quoted(value)}.")
    return ArtifactFile(path, artifact if separator else None)
