"""CreateCommit and PutFile through boto3; the git client reads the commits."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localaws.codecommit.git_client import GitClient, WorkingCopy
from tests.localaws.codecommit.served import Events, Repo, Served

UNKNOWN_ID = "0123456789" * 4
MEBIBYTE = 1024 * 1024


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_put_file_creates_the_first_commit(client: Any, repo: Repo, git: GitClient, events: Events) -> None:
    response = client.put_file(
        repositoryName=repo.name,
        branchName="trunk",
        filePath="/docs/a.txt",
        fileContent=b"one",
        fileMode="EXECUTABLE",
        name="Ada",
        email="ada@example.com",
        commitMessage="first",
    )
    clone = git.clone(repo.url, "clone")
    shown = clone.run("log", "-1", "--format=%H %T %an %ae %cn %s")
    assert shown == f"{response['commitId']} {response['treeId']} Ada ada@example.com Ada first"
    assert clone.run("ls-files", "--stage") == f"100755 {response['blobId']} 0\tdocs/a.txt"
    assert events.summary() == [("referenceCreated", "refs/heads/trunk")]


def test_put_file_requires_the_tip_of_the_branch_as_parent(
    client: Any, repo: Repo, work: WorkingCopy, events: Events
) -> None:
    first = work.commit({"a": "1"})
    second = work.commit({"a": "2"})
    work.push("main")
    put = {"repositoryName": repo.name, "branchName": "main", "filePath": "b", "fileContent": b"b"}

    def error_of(**changes: Any) -> str:
        with pytest.raises(ClientError) as caught:
            client.put_file(**{**put, **changes})
        return code(caught)

    assert error_of() == "ParentCommitIdRequiredException"
    assert error_of(parentCommitId="main") == "InvalidParentCommitIdException"
    assert error_of(parentCommitId=UNKNOWN_ID) == "ParentCommitDoesNotExistException"
    assert error_of(parentCommitId=first) == "ParentCommitIdOutdatedException"
    assert error_of(branchName="other") == "BranchDoesNotExistException"
    assert error_of(filePath="a", fileContent=b"2", parentCommitId=second) == "SameFileContentException"
    assert error_of(fileContent=b"") == "FileContentRequiredException"
    assert error_of(fileContent=bytes(6 * MEBIBYTE + 1)) == "FileContentSizeLimitExceededException"
    assert error_of(fileMode="DIRECTORY") == "InvalidFileModeException"
    third = client.put_file(**put, parentCommitId=second)["commitId"]

    assert [(d.get("oldCommitId"), d["commitId"]) for d in events.details()] == [
        (None, second),
        (second, third),
    ]
    work.run("pull", "--quiet", "origin", "main")
    assert work.run("log", "--format=%s %an") == "Added b root\nchange Ada\nchange Ada"


def test_create_commit_puts_moves_copies_and_deletes_files(
    client: Any, repo: Repo, work: WorkingCopy
) -> None:
    parent = work.commit(
        {"keep": "k", "edit": "1", "remove": "r", "old/name": "n", "mode": "m", "alone/x": "x"}
    )
    work.push("main")

    response = client.create_commit(
        repositoryName=repo.name,
        branchName="main",
        parentCommitId=parent,
        authorName="Bob",
        email="bob@example.com",
        commitMessage="all",
        putFiles=[
            {"filePath": "edit", "fileContent": b"2"},
            {"filePath": "empty", "fileContent": b""},
            {"filePath": "new/name", "sourceFile": {"filePath": "old/name", "isMove": True}},
            {"filePath": "copy", "sourceFile": {"filePath": "keep"}, "fileMode": "EXECUTABLE"},
        ],
        deleteFiles=[{"filePath": "remove"}, {"filePath": "alone/x"}],
        setFileModes=[{"filePath": "mode", "fileMode": "EXECUTABLE"}],
        keepEmptyFolders=True,
    )

    work.run("pull", "--quiet", "origin", "main")
    assert work.run("rev-parse", "HEAD", "HEAD^{tree}") == f"{response['commitId']}\n{response['treeId']}"
    staged = [line.split() for line in work.run("ls-files", "--stage").splitlines()]
    files = {path: mode for mode, _, _, path in staged}
    assert files == {
        "alone/.gitkeep": "100644",
        "copy": "100755",
        "edit": "100644",
        "empty": "100644",
        "keep": "100644",
        "mode": "100755",
        "new/name": "100644",
        "old/.gitkeep": "100644",
    }
    kinds = {
        kind: [item["absolutePath"] for item in response[kind]]
        for kind in response
        if kind.startswith("files")
    }
    assert kinds == {
        "filesAdded": ["empty", "new/name", "copy", "alone/.gitkeep", "old/.gitkeep"],
        "filesUpdated": ["edit", "mode"],
        "filesDeleted": ["remove", "alone/x", "old/name"],
    }


def test_create_commit_can_delete_the_last_file(client: Any, repo: Repo, work: WorkingCopy) -> None:
    parent = work.commit({"a": "1"})
    work.push("main")
    delete = [{"filePath": "a"}]
    client.create_commit(
        repositoryName=repo.name, branchName="main", parentCommitId=parent, deleteFiles=delete
    )
    work.run("pull", "--quiet", "origin", "main")
    assert work.run("ls-files") == ""
    assert work.run("log", "-1", "--format=%s") == "Deleted a"


def test_characters_that_git_cannot_store_are_replaced(client: Any, repo: Repo) -> None:
    response = client.put_file(
        repositoryName=repo.name,
        branchName="main",
        filePath="a",
        fileContent=b"a",
        name="Ad<a>\n\0",
        email="<ada@example.com>",
        commitMessage="nul\0 \ud800 ä",
    )
    commit = client.get_commit(repositoryName=repo.name, commitId=response["commitId"])["commit"]
    assert commit["message"].strip() == "nul ? ä"
    assert (commit["author"]["name"], commit["author"]["email"]) == ("Ada", "ada@example.com")


def put(path: str, content: bytes | None = b"x", **more: Any) -> dict[str, Any]:
    return {"filePath": path, **({} if content is None else {"fileContent": content}), **more}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "FileEntryRequiredException"),
        ({"putFiles": [put("a", None)]}, "SourceFileOrContentRequiredException"),
        (
            {"putFiles": [put("b", sourceFile={"filePath": "a"})]},
            "FileContentAndSourceFileSpecifiedException",
        ),
        ({"putFiles": [put("b", None, sourceFile={"filePath": "no"})]}, "FileDoesNotExistException"),
        (
            {"putFiles": [put("b", None, sourceFile={"filePath": "x/.gitkeep"})]},
            "RestrictedSourceFileException",
        ),
        ({"putFiles": [put("b"), put("b")]}, "SamePathRequestException"),
        ({"putFiles": [put("a")], "deleteFiles": [{"filePath": "a"}]}, "SamePathRequestException"),
        ({"putFiles": [put("n"), put("n/x")]}, "PutFileEntryConflictException"),
        ({"putFiles": [put("a/b")]}, "DirectoryNameConflictsWithFileNameException"),
        ({"putFiles": [put("d")]}, "FileNameConflictsWithDirectoryNameException"),
        ({"putFiles": [put("m")]}, "FilePathConflictsWithSubmodulePathException"),
        ({"putFiles": [put("m/x")]}, "FilePathConflictsWithSubmodulePathException"),
        ({"putFiles": [put("a", b"1")]}, "NoChangeException"),
        ({"putFiles": [put("../x")]}, "InvalidPathException"),
        ({"putFiles": [put("a/.GIT/hooks/post-receive")]}, "InvalidPathException"),
        ({"putFiles": [put("a//b")]}, "InvalidPathException"),
        ({"putFiles": [put(str(n)) for n in range(101)]}, "MaximumFileEntriesExceededException"),
        (
            {"putFiles": [put("x", bytes(4 * MEBIBYTE)), put("y", bytes(4 * MEBIBYTE))]},
            "FileContentSizeLimitExceededException",
        ),
        ({"deleteFiles": [{"filePath": "no"}]}, "FileDoesNotExistException"),
        ({"setFileModes": [{"filePath": "no", "fileMode": "NORMAL"}]}, "FileDoesNotExistException"),
        ({"putFiles": [put("b")], "authorName": "n" * 1025}, "NameLengthExceededException"),
        ({"putFiles": [put("b")], "authorName": "<.>"}, "NameLengthExceededException"),
        ({"putFiles": [put("b")], "email": "e" * 257}, "InvalidEmailException"),
        ({"putFiles": [put("b")], "commitMessage": "m" * 262145}, "CommitMessageLengthExceededException"),
        ({"putFiles": [put("b")], "branchName": "v1"}, "BranchNameIsTagNameException"),
        ({"putFiles": [put("b")], "branchName": "a b"}, "InvalidBranchNameException"),
    ],
)
def test_create_commit_rejects_invalid_requests(
    client: Any, content: tuple[str, str], changes: dict[str, Any], expected: str
) -> None:
    name, parent = content
    with pytest.raises(ClientError) as caught:
        client.create_commit(
            **{"repositoryName": name, "branchName": "main", "parentCommitId": parent, **changes}
        )
    assert code(caught) == expected


@pytest.fixture(scope="module")
def content(client: Any, served: Served, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Name and tip of a repository with the files `a` and `d/x`, the submodule `m` and the tag `v1`."""
    client.create_repository(repositoryName="content")
    work = GitClient(tmp_path_factory.mktemp("client")).new("work", served.url("content"))
    work.commit({"a": "1", "d/x": "x"})
    work.run("update-index", "--add", "--cacheinfo", f"160000,{UNKNOWN_ID},m")
    work.run("commit", "--quiet", "--amend", "--no-edit")
    work.run("tag", "v1")
    work.push("main", "v1")
    return "content", work.run("rev-parse", "HEAD")
