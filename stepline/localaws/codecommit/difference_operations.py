"""GetDifferences: what changed between two commits."""

from __future__ import annotations

from typing import Any

from stepline.localaws.codecommit.errors import (
    InvalidContinuationTokenException,
    InvalidMaxResultsException,
    PathDoesNotExistException,
)
from stepline.localaws.codecommit.git_objects import EMPTY_TREE, NO_OBJECT, TreeChange
from stepline.localaws.codecommit.parts import Parts
from stepline.localaws.codecommit.paths import folder_path, is_within, shown
from stepline.localaws.codecommit.store import Repository
from stepline.localaws.protocol import Params, page

DEFAULT_MAX_RESULTS = 400
"""Differences of a page without MaxResults. AWS does not document its own."""


class DifferenceOperations:
    """GetDifferences."""

    _parts: Parts

    def get_differences(self, params: Params) -> Params:
        """Renames are shown as a deletion and an addition."""
        repository = self._parts.store.get(params["repositoryName"])
        size = params.get("MaxResults", DEFAULT_MAX_RESULTS)
        if size < 1:
            raise InvalidMaxResultsException("MaxResults must be greater than 0")
        after = self._parts.resolve(repository, params["afterCommitSpecifier"])
        specifier = params.get("beforeCommitSpecifier")
        before = EMPTY_TREE if specifier is None else self._parts.resolve(repository, specifier)
        folders = self._folders(repository, params, before, after)
        changes = self._parts.git.diff_trees(repository.path, before, after)
        wanted = [item for item in changes if any(is_within(item.path, folder) for folder in folders)]
        shown, token = page(
            wanted,
            key=lambda change: change.path,
            limit=size,
            token=params.get("NextToken"),
            invalid_token=InvalidContinuationTokenException("The specified continuation token is not valid."),
        )
        return {"differences": [_difference(item) for item in shown], "NextToken": token}

    def _folders(self, repository: Repository, params: Params, before: str, after: str) -> list[str]:
        """The paths to look at; the root without any. Raises PathDoesNotExistException."""
        given = [folder_path(params[name]) for name in ("beforePath", "afterPath") if params.get(name)]
        for path in filter(None, given):
            found = (self._parts.git.find_entry(repository.path, tree, path) for tree in (before, after))
            if not any(found):
                raise PathDoesNotExistException(f"Could not find path {path}")
        return given or [""]


def _difference(change: TreeChange) -> dict[str, Any]:
    before = _blob(change.old_id, change.old_mode, change.path)
    after = _blob(change.new_id, change.new_mode, change.path)
    kind = "A" if before is None else "D" if after is None else "M"
    return {"beforeBlob": before, "afterBlob": after, "changeType": kind}


def _blob(object_id: str, mode: str, path: str) -> dict[str, str] | None:
    return None if object_id == NO_OBJECT else {"blobId": object_id, "path": shown(path), "mode": mode}
