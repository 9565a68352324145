"""The action types that the local CodePipeline runs: a module for each, and a line in this list."""

from __future__ import annotations

from typing import Final

from stepline.localaws.codepipeline.action_types import ActionTypeDefinition
from stepline.localaws.codepipeline.actions import (
    codecommit_source,
    lambda_invoke,
    manual_approval,
    s3_source,
)
from stepline.localaws.codepipeline.declarations import ActionType

DEFINITIONS: Final[dict[ActionType, ActionTypeDefinition]] = {
    definition.type: definition
    for definition in (
        codecommit_source.DEFINITION,
        s3_source.DEFINITION,
        lambda_invoke.DEFINITION,
        manual_approval.DEFINITION,
    )
}
