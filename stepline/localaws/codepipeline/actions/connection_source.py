"""The sources of connections (CodeStarSourceConnection) and of GitHub, version 1.

https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodestarConnectionSource.html and
https://docs.aws.amazon.com/codepipeline/latest/userguide/appendix-github-oauth.html. Both read the same
repositories, which are kept on this machine.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import BinaryIO, cast

from botocore.exceptions import ClientError

from stepline.core.aws_errors import error_message
from stepline.core.failure_types import FailureType
from stepline.localaws.codepipeline.action_types import ActionTypeDefinition, aws_type
from stepline.localaws.codepipeline.actions.source import (
    check_output_format,
    clone_reference,
    is_clone_reference,
    source_provider,
)
from stepline.localaws.codepipeline.declarations import ActionType
from stepline.localaws.codepipeline.repositories import GitCommit, GitRepositories, RevisionNotFoundError
from stepline.localaws.codepipeline.results import Revision
from stepline.localaws.codepipeline.source_changes import SourceChange, SourceKind, is_set
from stepline.localaws.codepipeline.sources import (
    BRANCH_NAME,
    COMMIT_ID,
    MAX_SUMMARY_CHARACTERS,
    SPOOLED_BYTES,
    Configuration,
    Overrides,
    SourceError,
)

CONNECTION = "CodeStarSourceConnection"
GITHUB = "GitHub"
_FORMAT_KEY = "OutputArtifactFormat"

Variables = Callable[[Configuration, str, GitCommit], Mapping[str, str]]
"""Returns the output variables for a branch and its commit."""


@dataclass(frozen=True, kw_only=True)
class _Provider:
    """What distinguishes the two providers. `branch_key`: the configuration key of the branch."""

    repository: Callable[[Configuration], str]
    branch_key: str
    variables: Variables


class RepositorySource:
    """A branch of a repository. Create it by `connection_source` or `github_source`."""

    def __init__(self, repositories: GitRepositories, provider: _Provider) -> None:
        self._repositories = repositories
        self._provider = provider

    def latest(self, configuration: Configuration, *, overrides: Overrides) -> Revision:
        name = self._provider.repository(configuration)
        branch = overrides.get(BRANCH_NAME) or configuration[self._provider.branch_key]
        self._use_connection(configuration)
        try:
            commit_id = overrides.get(COMMIT_ID) or self._repositories.branch_tip(name, branch)
            commit = self._repositories.commit(name, commit_id)
        except RevisionNotFoundError as error:
            raise SourceError(
                FailureType.REVISION_UNAVAILABLE,
                f"The action failed because branch {branch} of the repository {name} could not be read: "
                f"{error}. Push to {self._repositories.clone_url(name)}",
            ) from error
        return Revision(
            id=commit_id,
            summary=commit.message[:MAX_SUMMARY_CHARACTERS] or None,
            created=commit.committed,
            url=f"https://github.com/{name}/commit/{commit_id}",
            variables=self._provider.variables(configuration, branch, commit),
        )

    @contextmanager
    def fetch(self, configuration: Configuration, revision: Revision) -> Iterator[BinaryIO]:
        name = self._provider.repository(configuration)
        if is_clone_reference(configuration):
            yield clone_reference(self._repositories.clone_url(name), revision)
            return
        with tempfile.SpooledTemporaryFile(SPOOLED_BYTES) as file:
            target = cast("BinaryIO", file)
            self._repositories.archive(name, revision.id, target)
            target.seek(0)
            yield target

    def _use_connection(self, configuration: Configuration) -> None:
        arn = configuration.get("ConnectionArn")
        if arn is None:
            return
        try:
            self._repositories.use_connection(arn)
        except ClientError as error:
            raise SourceError(
                FailureType.PERMISSION_ERROR,
                f"Unable to use Connection: {arn}. The provided role does not have sufficient permissions. "
                f"{error_message(error)}",
            ) from error


def connection_source(repositories: GitRepositories) -> RepositorySource:
    provider = _Provider(repository=_full_id, branch_key="BranchName", variables=_connection_variables)
    return RepositorySource(repositories, provider)


def github_source(repositories: GitRepositories) -> RepositorySource:
    provider = _Provider(repository=_owner_and_name, branch_key="Branch", variables=_github_variables)
    return RepositorySource(repositories, provider)


def _full_id(configuration: Configuration) -> str:
    return configuration["FullRepositoryId"]


def _owner_and_name(configuration: Configuration) -> str:
    return f"{configuration['Owner']}/{configuration['Repo']}"


def _connection_variables(configuration: Configuration, branch: str, commit: GitCommit) -> dict[str, str]:
    return {
        "AuthorDate": _iso(commit.authored),
        "BranchName": branch,
        "CommitId": commit.id,
        "CommitMessage": commit.message,
        "ConnectionArn": configuration["ConnectionArn"],
        "FullRepositoryName": configuration["FullRepositoryId"],
    }


def _github_variables(configuration: Configuration, branch: str, commit: GitCommit) -> dict[str, str]:
    return {
        "AuthorDate": _iso(commit.authored),
        "BranchName": branch,
        "CommitId": commit.id,
        "CommitMessage": commit.message,
        "CommitUrl": f"https://api.github.com/repos/{_owner_and_name(configuration)}/git/commits/{commit.id}",
        "CommitterDate": _iso(commit.committed),
        "RepositoryName": configuration["Repo"],
    }


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _reads(
    repository: Callable[[Configuration], str], configuration: Configuration, change: SourceChange
) -> bool:
    return change.kind is SourceKind.CONNECTED and change.name.lower() == repository(configuration).lower()


def _detects(branch_key: str, flag: str, configuration: Configuration, change: SourceChange) -> bool:
    is_branch = not change.is_tag and change.reference == configuration[branch_key]
    return is_branch and is_set(configuration.get(flag))


def _entity_url(
    repository: Callable[[Configuration], str],
    branch_key: str,
    configuration: Configuration,
    _region: str,
) -> str:
    return f"https://github.com/{repository(configuration)}/tree/{configuration[branch_key]}"


CONNECTION_DEFINITION = ActionTypeDefinition(
    type=aws_type("Source", CONNECTION),
    inputs=(0, 0),
    outputs=(1, 1),
    required=("ConnectionArn", "FullRepositoryId", "BranchName"),
    optional=(_FORMAT_KEY, "DetectChanges"),
    provider=partial(source_provider, CONNECTION),
    check=check_output_format,
    entity_url=partial(_entity_url, _full_id, "BranchName"),
    revision_types=(COMMIT_ID, BRANCH_NAME),
    reads=partial(_reads, _full_id),
    detects=partial(_detects, "BranchName", "DetectChanges"),
)

GITHUB_DEFINITION = ActionTypeDefinition(
    type=ActionType(category="Source", owner="ThirdParty", provider=GITHUB, version="1"),
    inputs=(0, 0),
    outputs=(1, 1),
    required=("Owner", "Repo", "Branch", "OAuthToken"),
    optional=("PollForSourceChanges",),
    provider=partial(source_provider, GITHUB),
    entity_url=partial(_entity_url, _owner_and_name, "Branch"),
    secret=("OAuthToken",),
    revision_types=(COMMIT_ID,),
    reads=partial(_reads, _owner_and_name),
    detects=partial(_detects, "Branch", "PollForSourceChanges"),
)
