"""What a CloudFormation action deploys: the template, and parameters, tags and policy of the stack.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/continuous-delivery-codepipeline-cfn-artifacts.html
and continuous-delivery-codepipeline-parameter-override-functions.html.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stepline.core.failure_types import FailureType
from stepline.core.limits import KIB, MAX_TEMPLATE_BYTES
from stepline.localaws.codepipeline.models import ActionExecution, Artifact
from stepline.localaws.codepipeline.results import ActionFailedError

_MAX_FILE_BYTES = 256 * KIB
"""Of a template configuration and of a file that Fn::GetParam reads [ours]."""
_SECTIONS = ("Parameters", "Tags", "StackPolicy")
_GET_PARAM = "Fn::GetParam"
_GET_ARTIFACT = "Fn::GetArtifactAtt"

ReadFile = Callable[[Artifact, str, int], bytes]
"""Returns a file of an artifact, of at most so many bytes."""


@dataclass(frozen=True, kw_only=True)
class StackInput:
    """`policy` is the JSON text of the stack policy, "" without one."""

    template: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    policy: str = ""


class StackInputReader:
    """Reads the input of an action's stack from its configuration and its input artifacts."""

    def __init__(self, action: ActionExecution, read_file: ReadFile, *, region: str) -> None:
        self._configuration = action.resolved_configuration
        self._artifacts = {artifact.name: artifact for artifact in action.inputs}
        self._read_file = read_file
        self._region = region

    def read(self) -> StackInput:
        """Raises ActionFailedError for a configuration that cannot be used."""
        template = self._read("TemplatePath", self._configuration["TemplatePath"], MAX_TEMPLATE_BYTES)
        given = self._template_configuration()
        parameters = {**_texts(given.get("Parameters", {}), "Parameters"), **self._overrides()}
        policy = given.get("StackPolicy")
        return StackInput(
            template=template,
            parameters=parameters,
            tags=_texts(given.get("Tags", {}), "Tags"),
            policy=json.dumps(policy) if policy else "",
        )

    def _template_configuration(self) -> Mapping[str, Any]:
        key = "TemplateConfiguration"
        if not self._configuration.get(key):
            return {}
        path = self._configuration[key]
        given = _object(self._read(key, path, _MAX_FILE_BYTES), f"The template configuration file {path}")
        for name, section in given.items():
            if name in _SECTIONS and not isinstance(section, dict):
                raise _invalid(
                    f"The template configuration file {path} is not valid: {name} must be an object"
                )
        return given

    def _overrides(self) -> dict[str, str]:
        text = self._configuration.get("ParameterOverrides")
        if not text:
            return {}
        overrides = _object(text, "ParameterOverrides")
        return {name: self._value(name, value) for name, value in overrides.items()}

    def _value(self, name: str, value: Any) -> str:
        if isinstance(value, dict):
            match value:
                case {"Fn::GetParam": [str(artifact), str(file), str(key)], **rest} if not rest:
                    return self._get_param(artifact, file, key)
                case {"Fn::GetArtifactAtt": [str(artifact), str(attribute)], **rest} if not rest:
                    return self._get_artifact_attribute(artifact, attribute)
            raise _invalid(
                f"ParameterOverrides: the value of {name} must be text, "
                f'{{"{_GET_PARAM}": [artifact, file, key]}} or {{"{_GET_ARTIFACT}": [artifact, attribute]}}'
            )
        return _text(value)

    def _get_param(self, artifact: str, file: str, key: str) -> str:
        name = f"{artifact}::{file}"
        values = _object(self._read(_GET_PARAM, name, _MAX_FILE_BYTES), f"{_GET_PARAM}: {name}")
        if key not in values:
            raise _invalid(f"{_GET_PARAM}: {name} does not have the key {key}")
        return _text(values[key])

    def _get_artifact_attribute(self, name: str, attribute: str) -> str:
        artifact = self._artifact(_GET_ARTIFACT, name)
        attributes = {
            "ArtifactName": artifact.name,
            "BucketName": artifact.bucket,
            "ObjectKey": artifact.key,
            "URL": f"https://s3.{self._region}.amazonaws.com/{artifact.bucket}/{artifact.key}",
        }
        if attribute not in attributes:
            raise _invalid(
                f"{_GET_ARTIFACT}: an artifact has no attribute {attribute}, only {', '.join(attributes)}"
            )
        return attributes[attribute]

    def _read(self, key: str, path: str, max_bytes: int) -> str:
        name, separator, file = path.partition("::")
        if not separator or not file:
            raise _invalid(f"{key} must have the form ArtifactName::FileName, and is {path}")
        content = self._read_file(self._artifact(key, name), file, max_bytes)
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise _invalid(f"{key}: {path} is not UTF-8") from error

    def _artifact(self, key: str, name: str) -> Artifact:
        if name not in self._artifacts:
            known = ", ".join(self._artifacts) or "none"
            raise _invalid(f"{key}: {name} is not an input artifact of the action, which has {known}")
        return self._artifacts[name]


def _object(text: str, what: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise _invalid(f"{what} is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise _invalid(f"{what} must be a JSON object")
    return value


def _texts(values: Mapping[str, Any], section: str) -> dict[str, str]:
    if found := [name for name, value in values.items() if isinstance(value, dict)]:
        raise _invalid(f"The template configuration is not valid: {section} {found[0]} must be text")
    return {name: _text(value) for name, value in values.items()}


def _text(value: Any) -> str:
    """Return a scalar as CloudFormation does, and a list with commas."""
    if isinstance(value, list):
        return ",".join(map(_text, value))
    return value if isinstance(value, str) else json.dumps(value)


def _invalid(message: str) -> ActionFailedError:
    return ActionFailedError(FailureType.CONFIGURATION_ERROR, message)
