"""The API's operations that read commits."""

from __future__ import annotations

from typing import Any

from stepline.localaws.codecommit.commit_objects import parse_commit
from stepline.localaws.codecommit.git import ObjectType
from stepline.localaws.codecommit.parts import Parts
from stepline.localaws.codecommit.store import Repository
from stepline.localaws.protocol import Params


class CommitOperations:
    """GetCommit and its family."""

    _parts: Parts

    def get_commit(self, params: Params) -> Params:
        repository = self._parts.store.get(params["repositoryName"])
        return {"commit": self._commit(repository, params["commitId"])}

    def _commit(self, repository: Repository, commit_id: str) -> dict[str, Any]:
        self._parts.commit(repository, commit_id)
        content = self._parts.git.read_object(repository.path, commit_id, ObjectType.COMMIT)
        return parse_commit(commit_id, content).as_answer()
