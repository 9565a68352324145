"""Finds the CodeCommit repository and branch to push to: those of the pipeline's source action."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepline.aws.pipelines import ActionDefinition, PipelineDefinition, find_pipeline
from stepline.core.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_codecommit import CodeCommitClient

    from stepline.aws.target import Target

_DEFAULT_BRANCH = "main"


@dataclass(frozen=True)
class Destination:
    """Where to push; `clone_url` is CodeCommit's `cloneUrlHttp`."""

    repository: str
    branch: str
    clone_url: str


def find_destination(
    target: Target, *, pipeline: str | None, repository: str | None, branch: str | None
) -> Destination:
    """Return where to push. Defaults come from the pipeline, then from the repository. Raises UsageError."""
    if repository is None:
        definition = find_pipeline(target, pipeline)
        source = _find_source_action(definition)
        repository = source.configuration["RepositoryName"]
        branch = branch or source.configuration.get("BranchName")
    codecommit: CodeCommitClient = target.client("codecommit")
    metadata = codecommit.get_repository(repositoryName=repository)["repositoryMetadata"]
    branch = branch or metadata.get("defaultBranch") or _DEFAULT_BRANCH
    return Destination(repository, branch, metadata["cloneUrlHttp"])


def _find_source_action(definition: PipelineDefinition) -> ActionDefinition:
    """Return the pipeline's CodeCommit source action. Raises UsageError if it has none or several."""
    sources = [
        action for stage in definition.stages for action in stage.actions if action.category == "Source"
    ]
    found = [action for action in sources if action.provider == "CodeCommit"]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(action.configuration["RepositoryName"] for action in found)
        raise UsageError(
            f"pipeline {definition.name} has several CodeCommit sources, "
            f"choose one with --repository: {names}"
        )
    providers = ", ".join(sorted({action.provider for action in sources})) or "none"
    raise UsageError(
        f"pipeline {definition.name} has no CodeCommit source (its source: {providers}): use --repository"
    )
