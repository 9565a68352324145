"""Finds the differences between two commits."""

from __future__ import annotations

from stepline.localaws.codecommit.commits import resolve_commit
from stepline.localaws.codecommit.errors import PathDoesNotExistException
from stepline.localaws.codecommit.git_objects import EMPTY_TREE, TreeChange
from stepline.localaws.codecommit.paths import folder_path, is_within
from stepline.localaws.codecommit.store import Repository


def find_differences(
    repository: Repository, before: str | None, after: str, paths: list[str]
) -> list[TreeChange]:
    """Return the changed files below `paths` (all without any); a rename is a deletion and an addition.

    `before` and `after` are commit specifiers. Without `before`, every file is added. Raises the errors of
    GetDifferences.
    """
    new = resolve_commit(repository, after)
    old = EMPTY_TREE if before is None else resolve_commit(repository, before)
    folders = [folder_path(path) for path in paths]
    for path in filter(None, folders):
        if not any(repository.git.find_entry(tree, path) for tree in (old, new)):
            raise PathDoesNotExistException(path)
    changes = repository.git.diff_trees(old, new)
    return [item for item in changes if any(is_within(item.path, folder) for folder in folders or [""])]
