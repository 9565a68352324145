"""The ordinary git client against the local CodeCommit: what it can do, and the events of it."""

from __future__ import annotations

from typing import Any

from tests.localaws.codecommit.git_client import GitClient
from tests.localaws.codecommit.served import Events, Served


def test_first_push_makes_the_default_branch_and_one_event(
    client: Any, served: Served, git: GitClient, events: Events
) -> None:
    metadata = client.create_repository(repositoryName="app")["repositoryMetadata"]
    assert metadata["cloneUrlHttp"] == served.url("app")
    assert "defaultBranch" not in metadata
    work = git.new("work", metadata["cloneUrlHttp"], branch="trunk")
    commit_id = work.commit({"README": "hello"})

    work.push("trunk")

    assert client.get_repository(repositoryName="app")["repositoryMetadata"]["defaultBranch"] == "trunk"
    branch = client.get_branch(repositoryName="app", branchName="trunk")["branch"]
    assert branch == {"branchName": "trunk", "commitId": commit_id}
    (event,) = events.all
    assert event.source == "aws.codecommit"
    assert event.detail_type == "CodeCommit Repository State Change"
    assert event.resources == ("arn:aws:codecommit:us-east-1:000000000000:app",)
    assert event.detail == {
        "event": "referenceCreated",
        "repositoryName": "app",
        "repositoryId": metadata["repositoryId"],
        "referenceType": "branch",
        "referenceName": "trunk",
        "referenceFullName": "refs/heads/trunk",
        "commitId": commit_id,
        "callerUserArn": "arn:aws:iam::000000000000:root",
    }


def test_updates_force_pushes_tags_and_deletions(
    client: Any, served: Served, git: GitClient, events: Events
) -> None:
    client.create_repository(repositoryName="app")
    work = git.new("work", served.url("app"))
    first = work.commit({"a": "1"})
    work.push("main")
    second = work.commit({"a": "2"})
    work.push("main", "main:feature/x")
    work.run("reset", "--quiet", "--hard", first)
    rewritten = work.commit({"a": "3"})
    work.push("--force", "main")
    work.run("tag", "light")
    work.run("tag", "--annotate", "--message", "one", "v1")
    work.push("--tags")
    work.push("--delete", "feature/x", "light")

    assert [
        (d["event"], d["referenceType"], d["referenceName"], d.get("commitId"), d.get("oldCommitId"))
        for d in events.details()
    ] == [
        ("referenceCreated", "branch", "main", first, None),
        ("referenceUpdated", "branch", "main", second, first),
        ("referenceCreated", "branch", "feature/x", second, None),
        ("referenceUpdated", "branch", "main", rewritten, second),
        ("referenceCreated", "tag", "light", rewritten, None),
        ("referenceCreated", "tag", "v1", rewritten, None),
        ("referenceDeleted", "branch", "feature/x", None, second),
        ("referenceDeleted", "tag", "light", None, rewritten),
    ]
    assert work.run("ls-remote", "--heads", "origin") == f"{rewritten}\trefs/heads/main"


def test_the_default_branch_cannot_be_deleted(
    client: Any, served: Served, git: GitClient, events: Events
) -> None:
    client.create_repository(repositoryName="app")
    work = git.new("work", served.url("app"), branch="trunk")
    work.commit({"a": "1"})
    work.push("trunk")

    refused = work.try_run("push", "origin", "--delete", "trunk")

    assert refused.returncode != 0
    assert "deletion of the current branch prohibited" in refused.stderr
    assert events.summary() == [("referenceCreated", "refs/heads/trunk")]


def test_a_push_that_changes_nothing_or_is_refused_emits_nothing(
    client: Any, served: Served, git: GitClient, events: Events
) -> None:
    client.create_repository(repositoryName="app")
    work = git.new("work", served.url("app"))
    first = work.commit({"a": "1"})
    work.push("main")
    work.commit({"a": "2"})
    work.push("main")
    work.push("main")
    work.run("reset", "--quiet", "--hard", first)
    work.commit({"a": "3"})

    refused = work.try_run("push", "origin", "main")

    assert refused.returncode != 0
    assert "non-fast-forward" in refused.stderr
    assert len(events.all) == 2
