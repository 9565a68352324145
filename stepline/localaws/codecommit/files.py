"""Reads files, folders and blobs of commits."""

from __future__ import annotations

from dataclasses import dataclass

from stepline.localaws.codecommit import errors
from stepline.localaws.codecommit.commits import has_object, resolve_commit
from stepline.localaws.codecommit.git_objects import ObjectType, TreeEntry
from stepline.localaws.codecommit.paths import file_path, folder_path
from stepline.localaws.codecommit.settings import MAX_FILE_BYTES
from stepline.localaws.codecommit.store import Repository


@dataclass(frozen=True)
class File:
    commit_id: str
    entry: TreeEntry
    content: bytes


@dataclass(frozen=True)
class Folder:
    commit_id: str
    tree_id: str
    path: str
    entries: list[TreeEntry]


def read_file(repository: Repository, specifier: str | None, path: str) -> File:
    """Return the file of a commit. Raises the errors of GetFile."""
    path = file_path(path)
    commit_id = resolve_commit(repository, specifier)
    entry = repository.git.find_entry(commit_id, path)
    if entry is None or entry.type is not ObjectType.BLOB:
        raise errors.FileDoesNotExistException(path)
    return File(commit_id, entry, _content(repository, entry.object_id))


def read_blob(repository: Repository, blob_id: str) -> bytes:
    """Return the content of a blob. Raises the errors of GetBlob."""
    if not has_object(repository, blob_id, ObjectType.BLOB, errors.InvalidBlobIdException):
        raise errors.BlobIdDoesNotExistException(f"Blob ID {blob_id} does not exist")
    return _content(repository, blob_id)


def read_folder(repository: Repository, specifier: str | None, path: str) -> Folder:
    """Return the folder of a commit. Raises the errors of GetFolder."""
    path = folder_path(path)
    commit_id = resolve_commit(repository, specifier)
    tree_id = _tree_id(repository, commit_id, path)
    return Folder(commit_id, tree_id, path, repository.git.list_tree(tree_id))


def _tree_id(repository: Repository, commit_id: str, path: str) -> str:
    if not path:
        info = repository.git.object_info(commit_id, peel=ObjectType.TREE)
        assert info is not None, "every commit has a tree"
        return info.object_id
    entry = repository.git.find_entry(commit_id, path)
    if entry is None or entry.type is not ObjectType.TREE:
        raise errors.FolderDoesNotExistException(path)
    return entry.object_id


def _content(repository: Repository, blob_id: str) -> bytes:
    info = repository.git.object_info(blob_id)
    if info is not None and info.size_bytes > MAX_FILE_BYTES:
        raise errors.FileTooLargeException(
            f"The file has {info.size_bytes} bytes; the limit is {MAX_FILE_BYTES}"
        )
    return repository.git.read_object(blob_id, ObjectType.BLOB)
