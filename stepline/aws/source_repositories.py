"""Which CodeCommit repository and branch a push goes to: those of the pipeline's source action."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepline.aws.pipelines import ActionDefinition, PipelineDefinition, choose_pipeline
from stepline.core.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_codecommit import CodeCommitClient

    from stepline.aws.target import Target

_FALLBACK_BRANCH = "main"


@dataclass(frozen=True)
class Destination:
    """`clone_url` is what CodeCommit calls `cloneUrlHttp`."""

    repository: str
    branch: str
    clone_url: str


def find_destination(
    target: Target, *, pipeline: str | None, repository: str | None, branch: str | None
) -> Destination:
    """Where to push. What is not given comes from the pipeline, else from the repository itself."""
    if repository is None:
        definition = choose_pipeline(target.client("codepipeline"), pipeline)
        source = codecommit_source(definition)
        repository = source.configuration["RepositoryName"]
        branch = branch or source.configuration.get("BranchName")
    codecommit: CodeCommitClient = target.client("codecommit")
    metadata = codecommit.get_repository(repositoryName=repository)["repositoryMetadata"]
    branch = branch or metadata.get("defaultBranch") or _FALLBACK_BRANCH
    return Destination(repository, branch, metadata["cloneUrlHttp"])


def codecommit_source(definition: PipelineDefinition) -> ActionDefinition:
    """The pipeline's CodeCommit source action. Raises UsageError if it has none, or several."""
    sources = [
        action for stage in definition.stages for action in stage.actions if action.category == "Source"
    ]
    ours = [action for action in sources if action.provider == "CodeCommit"]
    if len(ours) == 1:
        return ours[0]
    if ours:
        names = ", ".join(action.configuration["RepositoryName"] for action in ours)
        raise UsageError(f"pipeline {definition.name} has several repositories, use --repository: {names}")
    providers = ", ".join(sorted({action.provider for action in sources})) or "nothing"
    raise UsageError(f"pipeline {definition.name} has no CodeCommit source but {providers}: use --repository")
