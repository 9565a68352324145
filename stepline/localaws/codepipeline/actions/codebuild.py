"""The CodeBuild action: it starts a build of a project, and waits for its end.

https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodeBuild.html
"""

from __future__ import annotations

import json
from typing import Any

from stepline.core.failure_types import FailureType
from stepline.localaws.codepipeline.action_types import ActionTypeDefinition, Configuration, aws_type
from stepline.localaws.codepipeline.actions.build_action import BuildAction, wait_for_build
from stepline.localaws.codepipeline.actions.polled_action import Work
from stepline.localaws.codepipeline.declarations import ActionDeclaration
from stepline.localaws.codepipeline.errors import InvalidActionDeclarationException
from stepline.localaws.codepipeline.models import ActionExecution, Artifact
from stepline.localaws.codepipeline.results import ActionFailedError, ActionResult
from stepline.localaws.codepipeline.settings import CODEBUILD_TIMEOUT_SECONDS

_VARIABLE_TYPES = ("PLAINTEXT", "PARAMETER_STORE", "SECRETS_MANAGER")


class CodeBuildAction(BuildAction):
    """The role of the action needs codebuild:StartBuild and codebuild:BatchGetBuilds."""

    def work(self, action: ActionExecution) -> Work:
        configuration = action.resolved_configuration
        request = self.request(
            action,
            inputs=_primary_first(action),
            buildspec=configuration.get("BuildspecOverride") or None,
            variables=_variables(configuration),
        )
        build = self.builds.start(configuration["ProjectName"], request)
        self.report(action, external_id=build.id, external_url=self._url(build.id))
        outcome = yield from wait_for_build(build)
        return ActionResult(output_variables=outcome.exported_variables)

    def _url(self, build_id: str) -> str:
        region = self.runtime.region
        return f"https://console.aws.amazon.com/codebuild/home?region={region}#/builds/{build_id}/view/new"


def _primary_first(action: ActionExecution) -> tuple[Artifact, ...]:
    name = action.resolved_configuration.get("PrimarySource")
    if name is None and len(action.inputs) == 1:
        return action.inputs
    primary = [artifact for artifact in action.inputs if artifact.name == name]
    if not primary:
        names = ", ".join(artifact.name for artifact in action.inputs)
        raise ActionFailedError(
            FailureType.CONFIGURATION_ERROR,
            f"PrimarySource must be the name of one of the input artifacts, which are {names}",
        )
    return (*primary, *(artifact for artifact in action.inputs if artifact.name != name))


def _variables(configuration: Configuration) -> list[dict[str, str]]:
    text = configuration.get("EnvironmentVariables") or "[]"
    try:
        variables = json.loads(text)
        return [_variable(item) for item in variables]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ActionFailedError(
            FailureType.CONFIGURATION_ERROR,
            "EnvironmentVariables must be a JSON array of objects with name, value and type, which is "
            f"{', '.join(_VARIABLE_TYPES)}: {text}",
        ) from error


def _variable(item: Any) -> dict[str, str]:
    kind = item.get("type") or _VARIABLE_TYPES[0]
    if kind not in _VARIABLE_TYPES:
        raise ValueError(kind)
    return {"name": str(item["name"]), "value": str(item["value"]), "type": kind}


def _check(action: ActionDeclaration) -> None:
    for key in ("BatchEnabled", "CombineArtifacts"):
        if action.configuration.get(key, "false").lower() == "true":
            raise InvalidActionDeclarationException(
                f"Action '{action.name}': the local AWS of stepline does not run batch builds; remove {key}"
            )


def _entity_url(configuration: Configuration, region: str) -> str:
    console = f"https://{region}.console.aws.amazon.com/codebuild/home"
    return f"{console}?#/projects/{configuration['ProjectName']}/view"


def _definition(category: str) -> ActionTypeDefinition:
    return ActionTypeDefinition(
        type=aws_type(category, "CodeBuild"),
        inputs=(1, 5),
        outputs=(0, 5),
        required=("ProjectName",),
        optional=(
            "PrimarySource",
            "BatchEnabled",
            "CombineArtifacts",
            "EnvironmentVariables",
            "BuildspecOverride",
        ),
        provider=lambda context: CodeBuildAction(context) if context.clients.builds else None,
        check=_check,
        entity_url=_entity_url,
        timeout_seconds=lambda _settings: CODEBUILD_TIMEOUT_SECONDS,
    )


BUILD = _definition("Build")
TEST = _definition("Test")
