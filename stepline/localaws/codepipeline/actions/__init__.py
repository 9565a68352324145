"""The action types that the local CodePipeline runs: a module for each, and a line in this list."""

from __future__ import annotations

from typing import Final

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

DEFINITIONS: Final[tuple[ActionTypeDefinition, ...]] = (
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
