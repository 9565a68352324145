"""The action types that the local CodePipeline runs: a module for each, and a line in this list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from stepline.localaws.codepipeline.action_types import ActionTypeDefinition
from stepline.localaws.codepipeline.actions import (
    cloudformation,
    codebuild,
    codecommit_source,
    commands,
    connection_source,
    ecr_source,
    ecs_deploy,
    lambda_invoke,
    manual_approval,
    s3_deploy,
    s3_source,
    step_functions,
)
from stepline.localaws.codepipeline.declarations import ActionType

DEFINITIONS: Final[dict[ActionType, ActionTypeDefinition]] = {
    definition.type: definition
    for definition in (
        codebuild.BUILD,
        codebuild.TEST,
        commands.DEFINITION,
        codecommit_source.DEFINITION,
        connection_source.CONNECTION_DEFINITION,
        connection_source.GITHUB_DEFINITION,
        ecr_source.DEFINITION,
        s3_source.DEFINITION,
        lambda_invoke.DEFINITION,
        ecs_deploy.DEFINITION,
        s3_deploy.DEFINITION,
        step_functions.DEFINITION,
        cloudformation.DEFINITION,
        manual_approval.DEFINITION,
    )
}

_MASK = "****"


def without_secrets(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a pipeline structure whose secret configuration values are masked, as AWS shows them."""
    stages = [
        {**stage, "actions": [_without_secrets(action) for action in stage["actions"]]}
        for stage in document["stages"]
    ]
    return {**document, "stages": stages}


def _without_secrets(action: Mapping[str, Any]) -> Mapping[str, Any]:
    definition = DEFINITIONS.get(ActionType(**action["actionTypeId"]))
    configuration = action.get("configuration", {})
    if definition is None or not set(definition.secret) & configuration.keys():
        return action
    masked = {key: _MASK if key in definition.secret else value for key, value in configuration.items()}
    return {**action, "configuration": masked}
