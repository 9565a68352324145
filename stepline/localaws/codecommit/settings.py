"""The limits of CodeCommit, with their sources, and the numbers that AWS does not document.

"Limits" is https://docs.aws.amazon.com/codecommit/latest/userguide/limits.html
"""

from __future__ import annotations

MAX_BATCH_NAMES = 100
"""The names of one BatchGetRepositories [text of MaximumRepositoryNamesExceededException]."""

MAX_TRIGGERS = 10
MAX_TRIGGER_BRANCHES = 10
"""The triggers of a repository, and the branches of a trigger [Limits; how-to-notify]."""

MAX_BATCH_COMMITS = 100
"""The IDs of one BatchGetCommits [text of CommitIdsLimitExceededException]."""

MAX_TAGS = 50
"""The tags of a repository [Limits]."""

MAX_PATH_CHARACTERS = 4096
"""[Limits]"""

MAX_FILE_BYTES = 6 * 1024 * 1024
"""A file in a request or response [Limits]."""

MAX_CONTENT_BYTES = 7 * 1024 * 1024
"""All file contents of one commit [text of FileContentSizeLimitExceededException]."""

MAX_FILE_ENTRIES = 100
"""The files that one CreateCommit changes [user guide, "Create a commit"]."""

MAX_MESSAGE_BYTES = 256 * 1024
MAX_NAME_CHARACTERS = 1024
MAX_EMAIL_CHARACTERS = 256
"""The message, author's name and email address of a commit [Limits]."""

PAGE_SIZE = 1000
"""The items of a page where the request cannot choose [ours]."""

DEFAULT_MAX_RESULTS = 400
"""The differences of a page without MaxResults [ours]."""

DEFAULT_AUTHOR = "root"
"""The author of a commit without one is the caller: always the account's root user here."""

INITIAL_BRANCH = "main"
"""The branch that HEAD of an empty repository names; a clone starts on it [ours]."""

CHUNK_BYTES = 64 * 1024
"""The most that is read from git at once; also asyncio's limit for the buffers of a pipe [ours]."""

GRACE_SECONDS = 2.0
"""From SIGTERM to SIGKILL: git needs milliseconds to remove its temporary files [ours]."""
