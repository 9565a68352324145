"""The errors of CodeCommit: https://docs.aws.amazon.com/codecommit/latest/APIReference/CommonErrors.html"""

from __future__ import annotations

from stepline.localaws.protocol import AwsError

# Required parameters


class BlobIdRequiredException(AwsError):
    default_message = "A blob ID is required"


class BranchNameRequiredException(AwsError):
    default_message = "A branch name is required"


class CommitIdRequiredException(AwsError):
    default_message = "A commit ID is required"


class CommitIdsListRequiredException(AwsError):
    default_message = "A list of commit IDs is required"


class CommitRequiredException(AwsError):
    default_message = "A commit is required"


class FileContentRequiredException(AwsError):
    default_message = "The content of the file is required, and cannot be empty"


class PathRequiredException(AwsError):
    default_message = "A path is required"


class RepositoryNameRequiredException(AwsError):
    default_message = "A repository name is required"


class RepositoryNamesRequiredException(AwsError):
    default_message = "At least one repository name is required"


class ResourceArnRequiredException(AwsError):
    default_message = "A resource ARN is required"


class TagKeysListRequiredException(AwsError):
    default_message = "A list of tag keys is required"


class TagsMapRequiredException(AwsError):
    default_message = "A map of tags is required"


class RepositoryTriggerEventsListRequiredException(AwsError):
    default_message = "At least one event is required for a trigger"


# Triggers


class InvalidRepositoryTriggerDestinationArnException(AwsError):
    default_message = "The ARN of a trigger's destination must be that of an SNS topic or a Lambda function"


class InvalidRepositoryTriggerNameException(AwsError):
    """Two triggers have the same name."""


class MaximumBranchesExceededException(AwsError):
    """A trigger has too many branches."""


class MaximumRepositoryTriggersExceededException(AwsError):
    """The repository would have too many triggers."""


# Repositories and tags


class EncryptionKeyInvalidIdException(AwsError):
    """The KMS key ID does not fit the service model."""


class InvalidContinuationTokenException(AwsError):
    """The token was not returned by this operation."""

    default_message = "The specified continuation token is not valid."


class InvalidOrderException(AwsError):
    """The sort order is not `ascending` or `descending`."""


class InvalidRepositoryDescriptionException(AwsError):
    """The repository description does not fit the service model."""


class InvalidRepositoryNameException(AwsError):
    """The repository name has a wrong form."""

    default_message = (
        "The repository name is not valid. Repository names can be any valid combination of letters, "
        "numbers, periods, underscores, and dashes between 1 and 100 characters in length, and cannot end "
        "in .git. Names are case sensitive."
    )


class InvalidResourceArnException(AwsError):
    """The ARN is not that of a repository of this account and region."""


class InvalidSortByException(AwsError):
    """The list cannot be sorted by this value."""


class InvalidSystemTagUsageException(AwsError):
    """A tag key begins with `aws:`."""


class InvalidTagKeysListException(AwsError):
    """The tag keys do not fit the service model."""


class InvalidTagsMapException(AwsError):
    """The tags do not fit the service model."""


class MaximumRepositoryNamesExceededException(AwsError):
    """The request has too many repository names."""


class RepositoryDoesNotExistException(AwsError):
    """No repository has this name."""


class RepositoryNameExistsException(AwsError):
    """Another repository has this name."""


class TooManyTagsException(AwsError):
    """The repository would have too many tags."""


# Branches and commits


class BranchDoesNotExistException(AwsError):
    """The repository has no branch of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Branch {name} does not exist")


class BranchNameExistsException(AwsError):
    """The repository has a branch of this name, or one whose name conflicts with it."""


class BranchNameIsTagNameException(AwsError):
    """The branch to create has the name of a tag."""


class CommitDoesNotExistException(AwsError):
    """The repository has no commit of this ID or specifier."""

    def __init__(self, specifier: str) -> None:
        super().__init__(f"Commit {specifier} does not exist")


class CommitIdDoesNotExistException(AwsError):
    """The repository has no commit of this ID."""


class CommitIdsLimitExceededException(AwsError):
    """The request has too many commit IDs."""


class DefaultBranchCannotBeDeletedException(AwsError):
    """The branch to delete is the default branch."""


class InvalidBranchNameException(AwsError):
    """git does not accept the branch name, or it has the form of a commit ID."""


class InvalidCommitIdException(AwsError):
    """The commit ID is not a full object ID."""


class InvalidMaxResultsException(AwsError):
    """MaxResults is less than 1."""


# Files and folders


class PathDoesNotExistException(AwsError):
    """Neither commit has this path."""

    def __init__(self, path: str) -> None:
        super().__init__(f"Could not find path {path}")


class FileDoesNotExistException(PathDoesNotExistException):
    """The commit has no file at this path."""


class FolderDoesNotExistException(PathDoesNotExistException):
    """The commit has no folder at this path."""


class BlobIdDoesNotExistException(AwsError):
    """The repository has no blob of this ID."""


class FileTooLargeException(AwsError):
    """The file is too large for a response."""


class InvalidBlobIdException(AwsError):
    """The blob ID is not a full object ID."""


class InvalidPathException(AwsError):
    """The path has a wrong form."""


# CreateCommit and PutFile


class CommitMessageLengthExceededException(AwsError):
    """The commit message is too long."""


class DirectoryNameConflictsWithFileNameException(AwsError):
    """A folder of the path is a file."""


class FileContentAndSourceFileSpecifiedException(AwsError):
    """A file has both content and a source file."""


class FileContentSizeLimitExceededException(AwsError):
    """A file, or all files together, are too large."""


class FileEntryRequiredException(AwsError):
    """The request changes no file."""


class FileNameConflictsWithDirectoryNameException(AwsError):
    """The path of a file is a folder."""


class FilePathConflictsWithSubmodulePathException(AwsError):
    """The path, or a folder of it, is a submodule."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is a submodule")


class InvalidEmailException(AwsError):
    """The email address is too long."""


class InvalidFileModeException(AwsError):
    """The file mode does not fit the service model."""


class InvalidParentCommitIdException(AwsError):
    """The parent commit ID is not a full object ID."""


class MaximumFileEntriesExceededException(AwsError):
    """The request changes too many files."""


class NameLengthExceededException(AwsError):
    """The author's name is too long, or holds nothing that git accepts."""


class NoChangeException(AwsError):
    """The commit would have the same files as its parent."""

    default_message = "The commit would change nothing"


class ParentCommitDoesNotExistException(AwsError):
    """The repository has no object of the parent commit ID."""


class ParentCommitIdOutdatedException(AwsError):
    """The parent commit is not the tip of the branch."""

    def __init__(self, branch: str, parent: str) -> None:
        super().__init__(f"The parent commit {parent} is not the tip of {branch} any more; see GetBranch")


class ParentCommitIdRequiredException(AwsError):
    """The branch exists, and the request has no parent commit ID."""


class PutFileEntryConflictException(AwsError):
    """The path of one file is a folder of another."""


class RestrictedSourceFileException(AwsError):
    """The source file is a .gitkeep file."""


class SameFileContentException(AwsError):
    """The file has this content and mode already."""

    default_message = "The file has this content already"


class SamePathRequestException(AwsError):
    """A path is given twice."""


class SourceFileOrContentRequiredException(AwsError):
    """A file has neither content nor a source file."""
