"""CodeCommit's own errors for missing and malformed parameters.

Other services answer ValidationException; CodeCommit has an error for each parameter
(the errors listed with each operation in its API reference).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.model import OperationModel

from stepline.localaws.codecommit.errors import InvalidRepositoryNameException
from stepline.localaws.protocol import AwsError
from stepline.localaws.protocol.validation import validation_message

if TYPE_CHECKING:
    from botocore.model import Shape

_REPOSITORY_NAME_REQUIRED = ("RepositoryNameRequiredException", "A repository name is required")

_REQUIRED: Mapping[str, tuple[str, str]] = {
    "repositoryName": _REPOSITORY_NAME_REQUIRED,
    "oldName": _REPOSITORY_NAME_REQUIRED,
    "newName": _REPOSITORY_NAME_REQUIRED,
    "repositoryNames": ("RepositoryNamesRequiredException", "At least one repository name is required"),
    "branchName": ("BranchNameRequiredException", "A branch name is required"),
    "defaultBranchName": ("BranchNameRequiredException", "A branch name is required"),
    "commitId": ("CommitIdRequiredException", "A commit ID is required"),
    "commitIds": ("CommitIdsListRequiredException", "A list of commit IDs is required"),
    "blobId": ("BlobIdRequiredException", "A blob ID is required"),
    "afterCommitSpecifier": ("CommitRequiredException", "A commit is required"),
    "filePath": ("PathRequiredException", "A path is required"),
    "fileContent": (
        "FileContentRequiredException",
        "The content of the file is required, and cannot be empty",
    ),
    "resourceArn": ("ResourceArnRequiredException", "A resource ARN is required"),
    "tags": ("TagsMapRequiredException", "A map of tags is required"),
    "tagKeys": ("TagKeysListRequiredException", "A list of tag keys is required"),
}

_INVALID: Mapping[str, str] = {
    "repositoryName": "InvalidRepositoryNameException",
    "oldName": "InvalidRepositoryNameException",
    "newName": "InvalidRepositoryNameException",
    "repositoryNames": "InvalidRepositoryNameException",
    "repositoryDescription": "InvalidRepositoryDescriptionException",
    "branchName": "InvalidBranchNameException",
    "defaultBranchName": "InvalidBranchNameException",
    "sortBy": "InvalidSortByException",
    "order": "InvalidOrderException",
    "fileMode": "InvalidFileModeException",
    "kmsKeyId": "EncryptionKeyInvalidIdException",
    "tags": "InvalidTagsMapException",
    "tagKeys": "InvalidTagKeysListException",
}

_ALSO_REQUIRED: Mapping[str, tuple[str, ...]] = {"GetBranch": ("repositoryName", "branchName")}
"""GetBranch requires them, though the model does not say so."""

_REPOSITORY_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_INVALID_REPOSITORY_NAME = (
    "The repository name is not valid. Repository names can be any valid combination of letters, numbers, "
    "periods, underscores, and dashes between 1 and 100 characters in length, and cannot end in .git. "
    "Names are case sensitive."
)


def check_request(operation: OperationModel, document: Any) -> None:
    """Raises the error of the first parameter at fault; the general validation does the rest."""
    shape = operation.input_shape
    if shape is None or not isinstance(document, Mapping):
        return
    required = (*shape.required_members, *_ALSO_REQUIRED.get(operation.name, ()))
    for name in required:
        if name in _REQUIRED and document.get(name) in (None, "", []):
            code, message = _REQUIRED[name]
            raise AwsError(message, code=code)
    for name, member in shape.members.items():
        if name in _INVALID and document.get(name) is not None:
            _check_member(name, member, document[name])


def _check_member(name: str, shape: Shape, value: object) -> None:
    code = _INVALID[name]
    if code == "InvalidRepositoryNameException":
        for item in value if isinstance(value, list) else [value]:
            check_repository_name(item)
    elif message := validation_message(shape, value):
        raise AwsError(message, code=code)


def check_repository_name(value: object) -> None:
    """Raises InvalidRepositoryNameException. `.` and `..`, which no URL can carry, are refused too.

    https://docs.aws.amazon.com/codecommit/latest/userguide/limits.html
    """
    valid = isinstance(value, str) and _REPOSITORY_NAME.fullmatch(value) is not None
    if not valid or str(value).endswith(".git") or value in {".", ".."}:
        raise InvalidRepositoryNameException(_INVALID_REPOSITORY_NAME)
