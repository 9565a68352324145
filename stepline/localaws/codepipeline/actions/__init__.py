"""The action types that the local CodePipeline runs: a module for each, and a line in this list."""

from __future__ import annotations

from typing import Final

from stepline.localaws.codepipeline.action_types import ActionTypeDefinition
from stepline.localaws.codepipeline.actions import (
    cloudformation,
    codebuild,
    codecommit_source,
    commands,
    lambda_invoke,
    manual_approval,
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
        s3_source.DEFINITION,
        lambda_invoke.DEFINITION,
        step_functions.DEFINITION,
        cloudformation.DEFINITION,
        manual_approval.DEFINITION,
    )
}
