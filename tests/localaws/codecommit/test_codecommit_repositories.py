"""The operations on repositories, branches and tags, through boto3."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stepline.localaws.clock import VirtualClock
from stepline.localaws.codecommit import CodeCommit
from stepline.localaws.context import Context
from stepline.localaws.protocol import AwsError, in_process_client
from tests.localaws.codecommit.git_client import GitClient, WorkingCopy
from tests.localaws.codecommit.served import EventLog, Events, Repo, Served

UNKNOWN_ID = "0123456789" * 4


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_create_repository_returns_its_metadata(tmp_path: Path) -> None:
    clock = VirtualClock()
    context = Context(clock, EventLog(), account_id="123456789012", region="eu-west-1")
    service = CodeCommit(context, directory=tmp_path, base_url="http://127.0.0.1:4566/")
    client = in_process_client(service, region="eu-west-1")
    created = client.create_repository(
        repositoryName="my.app_1-x",
        repositoryDescription="text",
        tags={"k": "v"},
        kmsKeyId="alias/aws/codecommit",
    )["repositoryMetadata"]

    assert len(created.pop("repositoryId")) == 36
    assert created == {
        "accountId": "123456789012",
        "repositoryName": "my.app_1-x",
        "repositoryDescription": "text",
        "lastModifiedDate": clock.now(),
        "creationDate": clock.now(),
        "cloneUrlHttp": "http://127.0.0.1:4566/v1/repos/my.app_1-x",
        "cloneUrlSsh": "ssh://git-codecommit.eu-west-1.amazonaws.com/v1/repos/my.app_1-x",
        "Arn": "arn:aws:codecommit:eu-west-1:123456789012:my.app_1-x",
        "kmsKeyId": "alias/aws/codecommit",
    }
    assert client.list_tags_for_resource(resourceArn=created["Arn"])["tags"] == {"k": "v"}


def test_repositories_of_an_earlier_run_are_served_again(tmp_path: Path) -> None:
    def start() -> Any:
        context = Context(VirtualClock(), EventLog())
        return in_process_client(CodeCommit(context, directory=tmp_path, base_url="http://localhost"))

    before = start()
    before.create_repository(repositoryName="app", tags={"k": "v"})
    before.put_file(repositoryName="app", branchName="main", fileContent=b"x", filePath="a")
    metadata = before.get_repository(repositoryName="app")["repositoryMetadata"]

    assert start().get_repository(repositoryName="app")["repositoryMetadata"] == metadata
    assert metadata["defaultBranch"] == "main"


def test_repositories_are_sorted_renamed_described_and_deleted(tmp_path: Path) -> None:
    clock = VirtualClock()
    service = CodeCommit(Context(clock, EventLog()), directory=tmp_path, base_url="http://localhost")
    client = in_process_client(service)
    for name in ("b", "a", "c"):
        client.create_repository(repositoryName=name)
        clock.advance(1)

    def names(**options: str) -> list[str]:
        pages = client.get_paginator("list_repositories").paginate(**options)
        return [item["repositoryName"] for page in pages for item in page["repositories"]]

    assert names() == ["a", "b", "c"]
    assert names(order="descending") == ["c", "b", "a"]
    assert names(sortBy="lastModifiedDate") == ["b", "a", "c"]

    client.update_repository_name(oldName="b", newName="z")
    client.update_repository_description(repositoryName="z", repositoryDescription="new")
    batch = client.batch_get_repositories(repositoryNames=["z", "b", "a", "a"])
    assert [
        (item["repositoryName"], item.get("repositoryDescription")) for item in batch["repositories"]
    ] == [
        ("z", "new"),
        ("a", None),
    ]
    assert batch["repositoriesNotFound"] == ["b"]
    assert names(sortBy="lastModifiedDate", order="descending") == ["z", "c", "a"]

    repository_id = batch["repositories"][0]["repositoryId"]
    assert client.delete_repository(repositoryName="z")["repositoryId"] == repository_id
    assert "repositoryId" not in client.delete_repository(repositoryName="z")
    assert names() == ["a", "c"]
    assert not (tmp_path / "repositories" / repository_id).exists()
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.parametrize("name", ["", "a b", "a/b", "..", ".", "app.git", "x" * 101, "ä", "-\n"])
def test_invalid_repository_name_is_rejected(service: CodeCommit, name: str) -> None:
    operation = service.model.operation_model("CreateRepository")
    with pytest.raises(AwsError) as caught:
        service.call(operation, {"repositoryName": name})
    expected = "InvalidRepositoryNameException" if name else "RepositoryNameRequiredException"
    assert caught.value.code == expected


@pytest.mark.parametrize(
    ("operation", "arguments", "expected"),
    [
        ("create_repository", {"repositoryName": "{}"}, "RepositoryNameExistsException"),
        (
            "create_repository",
            {"repositoryName": "x", "tags": {"aws:x": ""}},
            "InvalidSystemTagUsageException",
        ),
        (
            "create_repository",
            {"repositoryName": "x", "tags": {str(n): "" for n in range(51)}},
            "TooManyTagsException",
        ),
        (
            "create_repository",
            {"repositoryName": "x", "repositoryDescription": "d" * 1001},
            "InvalidRepositoryDescriptionException",
        ),
        ("get_repository", {"repositoryName": "nothing"}, "RepositoryDoesNotExistException"),
        ("list_repositories", {"sortBy": "size"}, "InvalidSortByException"),
        ("list_repositories", {"order": "up"}, "InvalidOrderException"),
        ("list_repositories", {"nextToken": "?"}, "InvalidContinuationTokenException"),
        ("batch_get_repositories", {"repositoryNames": []}, "RepositoryNamesRequiredException"),
        (
            "batch_get_repositories",
            {"repositoryNames": [str(n) for n in range(101)]},
            "MaximumRepositoryNamesExceededException",
        ),
        ("update_repository_name", {"oldName": "nothing", "newName": "x"}, "RepositoryDoesNotExistException"),
        ("update_repository_name", {"oldName": "{}", "newName": "{}"}, "RepositoryNameExistsException"),
        (
            "update_default_branch",
            {"repositoryName": "{}", "defaultBranchName": "x"},
            "BranchDoesNotExistException",
        ),
        ("get_branch", {"repositoryName": "{}"}, "BranchNameRequiredException"),
        ("get_branch", {"repositoryName": "{}", "branchName": "x"}, "BranchDoesNotExistException"),
        ("get_branch", {"repositoryName": "{}", "branchName": "x" * 257}, "InvalidBranchNameException"),
        (
            "create_branch",
            {"repositoryName": "{}", "branchName": "x", "commitId": UNKNOWN_ID},
            "CommitDoesNotExistException",
        ),
        (
            "create_branch",
            {"repositoryName": "{}", "branchName": "x", "commitId": "HEAD"},
            "InvalidCommitIdException",
        ),
        (
            "create_branch",
            {"repositoryName": "{}", "branchName": "a..b", "commitId": UNKNOWN_ID},
            "InvalidBranchNameException",
        ),
        (
            "create_branch",
            {"repositoryName": "{}", "branchName": UNKNOWN_ID, "commitId": UNKNOWN_ID},
            "InvalidBranchNameException",
        ),
        ("list_tags_for_resource", {"resourceArn": "arn:aws:s3:::bucket"}, "InvalidResourceArnException"),
        (
            "tag_resource",
            {"resourceArn": "arn:aws:codecommit:us-east-1:000000000000:nothing", "tags": {"a": "b"}},
            "RepositoryDoesNotExistException",
        ),
        (
            "untag_resource",
            {"resourceArn": "arn:aws:codecommit:us-east-1:000000000000:{}", "tagKeys": ["aws:x"]},
            "InvalidSystemTagUsageException",
        ),
    ],
)
def test_invalid_requests_are_rejected(
    client: Any, repo: Repo, operation: str, arguments: dict[str, Any], expected: str
) -> None:
    filled = {
        key: value.format(repo.name) if isinstance(value, str) else value for key, value in arguments.items()
    }
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(**filled)
    assert code(caught) == expected
    assert caught.value.response["Error"]["Message"]


def test_tags_are_added_replaced_and_removed(client: Any, repo: Repo) -> None:
    arn = client.get_repository(repositoryName=repo.name)["repositoryMetadata"]["Arn"]
    client.tag_resource(resourceArn=arn, tags={"a": "1", "b": "2"})
    client.tag_resource(resourceArn=arn, tags={"a": "3"})
    client.untag_resource(resourceArn=arn, tagKeys=["b", "c"])
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "3"}


def test_branches_are_created_listed_and_deleted(
    client: Any, repo: Repo, work: WorkingCopy, events: Events
) -> None:
    first = work.commit({"a": "1"})
    work.push("main")
    where = {"repositoryName": repo.name}

    client.create_branch(**where, branchName="feature/x", commitId=first)
    with pytest.raises(ClientError) as exists:
        client.create_branch(**where, branchName="feature/x", commitId=first)
    with pytest.raises(ClientError) as conflict:
        client.create_branch(**where, branchName="feature", commitId=first)
    assert client.list_branches(**where)["branches"] == ["feature/x", "main"]
    assert work.run("ls-remote", "origin", "feature/x").split()[0] == first

    with pytest.raises(ClientError) as is_default:
        client.delete_branch(**where, branchName="main")
    client.update_default_branch(**where, defaultBranchName="feature/x")
    deleted = client.delete_branch(**where, branchName="main")["deletedBranch"]
    again = client.delete_branch(**where, branchName="main")

    assert code(exists) == code(conflict) == "BranchNameExistsException"
    assert code(is_default) == "DefaultBranchCannotBeDeletedException"
    assert deleted == {"branchName": "main", "commitId": first}
    assert "deletedBranch" not in again
    assert events.summary() == [
        ("referenceCreated", "refs/heads/main"),
        ("referenceCreated", "refs/heads/feature/x"),
        ("referenceDeleted", "refs/heads/main"),
    ]


def test_clone_checks_out_the_new_default_branch(
    client: Any, repo: Repo, work: WorkingCopy, git: GitClient
) -> None:
    work.commit({"a": "1"})
    work.push("main", "main:release")
    client.update_default_branch(repositoryName=repo.name, defaultBranchName="release")
    client.update_default_branch(repositoryName=repo.name, defaultBranchName="release")
    assert git.clone(repo.url, "clone").run("symbolic-ref", "--short", "HEAD") == "release"


def test_renamed_repository_is_served_under_its_new_name_only(
    client: Any, repo: Repo, work: WorkingCopy, served: Served
) -> None:
    work.commit({"a": "1"})
    work.push("main")
    client.update_repository_name(oldName=repo.name, newName=f"{repo.name}-new")
    assert work.try_run("fetch").returncode != 0
    work.run("remote", "set-url", "origin", served.url(f"{repo.name}-new"))
    work.push("main:other")
    assert served.events.of(f"{repo.name}-new").summary() == [("referenceCreated", "refs/heads/other")]
