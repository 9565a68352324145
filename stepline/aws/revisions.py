"""Reads the messages and authors of the commits that executions of pipelines run for.

BatchGetCommits of CodeCommit has both, for up to a hundred commits; CodePipeline itself has the message only.
The revision summary of a connection is JSON: `{"ProviderType": …, "CommitMessage": …}` [user reports].
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from stepline.aws.pipelines import ActionDefinition, ExecutionSummary, PipelineDefinition, SourceRevision
from stepline.core.aws_errors import is_transient

if TYPE_CHECKING:
    from mypy_boto3_codecommit import CodeCommitClient

    from stepline.aws.target import Target

_CODECOMMIT: Final = "CodeCommit"
_MAX_COMMITS: Final = 100
"""Commits of one BatchGetCommits [doc: CodeCommit, "Quotas"]."""


@dataclass(frozen=True)
class Commit:
    """What CodeCommit has of a commit; both are None if it may not be read."""

    message: str | None = None
    author: str | None = None


@dataclass(frozen=True)
class Revision:
    """What an execution runs for. `author` is None if it is unknown, or if it is no commit of CodeCommit."""

    action: str
    id: str
    message: str | None
    author: str | None


@dataclass(frozen=True)
class _CommitKey:
    repository: str
    id: str


class RevisionReader:
    """Reads each commit once. It may be used by several threads."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._commits: dict[_CommitKey, Commit] = {}
        self._lock = Lock()

    def read(
        self, definition: PipelineDefinition, executions: Sequence[ExecutionSummary]
    ) -> list[tuple[Revision, ...]]:
        """Return the revisions of each execution; a call for each repository with new commits."""
        revisions = [each for execution in executions for each in execution.source_revisions]
        with self._lock:
            self._read_new({key for each in revisions if (key := _commit_key(definition, each))})
        return [
            tuple(self._revision(definition, each) for each in execution.source_revisions)
            for execution in executions
        ]

    def _revision(self, definition: PipelineDefinition, revision: SourceRevision) -> Revision:
        key, source = _commit_key(definition, revision), _source(definition, revision)
        commit = self._commits.get(key, Commit()) if key else Commit()
        name = source.name if source else revision.action_name
        message = commit.message or commit_message(revision.summary)
        return Revision(name, revision.revision_id, message, commit.author)

    def _read_new(self, keys: Iterable[_CommitKey]) -> None:
        new = sorted(set(keys) - self._commits.keys(), key=lambda key: (key.repository, key.id))
        for repository in sorted({key.repository for key in new}):
            ids = [key.id for key in new if key.repository == repository]
            for begin in range(0, len(ids), _MAX_COMMITS):
                self._read_commits(repository, ids[begin : begin + _MAX_COMMITS])

    def _read_commits(self, repository: str, ids: Sequence[str]) -> None:
        codecommit: CodeCommitClient = self._target.client("codecommit")
        try:
            response = codecommit.batch_get_commits(repositoryName=repository, commitIds=list(ids))
        except (ClientError, BotoCoreError) as error:
            if is_transient(error):
                return  # the next reading tries again
            found: dict[str, Commit] = {}  # no permission, or the repository was deleted
        else:
            found = {each["commitId"]: _commit(each) for each in response["commits"]}
        self._commits.update({_CommitKey(repository, id_): found.get(id_, Commit()) for id_ in ids})


def commit_message(summary: str | None) -> str | None:
    """Return the commit message in the revision summary of a connection, or any other summary unchanged."""
    try:
        document = json.loads(summary or "")
    except ValueError:
        return summary
    message = document.get("CommitMessage") if isinstance(document, dict) else None
    return message if isinstance(message, str) else summary


def _commit(commit: Mapping[str, object]) -> Commit:
    author = commit.get("author")
    name = author.get("name") if isinstance(author, Mapping) else None
    message = commit.get("message")
    return Commit(str(message) if message else None, str(name) if name else None)


def _source(definition: PipelineDefinition, revision: SourceRevision) -> ActionDefinition | None:
    """Return the source action: a revision has its name, or that of its artifact."""
    name = revision.action_name
    named = (each for each in definition.actions if each.name == name or name in each.output_artifacts)
    return next((each for each in named if each.category == "Source"), None)


def _commit_key(definition: PipelineDefinition, revision: SourceRevision) -> _CommitKey | None:
    source = _source(definition, revision)
    if source is None or source.provider != _CODECOMMIT or not revision.revision_id:
        return None
    return _CommitKey(source.configuration.get("RepositoryName", ""), revision.revision_id)
