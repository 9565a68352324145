"""The errors of CodeCommit, by AWS's codes: https://docs.aws.amazon.com/codecommit/latest/APIReference/CommonErrors.html"""

from __future__ import annotations

from stepline.localaws.protocol import AwsError


class BlobIdDoesNotExistException(AwsError):
    pass


class BranchDoesNotExistException(AwsError):
    pass


class BranchNameExistsException(AwsError):
    pass


class BranchNameIsTagNameException(AwsError):
    pass


class CommitDoesNotExistException(AwsError):
    pass


class CommitIdDoesNotExistException(AwsError):
    pass


class CommitIdsLimitExceededException(AwsError):
    pass


class CommitMessageLengthExceededException(AwsError):
    pass


class DefaultBranchCannotBeDeletedException(AwsError):
    pass


class DirectoryNameConflictsWithFileNameException(AwsError):
    pass


class FileContentAndSourceFileSpecifiedException(AwsError):
    pass


class FileContentSizeLimitExceededException(AwsError):
    pass


class FileDoesNotExistException(AwsError):
    pass


class FileEntryRequiredException(AwsError):
    pass


class FileNameConflictsWithDirectoryNameException(AwsError):
    pass


class FilePathConflictsWithSubmodulePathException(AwsError):
    pass


class FileTooLargeException(AwsError):
    pass


class FolderDoesNotExistException(AwsError):
    pass


class InvalidBranchNameException(AwsError):
    pass


class InvalidContinuationTokenException(AwsError):
    pass


class InvalidEmailException(AwsError):
    pass


class InvalidMaxResultsException(AwsError):
    pass


class InvalidParentCommitIdException(AwsError):
    pass


class InvalidPathException(AwsError):
    pass


class InvalidRepositoryNameException(AwsError):
    pass


class InvalidResourceArnException(AwsError):
    pass


class InvalidSystemTagUsageException(AwsError):
    pass


class MaximumFileEntriesExceededException(AwsError):
    pass


class MaximumRepositoryNamesExceededException(AwsError):
    pass


class NameLengthExceededException(AwsError):
    pass


class NoChangeException(AwsError):
    pass


class ParentCommitDoesNotExistException(AwsError):
    pass


class ParentCommitIdOutdatedException(AwsError):
    pass


class ParentCommitIdRequiredException(AwsError):
    pass


class PathDoesNotExistException(AwsError):
    pass


class PutFileEntryConflictException(AwsError):
    pass


class RepositoryDoesNotExistException(AwsError):
    pass


class RepositoryNameExistsException(AwsError):
    pass


class RestrictedSourceFileException(AwsError):
    pass


class SameFileContentException(AwsError):
    pass


class SamePathRequestException(AwsError):
    pass


class SourceFileOrContentRequiredException(AwsError):
    pass


class TooManyTagsException(AwsError):
    pass
