"""The CodeCommit source.

https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodeCommit.html.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any, BinaryIO, cast

from botocore.exceptions import ClientError

from stepline.core.aws_errors import error_code
from stepline.core.failure_types import FailureType
from stepline.core.local_aws import DEFAULT_REGION
from stepline.localaws.codepipeline.action_types import ActionTypeDefinition, aws_type
from stepline.localaws.codepipeline.actions.source import (
    check_output_format,
    clone_reference,
    is_clone_reference,
    source_provider,
)
from stepline.localaws.codepipeline.results import Revision
from stepline.localaws.codepipeline.source_changes import SourceChange, SourceKind, is_set
from stepline.localaws.codepipeline.sources import (
    COMMIT_ID,
    MAX_SUMMARY_CHARACTERS,
    SPOOLED_BYTES,
    ActionAbandonedError,
    Configuration,
    Overrides,
    SourceError,
)


class CodeCommitSource:
    """`client`: boto3's codecommit client. `archive` writes the zip of a commit's tree to a file.

    `cancel` is called with the repository whose archive is no longer needed.
    """

    def __init__(
        self,
        client: Any,
        archive: Callable[[str, str, BinaryIO], None],
        *,
        cancel: Callable[[str], None] = lambda _repository: None,
        region: str = DEFAULT_REGION,
    ) -> None:
        self._client = client
        self._archive = archive
        self._cancel = cancel
        self._region = region

    def latest(self, configuration: Configuration, *, overrides: Overrides) -> Revision:
        repository, branch = configuration["RepositoryName"], configuration["BranchName"]
        try:
            commit_id = overrides.get(COMMIT_ID) or self._head(repository, branch)
            commit = self._client.get_commit(repositoryName=repository, commitId=commit_id)["commit"]
        except ClientError as error:
            raise _codecommit_error(error, repository, branch) from error
        message = commit.get("message", "")
        return Revision(
            id=commit_id,
            summary=message[:MAX_SUMMARY_CHARACTERS] or None,
            created=_git_time(commit["committer"]["date"]),
            url=f"https://{self._region}.console.aws.amazon.com/codecommit/home"
            f"#/repository/{repository}/commit/{commit_id}",
            variables={
                "AuthorDate": _iso(_git_time(commit["author"]["date"])),
                "BranchName": branch,
                "CommitId": commit_id,
                "CommitMessage": message,
                "CommitterDate": _iso(_git_time(commit["committer"]["date"])),
                "RepositoryName": repository,
            },
        )

    @contextmanager
    def fetch(self, configuration: Configuration, revision: Revision) -> Iterator[BinaryIO]:
        if is_clone_reference(configuration):
            repository = configuration["RepositoryName"]
            metadata = self._client.get_repository(repositoryName=repository)["repositoryMetadata"]
            yield clone_reference(metadata["cloneUrlHttp"], revision)
            return
        with tempfile.SpooledTemporaryFile(SPOOLED_BYTES) as file:
            target = cast("BinaryIO", file)
            self._archive(configuration["RepositoryName"], revision.id, target)
            target.seek(0)
            try:
                yield target
            except ActionAbandonedError:
                self._cancel(configuration["RepositoryName"])
                raise

    def _head(self, repository: str, branch: str) -> str:
        response = self._client.get_branch(repositoryName=repository, branchName=branch)
        return str(response["branch"]["commitId"])


def _codecommit_error(error: ClientError, repository: str, branch: str) -> SourceError:
    code = error_code(error)
    if code == "BranchDoesNotExistException":
        return SourceError(
            FailureType.CONFIGURATION_ERROR,
            f"The action failed because no branch named {branch} was found in the selected AWS CodeCommit "
            f"repository {repository}. Make sure you are using the correct branch name, and then try again.",
        )
    if code == "RepositoryDoesNotExistException":
        return SourceError(
            FailureType.CONFIGURATION_ERROR,
            f"The action failed because the AWS CodeCommit repository {repository} was not found.",
        )
    if code in {"CommitIdDoesNotExistException", "InvalidCommitIdException", "CommitDoesNotExistException"}:
        return SourceError(
            FailureType.REVISION_UNAVAILABLE,
            "The action failed because the commit was not found in the AWS CodeCommit repository "
            f"{repository}.",
        )
    return SourceError(
        FailureType.PERMISSION_ERROR if "AccessDenied" in code else FailureType.SYSTEM_UNAVAILABLE,
        f"The action failed because the AWS CodeCommit repository {repository} could not be read. {error}",
    )


def _git_time(text: str) -> datetime:
    """Parse CodeCommit's `<seconds since 1970> <+hhmm>`."""
    return datetime.fromtimestamp(int(text.split(maxsplit=1)[0]), UTC)


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _entity_url(configuration: Configuration, region: str) -> str:
    repository, branch = configuration["RepositoryName"], configuration["BranchName"]
    return (
        f"https://{region}.console.aws.amazon.com/codecommit/home"
        f"#/repository/{repository}/browse/{branch}/--/"
    )


def _reads(configuration: Configuration, change: SourceChange) -> bool:
    return change.kind is SourceKind.CODECOMMIT and change.name == configuration["RepositoryName"]


def _detects(configuration: Configuration, change: SourceChange) -> bool:
    is_branch = not change.is_tag and change.reference == configuration["BranchName"]
    return is_branch and is_set(configuration.get("PollForSourceChanges"))


DEFINITION = ActionTypeDefinition(
    type=aws_type("Source", "CodeCommit"),
    inputs=(0, 0),
    outputs=(1, 1),
    required=("RepositoryName", "BranchName"),
    optional=("PollForSourceChanges", "OutputArtifactFormat"),
    provider=partial(source_provider, "CodeCommit"),
    entity_url=_entity_url,
    check=check_output_format,
    revision_types=(COMMIT_ID,),
    reads=_reads,
    detects=_detects,
)
