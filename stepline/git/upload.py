"""Uploads the content of a directory as a zip file, the source of a pipeline whose source is in S3."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from stepline.aws.source_repositories import ObjectDestination
from stepline.core.aws_errors import FailureKind, classify
from stepline.core.errors import UsageError
from stepline.git.push import PushResult, zip_directory

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_TREE: Final = "stepline-tree"
"""The object's metadata with the id of its content in git, which says whether files have changed."""


def upload_directory(
    s3: S3Client, source: Path, destination: ObjectDestination, *, allow_empty: bool
) -> PushResult:
    """Make the files of `source` the newest version of the object, unless it has them already.

    The `commit_id` of the result is the id of the version. Raises UsageError.
    """
    archive = zip_directory(source)
    tree, version = _newest(s3, destination)
    has_changes = tree != archive.tree
    if version is not None and not has_changes and not allow_empty:
        return PushResult(version, is_new=False, has_changes=False, files=archive.files)
    response = s3.put_object(
        Bucket=destination.bucket,
        Key=destination.key,
        Body=archive.content,
        ContentType="application/zip",
        Metadata={_TREE: archive.tree},
    )
    if "VersionId" not in response:
        raise UsageError(f"bucket {destination.bucket} has no versioning, which a source of a pipeline needs")
    return PushResult(response["VersionId"], is_new=True, has_changes=has_changes, files=archive.files)


def _newest(s3: S3Client, destination: ObjectDestination) -> tuple[str, str | None]:
    """Return the id of the content of the newest version, and the id of the version.

    The latter is None if there is none, or if the user may not read it.
    """
    try:
        found = s3.head_object(Bucket=destination.bucket, Key=destination.key)
    except ClientError as error:
        if classify(error) in {FailureKind.MISSING, FailureKind.PERMISSION}:
            return "", None
        raise
    return found["Metadata"].get(_TREE, ""), found.get("VersionId")
