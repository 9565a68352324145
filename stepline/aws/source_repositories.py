"""Finds the CodeCommit repository and branch of a pipeline's source action, and the branch's last commit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from stepline.aws.pipelines import ActionDefinition, PipelineDefinition
from stepline.core.aws_errors import error_code
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


@dataclass(frozen=True)
class BranchHead:
    """The last commit of a branch; `commit_id` is None if nothing has been pushed to it."""

    repository: str
    branch: str
    commit_id: str | None


def read_head(codecommit: CodeCommitClient, definition: PipelineDefinition) -> BranchHead | None:
    """Return the last commit of the branch that starts the pipeline.

    None if the pipeline has no CodeCommit source or several, or if the branch may not be read.
    """
    sources = _codecommit_sources(definition)
    if len(sources) != 1:
        return None
    repository, branch = _repository_and_branch(sources[0])
    try:
        response = codecommit.get_branch(repositoryName=repository, branchName=branch)
    except ClientError as error:
        if error_code(error) == "BranchDoesNotExistException":
            return BranchHead(repository, branch, None)
        if error_code(error) in {"AccessDeniedException", "RepositoryDoesNotExistException"}:
            return None
        raise
    return BranchHead(repository, branch, response["branch"].get("commitId"))


def check_starts(definition: PipelineDefinition, destination: Destination) -> None:
    """Raise UsageError if the pipeline has another source than the repository and branch to push to."""
    sources = [_repository_and_branch(source) for source in _codecommit_sources(definition)]
    if (destination.repository, destination.branch) not in sources:
        listed = ", ".join(f"{repository}, branch {branch}" for repository, branch in sources) or "none"
        raise UsageError(
            f"a push to {destination.repository}, branch {destination.branch}, does not start pipeline "
            f"{definition.name} (its CodeCommit source: {listed}): push without --watch"
        )


def source_destination(
    target: Target, definition: PipelineDefinition, *, branch: str | None = None
) -> Destination:
    """Return the repository of the pipeline's CodeCommit source, and its branch unless another is given.

    Raises UsageError if the pipeline has no CodeCommit source, or several.
    """
    repository, source_branch = _repository_and_branch(_find_source_action(definition))
    return repository_destination(target, repository, branch=branch or source_branch)


def repository_destination(target: Target, repository: str, *, branch: str | None = None) -> Destination:
    """Return where to push; the default is the repository's default branch."""
    codecommit: CodeCommitClient = target.client("codecommit")
    metadata = codecommit.get_repository(repositoryName=repository)["repositoryMetadata"]
    branch = branch or metadata.get("defaultBranch") or _DEFAULT_BRANCH
    return Destination(repository, branch, metadata["cloneUrlHttp"])


def _find_source_action(definition: PipelineDefinition) -> ActionDefinition:
    """Return the pipeline's CodeCommit source action. Raises UsageError if it has none or several."""
    found = _codecommit_sources(definition)
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(action.configuration["RepositoryName"] for action in found)
        raise UsageError(
            f"pipeline {definition.name} has several CodeCommit sources, "
            f"choose one with --repository: {names}"
        )
    providers = ", ".join(sorted({action.provider for action in _sources(definition)})) or "none"
    raise UsageError(
        f"pipeline {definition.name} has no CodeCommit source (its source: {providers}): use --repository"
    )


def _codecommit_sources(definition: PipelineDefinition) -> list[ActionDefinition]:
    return [action for action in _sources(definition) if action.provider == "CodeCommit"]


def _sources(definition: PipelineDefinition) -> list[ActionDefinition]:
    return [action for stage in definition.stages for action in stage.actions if action.category == "Source"]


def _repository_and_branch(source: ActionDefinition) -> tuple[str, str]:
    """Return the configuration of a CodeCommit source; both members are required [doc: CodeCommit source]."""
    return source.configuration["RepositoryName"], source.configuration["BranchName"]
