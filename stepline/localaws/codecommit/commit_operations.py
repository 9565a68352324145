"""The API's operations that read commits."""

from __future__ import annotations

from typing import Any

from stepline.localaws.codecommit.commit_objects import parse_commit
from stepline.localaws.codecommit.errors import CommitIdsLimitExceededException
from stepline.localaws.codecommit.git_objects import ObjectType
from stepline.localaws.codecommit.parts import Parts
from stepline.localaws.codecommit.store import Repository
from stepline.localaws.protocol import AwsError, Params

MAX_BATCH_COMMITS = 100
"""Ids in one BatchGetCommits, by the text of CommitIdsLimitExceededException."""


class CommitOperations:
    """GetCommit, BatchGetCommits."""

    _parts: Parts

    def get_commit(self, params: Params) -> Params:
        repository = self._parts.store.get(params["repositoryName"])
        return {"commit": self._commit(repository, params["commitId"])}

    def batch_get_commits(self, params: Params) -> Params:
        repository = self._parts.store.get(params["repositoryName"])
        commit_ids = params["commitIds"]
        if len(commit_ids) > MAX_BATCH_COMMITS:
            message = f"The maximum number of commit IDs in a request is {MAX_BATCH_COMMITS}"
            raise CommitIdsLimitExceededException(message)
        commits, errors = [], []
        for commit_id in commit_ids:
            try:
                commits.append(self._commit(repository, commit_id))
            except AwsError as error:
                errors.append({"commitId": commit_id, "errorCode": error.code, "errorMessage": error.message})
        return {"commits": commits, "errors": errors}

    def _commit(self, repository: Repository, commit_id: str) -> dict[str, Any]:
        self._parts.commit(repository, commit_id)
        content = self._parts.git.read_object(repository.path, commit_id, ObjectType.COMMIT)
        return parse_commit(commit_id, content).as_answer()
