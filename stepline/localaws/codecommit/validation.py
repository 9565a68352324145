"""What requests to CodeCommit must satisfy beyond the service model.

Other services respond with ValidationException; CodeCommit has an error for each parameter (the errors listed
with each operation in its API reference).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sized
from typing import TYPE_CHECKING, Any

from botocore.model import OperationModel

from stepline.localaws.codecommit import errors
from stepline.localaws.codecommit.settings import MAX_BATCH_COMMITS, MAX_BATCH_NAMES, MAX_TAGS
from stepline.localaws.protocol import AwsError
from stepline.localaws.protocol.validation import validation_message

if TYPE_CHECKING:
    from botocore.model import Shape

_REQUIRED: Mapping[str, type[AwsError]] = {
    "repositoryName": errors.RepositoryNameRequiredException,
    "oldName": errors.RepositoryNameRequiredException,
    "newName": errors.RepositoryNameRequiredException,
    "repositoryNames": errors.RepositoryNamesRequiredException,
    "branchName": errors.BranchNameRequiredException,
    "defaultBranchName": errors.BranchNameRequiredException,
    "commitId": errors.CommitIdRequiredException,
    "commitIds": errors.CommitIdsListRequiredException,
    "blobId": errors.BlobIdRequiredException,
    "afterCommitSpecifier": errors.CommitRequiredException,
    "filePath": errors.PathRequiredException,
    "fileContent": errors.FileContentRequiredException,
    "resourceArn": errors.ResourceArnRequiredException,
    "tags": errors.TagsMapRequiredException,
    "tagKeys": errors.TagKeysListRequiredException,
}

_INVALID: Mapping[str, type[AwsError]] = {
    "repositoryName": errors.InvalidRepositoryNameException,
    "oldName": errors.InvalidRepositoryNameException,
    "newName": errors.InvalidRepositoryNameException,
    "repositoryNames": errors.InvalidRepositoryNameException,
    "repositoryDescription": errors.InvalidRepositoryDescriptionException,
    "branchName": errors.InvalidBranchNameException,
    "defaultBranchName": errors.InvalidBranchNameException,
    "sortBy": errors.InvalidSortByException,
    "order": errors.InvalidOrderException,
    "fileMode": errors.InvalidFileModeException,
    "kmsKeyId": errors.EncryptionKeyInvalidIdException,
    "tags": errors.InvalidTagsMapException,
    "tagKeys": errors.InvalidTagKeysListException,
}

_ALSO_REQUIRED: Mapping[str, tuple[str, ...]] = {"GetBranch": ("repositoryName", "branchName")}
"""GetBranch requires them, although the service model does not say so."""

_REPOSITORY_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")


def check_request(operation: OperationModel, document: Any) -> None:
    """Raise the error of the first missing or invalid parameter that has one."""
    shape = operation.input_shape
    if shape is None or not isinstance(document, Mapping):
        return
    for name in (*shape.required_members, *_ALSO_REQUIRED.get(operation.name, ())):
        if name in _REQUIRED and document.get(name) in (None, "", []):
            raise _REQUIRED[name]
    for name, member in shape.members.items():
        if name in _INVALID and document.get(name) is not None:
            _check_member(_INVALID[name], member, document[name])


def check_tags(tags: Mapping[str, str]) -> None:
    if len(tags) > MAX_TAGS:
        raise errors.TooManyTagsException(f"A repository can have {MAX_TAGS} tags at most")
    check_tag_keys(tags)


def check_tag_keys(keys: Iterable[str]) -> None:
    for key in keys:
        if key.lower().startswith("aws:"):
            message = f"The tag key {key} is not valid: keys cannot begin with aws:"
            raise errors.InvalidSystemTagUsageException(message)


def check_batch_names(names: Sized) -> None:
    if len(names) > MAX_BATCH_NAMES:
        message = f"The maximum number of allowed repository names is {MAX_BATCH_NAMES}"
        raise errors.MaximumRepositoryNamesExceededException(message)


def check_batch_commits(commit_ids: Sized) -> None:
    if len(commit_ids) > MAX_BATCH_COMMITS:
        message = f"The maximum number of commit IDs in a request is {MAX_BATCH_COMMITS}"
        raise errors.CommitIdsLimitExceededException(message)


def check_max_results(size: int) -> None:
    if size < 1:
        raise errors.InvalidMaxResultsException("MaxResults must be greater than 0")


def _check_member(error: type[AwsError], shape: Shape, value: object) -> None:
    if error is errors.InvalidRepositoryNameException:
        for item in value if isinstance(value, list) else [value]:
            _check_repository_name(item)
    elif message := validation_message(shape, value):
        raise error(message)


def _check_repository_name(value: object) -> None:
    """Raise InvalidRepositoryNameException; `.` and `..` are invalid as they cannot be part of a URL.

    https://docs.aws.amazon.com/codecommit/latest/userguide/limits.html
    """
    valid = isinstance(value, str) and _REPOSITORY_NAME.fullmatch(value) is not None
    if not valid or str(value).endswith(".git") or value in {".", ".."}:
        raise errors.InvalidRepositoryNameException
