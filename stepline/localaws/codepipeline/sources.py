"""Source providers: they find the latest revision and fetch its content as a zip.

https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodeCommit.html and
https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-S3.html.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any, BinaryIO, Protocol, cast

from botocore.exceptions import ClientError

from stepline.core.aws_errors import FailureKind, classify, error_code
from stepline.core.failure_types import FailureType
from stepline.core.limits import MIB
from stepline.core.local_aws import DEFAULT_REGION
from stepline.localaws.codepipeline.results import Revision

_SPOOLED_BYTES = 8 * MIB
"""A source zip up to this size stays in memory; a larger one is written to a temporary file."""
_MAX_SUMMARY_CHARACTERS = 2048  # RevisionSummary in the model

Configuration = Mapping[str, str]
Overrides = Mapping[str, str]
"""Revision type (COMMIT_ID, S3_OBJECT_VERSION_ID, S3_OBJECT_KEY) -> value, for one execution."""


class SourceError(Exception):
    """The source cannot be read; the source action fails with this code and message."""

    def __init__(self, code: FailureType, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class ActionAbandonedError(Exception):
    """The action was abandoned while its source was fetched: the content is no longer needed."""


class Source(Protocol):
    """A source provider. Both methods may raise SourceError."""

    def latest(self, configuration: Configuration, *, overrides: Overrides) -> Revision:
        """Return the revision to run with: the latest, or what `overrides` names."""

    def fetch(self, configuration: Configuration, revision: Revision) -> AbstractContextManager[BinaryIO]:
        """Open the revision's content, a zip file, for reading.

        An ActionAbandonedError that leaves the context cancels the archive and is raised again.
        """


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
        if configuration.get("OutputArtifactFormat", "CODE_ZIP") != "CODE_ZIP":
            raise SourceError(
                FailureType.CONFIGURATION_ERROR,
                "OutputArtifactFormat: the local AWS of stepline makes CODE_ZIP artifacts only.",
            )
        try:
            commit_id = overrides.get("COMMIT_ID") or self._head(repository, branch)
            commit = self._client.get_commit(repositoryName=repository, commitId=commit_id)["commit"]
        except ClientError as error:
            raise _codecommit_error(error, repository, branch) from error
        message = commit.get("message", "")
        return Revision(
            id=commit_id,
            summary=message[:_MAX_SUMMARY_CHARACTERS] or None,
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
        with tempfile.SpooledTemporaryFile(_SPOOLED_BYTES) as file:
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


class S3Source:
    """An object, which must be a zip, in a bucket with versioning. `client`: boto3's s3 client."""

    def __init__(self, client: Any, *, region: str = DEFAULT_REGION) -> None:
        self._client = client
        self._region = region

    def latest(self, configuration: Configuration, *, overrides: Overrides) -> Revision:
        bucket = configuration["S3Bucket"]
        key = overrides.get("S3_OBJECT_KEY") or configuration["S3ObjectKey"]
        version = overrides.get("S3_OBJECT_VERSION_ID")
        which = {"VersionId": version} if version else {}
        try:
            head = self._client.head_object(Bucket=bucket, Key=key, **which)
        except ClientError as error:
            raise _s3_error(error, bucket, key) from error
        if "VersionId" not in head:
            raise SourceError(
                FailureType.CONFIGURATION_ERROR,
                f"The Amazon S3 bucket {bucket} does not have versioning enabled. A source bucket needs it.",
            )
        return Revision(
            id=head["VersionId"],
            summary=f"Amazon S3 version id: {head['VersionId']}",
            created=head.get("LastModified"),
            url=f"https://{self._region}.console.aws.amazon.com/s3/object/{bucket}?prefix={key}",
            variables={
                "BucketName": bucket,
                "ETag": head["ETag"].strip('"'),
                "ObjectKey": key,
                "VersionId": head["VersionId"],
            },
        )

    @contextmanager
    def fetch(self, configuration: Configuration, revision: Revision) -> Iterator[BinaryIO]:
        del configuration  # the revision names bucket and key: an override may have changed the key
        bucket, key = revision.variables["BucketName"], revision.variables["ObjectKey"]
        try:
            body = self._client.get_object(Bucket=bucket, Key=key, VersionId=revision.id)["Body"]
        except ClientError as error:
            raise _s3_error(error, bucket, key) from error
        with tempfile.SpooledTemporaryFile(_SPOOLED_BYTES) as file:
            while chunk := body.read(MIB):
                file.write(chunk)
            file.seek(0)
            yield cast("BinaryIO", file)


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


def _s3_error(error: ClientError, bucket: str, key: str) -> SourceError:
    kind = classify(error)
    # HeadObject's error has no body: a version id that cannot exist is a plain 400.
    if kind is FailureKind.MISSING or error_code(error) == "400":
        return SourceError(
            FailureType.REVISION_UNAVAILABLE,
            "The action failed because either the specified Amazon S3 bucket or object does not exist: "
            f"bucket {bucket}, object key {key}.",
        )
    return SourceError(
        FailureType.PERMISSION_ERROR if kind is FailureKind.PERMISSION else FailureType.SYSTEM_UNAVAILABLE,
        f"Unable to access the artifact with Amazon S3 object key '{key}' located in the Amazon S3 "
        f"bucket '{bucket}'. {error}",
    )


def _git_time(text: str) -> datetime:
    """Parse CodeCommit's `<seconds since 1970> <+hhmm>`."""
    return datetime.fromtimestamp(int(text.split(maxsplit=1)[0]), UTC)


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
