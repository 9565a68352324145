"""Finds what a pipeline's source action reads: a repository and branch, or an object of S3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from stepline.aws.pipelines import ActionDefinition, PipelineDefinition
from stepline.core.aws_errors import error_code
from stepline.core.errors import UsageError
from stepline.core.local_aws import GIT_PATH

if TYPE_CHECKING:
    from mypy_boto3_codecommit import CodeCommitClient

    from stepline.aws.target import Target

_DEFAULT_BRANCH = "main"
_CODECOMMIT, _CONNECTION, _GITHUB, _S3 = "CodeCommit", "CodeStarSourceConnection", "GitHub", "S3"
_REPOSITORIES = (_CODECOMMIT, _CONNECTION, _GITHUB)


@dataclass(frozen=True)
class Destination:
    """Where to push; `clone_url` is CodeCommit's `cloneUrlHttp`, or that of a local repository.

    `may_be_missing`: a local repository of another provider, which the first push creates.
    """

    repository: str
    branch: str
    clone_url: str
    may_be_missing: bool = False

    def __str__(self) -> str:
        return f"{self.repository}, branch {self.branch}"


@dataclass(frozen=True)
class ObjectDestination:
    """Where to upload a zip file."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


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
    found = [source for source in _sources(definition) if source.provider in _REPOSITORIES]
    sources = [_repository_and_branch(source) for source in found]
    if (destination.repository, destination.branch) not in sources:
        listed = ", ".join(f"{repository}, branch {branch}" for repository, branch in sources) or "none"
        raise UsageError(
            f"a push to {destination}, does not start pipeline "
            f"{definition.name} (its repository: {listed}): push without --watch"
        )


def source_destination(
    target: Target, definition: PipelineDefinition, *, branch: str | None = None
) -> Destination | ObjectDestination:
    """Return the repository of the source, and its branch unless another is given, or the object of S3.

    Raises UsageError if the pipeline has no such source or several, or if its repository is not AWS's.
    """
    source = _find_source_action(definition)
    if source.provider == _S3:
        if branch:
            raise UsageError(f"the source of pipeline {definition.name} is an object of S3: omit --branch")
        return ObjectDestination(source.configuration["S3Bucket"], source.configuration["S3ObjectKey"])
    repository, source_branch = _repository_and_branch(source)
    branch = branch or source_branch
    if source.provider == _CODECOMMIT:
        return repository_destination(target, repository, branch=branch)
    if not target.is_local:
        raise UsageError(
            f"the source of pipeline {definition.name} is the repository {repository} of another provider: "
            f"push to its branch {branch} with git"
        )
    return Destination(
        repository, branch, f"{target.endpoint_url}{GIT_PATH}{repository}", may_be_missing=True
    )


def repository_destination(target: Target, repository: str, *, branch: str | None = None) -> Destination:
    """Return where to push; the default is the repository's default branch."""
    codecommit: CodeCommitClient = target.client("codecommit")
    metadata = codecommit.get_repository(repositoryName=repository)["repositoryMetadata"]
    branch = branch or metadata.get("defaultBranch") or _DEFAULT_BRANCH
    return Destination(repository, branch, metadata["cloneUrlHttp"])


def _find_source_action(definition: PipelineDefinition) -> ActionDefinition:
    """Return the only source of CodeCommit, or else the only one. Raises UsageError if there is none."""
    found = _codecommit_sources(definition)
    if not found:
        found = [action for action in _sources(definition) if action.provider in (*_REPOSITORIES, _S3)]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(_name(action) for action in found)
        raise UsageError(
            f"pipeline {definition.name} has several sources, choose one with --repository: {names}"
        )
    providers = ", ".join(sorted({action.provider for action in _sources(definition)})) or "none"
    raise UsageError(
        f"pipeline {definition.name} has no source that can be pushed to (its source: {providers}): "
        "use --repository"
    )


def _name(action: ActionDefinition) -> str:
    return action.configuration["S3Bucket"] if action.provider == _S3 else _repository_and_branch(action)[0]


def _codecommit_sources(definition: PipelineDefinition) -> list[ActionDefinition]:
    return [action for action in _sources(definition) if action.provider == "CodeCommit"]


def _sources(definition: PipelineDefinition) -> list[ActionDefinition]:
    return [action for stage in definition.stages for action in stage.actions if action.category == "Source"]


def _repository_and_branch(source: ActionDefinition) -> tuple[str, str]:
    """Return the required members of the configuration of a repository [doc: action structure reference]."""
    configuration = source.configuration
    if source.provider == _CONNECTION:
        return configuration["FullRepositoryId"], configuration["BranchName"]
    if source.provider == _GITHUB:
        return f"{configuration['Owner']}/{configuration['Repo']}", configuration["Branch"]
    return configuration["RepositoryName"], configuration["BranchName"]
