"""The operations that read commits, files and differences, through boto3."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localaws.codecommit.git_client import GitClient, WorkingCopy
from tests.localaws.codecommit.served import Repo, Served

UNKNOWN_ID = "0123456789" * 4


@dataclass(frozen=True)
class History:
    """A repository with two commits: files of every kind, then changes of them."""

    name: str
    work: WorkingCopy
    first: str
    second: str


@pytest.fixture(scope="module")
def history(client: Any, served: Served, tmp_path_factory: pytest.TempPathFactory) -> History:
    client.create_repository(repositoryName="history")
    work = GitClient(tmp_path_factory.mktemp("client")).new("work", served.url("history"))
    (work.path / "link").symlink_to("docs/guide.md")
    (work.path / "run.sh").write_text("#!/bin/sh\n")
    (work.path / "run.sh").chmod(0o755)
    work.commit({"docs/guide.md": "one", "docs/deep/x": "x", "gone": "gone"}, "first: ä\n\nbody")
    work.run("update-index", "--add", "--cacheinfo", f"160000,{UNKNOWN_ID},module")
    work.run("commit", "--quiet", "--amend", "--no-edit")
    first = work.run("rev-parse", "HEAD")
    (work.path / "gone").unlink()
    (work.path / "module").mkdir(exist_ok=True)
    second = work.commit({"docs/guide.md": "two", "new": "new"})
    work.run("tag", "--annotate", "--message", "tag", "v1", first)
    work.push("main", "v1")
    return History("history", work, first, second)


def test_get_commit_and_batch_get_commits(client: Any, history: History) -> None:
    first, second = history.first, history.second
    commit = client.get_commit(repositoryName=history.name, commitId=first)["commit"]
    person = {"name": "Ada", "email": "ada@example.com", "date": "1700000000 +0100"}
    assert commit == {
        "commitId": first,
        "treeId": history.work.run("rev-parse", f"{first}^{{tree}}"),
        "parents": [],
        "message": "first: ä\n\nbody\n",
        "author": person,
        "committer": person,
        "additionalData": "",
    }
    batch = client.batch_get_commits(repositoryName=history.name, commitIds=[second, UNKNOWN_ID, "main"])
    assert [(item["commitId"], item["parents"]) for item in batch["commits"]] == [(second, [first])]
    assert [(item["commitId"], item["errorCode"]) for item in batch["errors"]] == [
        (UNKNOWN_ID, "CommitIdDoesNotExistException"),
        ("main", "InvalidCommitIdException"),
    ]


@pytest.mark.parametrize("specifier", [None, "HEAD", "main", "refs/heads/main", "{second}"])
def test_file_is_found_by_any_commit_specifier(client: Any, history: History, specifier: str | None) -> None:
    second = history.second
    where = {} if specifier is None else {"commitSpecifier": specifier.format(second=second)}
    response = client.get_file(repositoryName=history.name, filePath="/docs/guide.md", **where)
    del response["ResponseMetadata"]
    blob_id = response.pop("blobId")
    assert response == {
        "commitId": second,
        "filePath": "docs/guide.md",
        "fileMode": "NORMAL",
        "fileSize": 3,
        "fileContent": b"two",
    }
    assert client.get_blob(repositoryName=history.name, blobId=blob_id)["content"] == b"two"


def test_files_of_a_tag_have_their_modes(client: Any, history: History) -> None:
    first = history.first

    def get(path: str) -> tuple[str, str, bytes]:
        response = client.get_file(repositoryName=history.name, commitSpecifier="v1", filePath=path)
        return response["commitId"], response["fileMode"], response["fileContent"]

    assert get("docs/guide.md") == (first, "NORMAL", b"one")
    assert get("run.sh") == (first, "EXECUTABLE", b"#!/bin/sh\n")
    assert get("link") == (first, "SYMLINK", b"docs/guide.md")


def test_get_folder_lists_all_kinds_of_entries(client: Any, history: History) -> None:
    first = history.first
    root = client.get_folder(repositoryName=history.name, commitSpecifier="v1", folderPath="")
    docs = client.get_folder(repositoryName=history.name, commitSpecifier="v1", folderPath="/docs")

    def paths(response: Any, kind: str) -> list[tuple[str, str]]:
        return [(item["absolutePath"], item["relativePath"]) for item in response[kind]]

    assert (root["commitId"], root["folderPath"]) == (first, "")
    assert paths(root, "files") == [("gone", "gone"), ("run.sh", "run.sh")]
    assert [item["fileMode"] for item in root["files"]] == ["NORMAL", "EXECUTABLE"]
    assert paths(root, "symbolicLinks") == [("link", "link")]
    assert paths(root, "subFolders") == [("docs", "docs")]
    assert [item["commitId"] for item in root["subModules"]] == [UNKNOWN_ID]
    assert docs["treeId"] == root["subFolders"][0]["treeId"]
    assert paths(docs, "files") == [("docs/guide.md", "guide.md")]
    assert paths(docs, "subFolders") == [("docs/deep", "deep")]


def test_differences_are_filtered_by_path_and_paged(client: Any, history: History) -> None:
    first, second = history.first, history.second

    def differences(**options: Any) -> list[tuple[str, str]]:
        pages = client.get_paginator("get_differences").paginate(repositoryName=history.name, **options)
        return [
            (item["changeType"], item.get("afterBlob", item.get("beforeBlob"))["path"])
            for page in pages
            for item in page["differences"]
        ]

    both = {"beforeCommitSpecifier": first, "afterCommitSpecifier": "main"}
    assert differences(**both) == [("M", "docs/guide.md"), ("D", "gone"), ("A", "new")]
    assert differences(**both, MaxResults=1) == differences(**both)
    assert differences(**both, afterPath="docs") == [("M", "docs/guide.md")]
    assert differences(**both, beforePath="gone") == [("D", "gone")]
    assert len(differences(afterCommitSpecifier=second)) == 6
    (item,) = client.get_differences(repositoryName=history.name, **both, afterPath="new")["differences"]
    assert item["afterBlob"]["mode"] == "100644"
    assert "beforeBlob" not in item


def test_paths_that_are_not_utf_8_have_replacement_characters(
    client: Any, repo: Repo, work: WorkingCopy
) -> None:
    (work.path / os.fsdecode(b"caf\xe9")).write_text("x")
    work.commit({})
    work.push("main")
    (item,) = client.get_differences(repositoryName=repo.name, afterCommitSpecifier="main")["differences"]
    assert item["afterBlob"]["path"] == "caf\N{REPLACEMENT CHARACTER}"
    folder = client.get_folder(repositoryName=repo.name, folderPath="/")
    assert folder["files"][0]["absolutePath"] == "caf\N{REPLACEMENT CHARACTER}"


def test_files_above_6_mb_are_rejected(client: Any, repo: Repo, work: WorkingCopy) -> None:
    work.commit({"big": bytes(6 * 1024 * 1024 + 1), "fits": bytes(6 * 1024 * 1024)})
    work.push("main")
    fits = client.get_file(repositoryName=repo.name, filePath="fits")
    assert fits["fileSize"] == 6 * 1024 * 1024
    with pytest.raises(ClientError) as caught:
        client.get_file(repositoryName=repo.name, filePath="big")
    assert caught.value.response["Error"]["Code"] == "FileTooLargeException"


@pytest.mark.parametrize(
    ("operation", "arguments", "expected"),
    [
        ("get_commit", {"commitId": UNKNOWN_ID}, "CommitIdDoesNotExistException"),
        ("get_commit", {"commitId": "main"}, "InvalidCommitIdException"),
        ("get_commit", {"commitId": ""}, "CommitIdRequiredException"),
        ("batch_get_commits", {"commitIds": []}, "CommitIdsListRequiredException"),
        ("batch_get_commits", {"commitIds": [UNKNOWN_ID] * 101}, "CommitIdsLimitExceededException"),
        ("get_file", {"filePath": "nothing"}, "FileDoesNotExistException"),
        ("get_file", {"filePath": "docs"}, "FileDoesNotExistException"),
        ("get_file", {"filePath": "module"}, "FileDoesNotExistException"),
        ("get_file", {"filePath": "do*"}, "FileDoesNotExistException"),
        ("get_file", {"filePath": ":(glob)**"}, "FileDoesNotExistException"),
        ("get_file", {"filePath": "/"}, "InvalidPathException"),
        ("get_file", {"filePath": "../x"}, "InvalidPathException"),
        ("get_file", {"filePath": ".git/config"}, "InvalidPathException"),
        ("get_file", {"filePath": "x", "commitSpecifier": "nothing"}, "CommitDoesNotExistException"),
        ("get_file", {"filePath": "x", "commitSpecifier": "--all"}, "CommitDoesNotExistException"),
        ("get_file", {"filePath": "x", "commitSpecifier": "main~1"}, "CommitDoesNotExistException"),
        ("get_file", {"filePath": "x", "commitSpecifier": UNKNOWN_ID}, "CommitDoesNotExistException"),
        ("get_folder", {"folderPath": "nothing"}, "FolderDoesNotExistException"),
        ("get_folder", {"folderPath": "run.sh"}, "FolderDoesNotExistException"),
        ("get_blob", {"blobId": UNKNOWN_ID}, "BlobIdDoesNotExistException"),
        ("get_blob", {"blobId": "x"}, "InvalidBlobIdException"),
        ("get_differences", {"afterCommitSpecifier": ""}, "CommitRequiredException"),
        ("get_differences", {"afterCommitSpecifier": "no"}, "CommitDoesNotExistException"),
        ("get_differences", {"afterCommitSpecifier": "main", "MaxResults": 0}, "InvalidMaxResultsException"),
        (
            "get_differences",
            {"afterCommitSpecifier": "main", "afterPath": "no"},
            "PathDoesNotExistException",
        ),
        (
            "get_differences",
            {"afterCommitSpecifier": "main", "NextToken": "no"},
            "InvalidContinuationTokenException",
        ),
    ],
)
def test_invalid_requests_are_rejected(
    client: Any, history: History, operation: str, arguments: dict[str, Any], expected: str
) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(repositoryName=history.name, **arguments)
    assert caught.value.response["Error"]["Code"] == expected


def test_empty_repository_has_no_commit(client: Any, repo: Repo) -> None:
    with pytest.raises(ClientError) as caught:
        client.get_folder(repositoryName=repo.name, folderPath="/")
    assert caught.value.response["Error"]["Code"] == "CommitDoesNotExistException"
