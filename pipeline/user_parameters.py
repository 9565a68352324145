"""Parses the UserParameters of a Lambda action: at most 1,000 characters.

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
| `onStop`              | `stop` (default) or `leaveRunning`, if the action is abandoned            |

`{"s3Bucket", "stateMachineFile"}` means `inputS3`. Only one of the input keys is allowed.
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
    S3Object,
    artifact_file,
    check_unicode,
    expressions,
    json_object,
    minutes,
    on_stop,
    s3_object,
    text,
)
from pipeline.errors import ActionParametersError
from pipeline.limits import MAX_USER_PARAMETERS_CHARACTERS
from stepline.core import strict_json
from stepline.core.limits import MAX_LISTED_NAMES
from stepline.core.text import quoted

_BYTE_ORDER_MARK: Final = "\ufeff"  # in text pasted from a file of a Windows editor

Document = Mapping[str, Any]


def parse_user_parameters(value: str | None) -> ActionParameters:
    """Parse the text. Raise `ActionParametersError`, which says what to change."""
    stripped = (value or "").strip().removeprefix(_BYTE_ORDER_MARK)
    if len(stripped) > MAX_USER_PARAMETERS_CHARACTERS:
        raise ActionParametersError(
            f"UserParameters have more than {MAX_USER_PARAMETERS_CHARACTERS} characters."
        )
    if not stripped:
        return ActionParameters()
    if stripped.startswith(S3_SCHEME):
        return ActionParameters(input=s3_object(stripped, "UserParameters"))
    if not stripped.startswith("{"):
        return ActionParameters(input=artifact_file(stripped, "UserParameters"))
    return _from_object(_json_object(stripped))


def _json_object(value: str) -> Document:
    try:
        document: Document = strict_json.loads(value)
    except ValueError as error:
        raise ActionParametersError(
            f"UserParameters begin with {{ but are not JSON: {error}. CodePipeline inserts variables"
            " unescaped: a quotation mark or line break, as in a commit message, makes the JSON invalid."
        ) from error
    return document


def _from_object(document: Document) -> ActionParameters:
    unknown = [key for key in document if key not in _KEYS]
    if unknown:
        names = ", ".join(quoted(key) for key in unknown[:MAX_LISTED_NAMES])
        raise ActionParametersError(
            f"UserParameters have the unknown key {names}; known are {', '.join(_KEYS)}."
        )
    members = {
        attribute: read(document[key], _named(key))
        for key, (attribute, read) in _MEMBERS.items()
        if key in document
    }
    return ActionParameters(input=_input(document), **members)


def _named(key: str) -> str:
    return f"{key} in UserParameters"


def _input(document: Document) -> InputSource:
    given = [keys for keys in _INPUTS if any(key in document for key in keys)]
    if len(given) > 1:
        names = ", ".join(" with ".join(keys) for keys in given)
        raise ActionParametersError(f"UserParameters have more than one input: {names}. Keep one of them.")
    return _INPUTS[given[0]](document) if given else DEFAULT_INPUT


def _literal(document: Document) -> InputSource:
    return LiteralInput(json_object(document["input"], _named("input")))


def _input_file(document: Document) -> InputSource:
    name = _named("inputFile")
    return artifact_file(text(document["inputFile"], name), name)


def _input_s3(document: Document) -> InputSource:
    name = _named("inputS3")
    return s3_object(text(document["inputS3"], name), name)


def _input_s3_in_two_keys(document: Document) -> InputSource:
    bucket = text(document.get("s3Bucket"), _named("s3Bucket"))
    name = _named("stateMachineFile")
    return check_unicode(S3Object(bucket, text(document.get("stateMachineFile"), name)), name)


_INPUTS: Final[Mapping[tuple[str, ...], Callable[[Document], InputSource]]] = {
    ("input",): _literal,
    ("inputFile",): _input_file,
    ("inputS3",): _input_s3,
    ("s3Bucket", "stateMachineFile"): _input_s3_in_two_keys,
}
_MEMBERS: Final[Mapping[str, tuple[str, Callable[[Any, str], Any]]]] = {
    "parameters": ("parameters", json_object),
    "stateMachine": ("state_machine", text),
    "pipelineExecutionId": ("pipeline_execution_id", text),
    "timeoutMinutes": ("timeout_minutes", minutes),
    "outputVariables": ("output_variables", expressions),
    "onStop": ("on_stop", on_stop),
}
_KEYS: Final = (*(key for keys in _INPUTS for key in keys), *_MEMBERS)
