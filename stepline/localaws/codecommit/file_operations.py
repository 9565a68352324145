"""The API's operations that read files and folders."""

from __future__ import annotations

from typing import Any

from stepline.localaws.codecommit.errors import (
    BlobIdDoesNotExistException,
    FileDoesNotExistException,
    FileTooLargeException,
    FolderDoesNotExistException,
)
from stepline.localaws.codecommit.git_objects import ObjectType, TreeEntry
from stepline.localaws.codecommit.parts import Parts
from stepline.localaws.codecommit.paths import FileMode, file_path, folder_path, shown
from stepline.localaws.codecommit.store import Repository
from stepline.localaws.protocol import Params

MAX_FILE_BYTES = 6 * 1024 * 1024
"""A file in an API call: https://docs.aws.amazon.com/codecommit/latest/userguide/limits.html"""


class FileOperations:
    """GetFile, GetFolder, GetBlob."""

    _parts: Parts

    def get_file(self, params: Params) -> Params:
        repository = self._parts.store.get(params["repositoryName"])
        path = file_path(params["filePath"])
        commit_id = self._parts.resolve(repository, params.get("commitSpecifier"))
        entry = self._parts.git.find_entry(repository.path, commit_id, path)
        if entry is None or entry.type is not ObjectType.BLOB:
            raise FileDoesNotExistException(f"Could not find path {path}")
        content = self._content(repository, entry.object_id)
        return {
            "commitId": commit_id,
            "blobId": entry.object_id,
            "filePath": path,
            "fileMode": FileMode.of(entry.mode).name,
            "fileSize": len(content),
            "fileContent": content,
        }

    def get_blob(self, params: Params) -> Params:
        repository = self._parts.store.get(params["repositoryName"])
        blob_id = params["blobId"]
        if self._parts.find_object(repository, blob_id, ObjectType.BLOB, "InvalidBlobIdException") is None:
            raise BlobIdDoesNotExistException(f"Blob ID {blob_id} does not exist")
        return {"content": self._content(repository, blob_id)}

    def get_folder(self, params: Params) -> Params:
        repository = self._parts.store.get(params["repositoryName"])
        path = folder_path(params["folderPath"])
        commit_id = self._parts.resolve(repository, params.get("commitSpecifier"))
        tree_id = self._tree(repository, commit_id, path)
        answer: dict[str, Any] = {"commitId": commit_id, "folderPath": path, "treeId": tree_id}
        answer.update({name: [] for name in ("subFolders", "files", "symbolicLinks", "subModules")})
        for entry in self._parts.git.list_tree(repository.path, tree_id):
            kind, item = _folder_item(entry, path)
            answer[kind].append(item)
        return answer

    def _tree(self, repository: Repository, commit_id: str, path: str) -> str:
        git = self._parts.git
        if not path:
            info = git.object_info(repository.path, commit_id, peel=ObjectType.TREE)
            assert info is not None, "every commit has a tree"
            return info.object_id
        entry = git.find_entry(repository.path, commit_id, path)
        if entry is None or entry.type is not ObjectType.TREE:
            raise FolderDoesNotExistException(f"Could not find path {path}")
        return entry.object_id

    def _content(self, repository: Repository, blob_id: str) -> bytes:
        info = self._parts.git.object_info(repository.path, blob_id)
        if info is not None and info.size_bytes > MAX_FILE_BYTES:
            message = f"The file has {info.size_bytes} bytes; the limit is {MAX_FILE_BYTES}"
            raise FileTooLargeException(message)
        return self._parts.git.read_object(repository.path, blob_id, ObjectType.BLOB)


def _folder_item(entry: TreeEntry, folder: str) -> tuple[str, dict[str, str]]:
    """Which list of GetFolder's answer an entry belongs to, and its item there."""
    name = shown(entry.path)
    paths = {"absolutePath": f"{folder}/{name}" if folder else name, "relativePath": name}
    if entry.type is ObjectType.TREE:
        return "subFolders", {"treeId": entry.object_id, **paths}
    if entry.type is ObjectType.COMMIT:
        return "subModules", {"commitId": entry.object_id, **paths}
    mode = FileMode.of(entry.mode)
    kind = "symbolicLinks" if mode is FileMode.SYMLINK else "files"
    return kind, {"blobId": entry.object_id, "fileMode": mode.name, **paths}
