"""The action types that the local CodePipeline runs: their artifacts and configuration keys.

https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference.html. `PollForSourceChanges` is
accepted, but sources are not polled: a pipeline is started by a rule on the event bus, as AWS recommends, or
by StartPipelineExecution.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stepline.localaws.codepipeline.declarations import ActionType


@dataclass(frozen=True, kw_only=True)
class ActionTypeDefinition:
    """`inputs` and `outputs`: minimum and maximum number of artifacts.

    `required` and `optional`: configuration keys. `revision_types`: what StartPipelineExecution's
    sourceRevisions may override.
    """

    type: ActionType
    inputs: tuple[int, int]
    outputs: tuple[int, int]
    required: tuple[str, ...]
    optional: tuple[str, ...]
    revision_types: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return the API's ActionType."""
        properties = [
            {"name": name, "required": name in self.required, "key": name in self.required, "secret": False}
            for name in (*self.required, *self.optional)
        ]
        return {
            "id": self.type.document(),
            "actionConfigurationProperties": properties,
            "inputArtifactDetails": _artifact_details(self.inputs),
            "outputArtifactDetails": _artifact_details(self.outputs),
        }


def _artifact_details(bounds: tuple[int, int]) -> dict[str, int]:
    return {"minimumCount": bounds[0], "maximumCount": bounds[1]}


def _aws(category: str, provider: str) -> ActionType:
    return ActionType(category=category, owner="AWS", provider=provider, version="1")


CODECOMMIT = _aws("Source", "CodeCommit")
S3 = _aws("Source", "S3")
LAMBDA = _aws("Invoke", "Lambda")
MANUAL = _aws("Approval", "Manual")

DEFINITIONS = {
    definition.type: definition
    for definition in (
        ActionTypeDefinition(
            type=CODECOMMIT,
            inputs=(0, 0),
            outputs=(1, 1),
            required=("RepositoryName", "BranchName"),
            optional=("PollForSourceChanges", "OutputArtifactFormat"),
            revision_types=("COMMIT_ID",),
        ),
        ActionTypeDefinition(
            type=S3,
            inputs=(0, 0),
            outputs=(1, 1),
            required=("S3Bucket", "S3ObjectKey"),
            optional=("PollForSourceChanges", "AllowOverrideForS3ObjectKey"),
            revision_types=("S3_OBJECT_VERSION_ID", "S3_OBJECT_KEY"),
        ),
        ActionTypeDefinition(
            type=LAMBDA,
            inputs=(0, 5),
            outputs=(0, 5),
            required=("FunctionName",),
            optional=("UserParameters",),
        ),
        ActionTypeDefinition(
            type=MANUAL,
            inputs=(0, 0),
            outputs=(0, 0),
            required=(),
            optional=("NotificationArn", "CustomData", "ExternalEntityLink"),
        ),
    )
}
