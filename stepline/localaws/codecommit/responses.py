"""Repositories, commits, files and differences in the shapes of the API's responses."""

from __future__ import annotations

from typing import Any

from stepline.localaws.codecommit.commit_creation import NewCommit
from stepline.localaws.codecommit.files import File, Folder
from stepline.localaws.codecommit.git_objects import NO_OBJECT, ObjectType, TreeChange, TreeEntry
from stepline.localaws.codecommit.models import Commit, FileChange, FileMode, RepositoryRecord
from stepline.localaws.codecommit.names import Names
from stepline.localaws.codecommit.paths import printable_path


def repository_metadata(record: RepositoryRecord, names: Names) -> dict[str, Any]:
    """Members that are None are left out."""
    return {
        "accountId": names.account_id,
        "repositoryId": record.repository_id,
        "repositoryName": record.name,
        "repositoryDescription": record.description,
        "defaultBranch": record.default_branch,
        "lastModifiedDate": record.last_modified_date,
        "creationDate": record.creation_date,
        "cloneUrlHttp": names.http_url(record.name),
        "cloneUrlSsh": names.ssh_url(record.name),
        "Arn": names.arn(record.name),
        "kmsKeyId": record.kms_key_id,
    }


def commit_detail(commit: Commit) -> dict[str, Any]:
    return {
        "commitId": commit.commit_id,
        "treeId": commit.tree_id,
        "parents": list(commit.parents),
        "message": commit.message,
        "author": vars(commit.author),
        "committer": vars(commit.committer),
        "additionalData": "",
    }


def file_detail(file: File) -> dict[str, Any]:
    return {
        "commitId": file.commit_id,
        "blobId": file.entry.object_id,
        "filePath": file.entry.path,
        "fileMode": FileMode.of(file.entry.mode).name,
        "fileSize": len(file.content),
        "fileContent": file.content,
    }


def folder_detail(folder: Folder) -> dict[str, Any]:
    response: dict[str, Any] = {
        "commitId": folder.commit_id,
        "folderPath": folder.path,
        "treeId": folder.tree_id,
        "subFolders": [],
        "files": [],
        "symbolicLinks": [],
        "subModules": [],
    }
    for entry in folder.entries:
        member, item = _folder_item(entry, folder.path)
        response[member].append(item)
    return response


def difference(change: TreeChange) -> dict[str, Any]:
    before = _blob(change.old_id, change.old_mode, change.path)
    after = _blob(change.new_id, change.new_mode, change.path)
    kind = "A" if before is None else "D" if after is None else "M"
    return {"beforeBlob": before, "afterBlob": after, "changeType": kind}


def created_commit(commit: NewCommit) -> dict[str, Any]:
    return {
        "commitId": commit.commit_id,
        "treeId": commit.tree_id,
        "filesAdded": [_file_change(change) for change in commit.edit.added],
        "filesUpdated": [_file_change(change) for change in commit.edit.updated],
        "filesDeleted": [_file_change(change) for change in commit.edit.deleted],
    }


def _folder_item(entry: TreeEntry, folder_path: str) -> tuple[str, dict[str, str]]:
    """Return the member of GetFolder's response that an entry belongs to, and its item there."""
    name = printable_path(entry.path)
    paths = {"absolutePath": f"{folder_path}/{name}" if folder_path else name, "relativePath": name}
    if entry.type is ObjectType.TREE:
        return "subFolders", {"treeId": entry.object_id, **paths}
    if entry.type is ObjectType.COMMIT:
        return "subModules", {"commitId": entry.object_id, **paths}
    mode = FileMode.of(entry.mode)
    member = "symbolicLinks" if mode is FileMode.SYMLINK else "files"
    return member, {"blobId": entry.object_id, "fileMode": mode.name, **paths}


def _blob(object_id: str, mode: str, path: str) -> dict[str, str] | None:
    if object_id == NO_OBJECT:
        return None
    return {"blobId": object_id, "path": printable_path(path), "mode": mode}


def _file_change(change: FileChange) -> dict[str, str]:
    return {"absolutePath": change.path, "blobId": change.blob_id, "fileMode": change.mode.name}
