"""Push with the git client, and the events that follow."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.localaws.codecommit.git_client import GitClient, WorkingCopy
from tests.localaws.codecommit.served import Events, Repo


def test_first_push_sets_the_default_branch_and_publishes_one_event(
    client: Any, repo: Repo, git: GitClient, events: Events
) -> None:
    before = client.get_repository(repositoryName=repo.name)["repositoryMetadata"]
    assert "defaultBranch" not in before
    work = git.new("work", repo.url, branch="trunk")
    commit_id = work.commit({"README": "hello"})

    work.push("trunk")

    after = client.get_repository(repositoryName=repo.name)["repositoryMetadata"]
    assert after["defaultBranch"] == "trunk"
    assert after["lastModifiedDate"] > before["lastModifiedDate"]
    branch = client.get_branch(repositoryName=repo.name, branchName="trunk")["branch"]
    assert branch == {"branchName": "trunk", "commitId": commit_id}
    (event,) = events.all
    assert event.source == "aws.codecommit"
    assert event.detail_type == "CodeCommit Repository State Change"
    assert event.resources == (f"arn:aws:codecommit:us-east-1:000000000000:{repo.name}",)
    assert event.detail == {
        "event": "referenceCreated",
        "repositoryName": repo.name,
        "repositoryId": repo.repository_id,
        "referenceType": "branch",
        "referenceName": "trunk",
        "referenceFullName": "refs/heads/trunk",
        "commitId": commit_id,
        "callerUserArn": "arn:aws:iam::000000000000:root",
    }


def test_events_of_updates_force_pushes_tags_and_deletions(work: WorkingCopy, events: Events) -> None:
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


def test_push_cannot_delete_the_default_branch(work: WorkingCopy, events: Events) -> None:
    work.commit({"a": "1"})
    work.push("main:trunk")

    rejected = work.try_run("push", "origin", "--delete", "trunk")

    assert rejected.returncode != 0
    assert "deletion of the current branch prohibited" in rejected.stderr
    assert events.summary() == [("referenceCreated", "refs/heads/trunk")]


def test_push_that_changes_nothing_or_is_rejected_has_no_event(work: WorkingCopy, events: Events) -> None:
    first = work.commit({"a": "1"})
    work.push("main")
    work.commit({"a": "2"})
    work.push("main")
    work.push("main")
    work.run("reset", "--quiet", "--hard", first)
    work.commit({"a": "3"})

    rejected = work.try_run("push", "origin", "main")

    assert rejected.returncode != 0
    assert "non-fast-forward" in rejected.stderr
    assert len(events.all) == 2


def test_other_references_have_no_events(work: WorkingCopy, events: Events) -> None:
    work.commit({"a": "1"})
    work.push("main", "main:refs/notes/x", "main:refs/other/y")
    assert events.summary() == [("referenceCreated", "refs/heads/main")]


def test_atomic_push_has_events_for_all_references_or_none(work: WorkingCopy, events: Events) -> None:
    first = work.commit({"a": "1"})
    work.push("main")
    work.run("reset", "--quiet", "--hard", first)
    work.run("commit", "--quiet", "--amend", "--message", "other")
    assert work.try_run("push", "--atomic", "origin", "main", "main:new").returncode != 0
    work.push("--atomic", "--force", "main", "main:new")
    assert events.summary() == [
        ("referenceCreated", "refs/heads/main"),
        ("referenceUpdated", "refs/heads/main"),
        ("referenceCreated", "refs/heads/new"),
    ]


def test_concurrent_pushes_lose_and_duplicate_no_event(
    repo: Repo, git: GitClient, work: WorkingCopy, events: Events
) -> None:
    work.commit({"a": "1"})
    work.push("main")
    names = [f"branch-{number}" for number in range(6)]
    clones = {name: git.clone(repo.url, name) for name in names}
    commits = {name: clone.commit({name: name}) for name, clone in clones.items()}

    def push(name: str) -> None:
        """git may reject `shared` if another push changes it meanwhile, but never the clone's own branch."""
        clones[name].try_run("push", "--force", "origin", f"main:{name}", "main:shared")

    with ThreadPoolExecutor() as pool:
        list(pool.map(push, names))

    created = {
        (d["referenceName"], d["commitId"]) for d in events.details()[1:] if d["event"].endswith("Created")
    }
    assert {(name, commits[name]) for name in names} <= created
    shared = [detail for detail in events.details() if detail["referenceName"] == "shared"]
    tip = work.run("ls-remote", "origin", "shared").split()[0]
    assert _chain(shared, tip) == len(shared)
    assert len(events.all) == 1 + len(names) + len(shared)


def _chain(details: list[dict[str, Any]], tip: str) -> int:
    """Return how many events lead from a branch's creation to its tip: all, if none is lost or duplicated."""
    old_of = {detail["commitId"]: detail.get("oldCommitId") for detail in details}
    length = 0
    at: str | None = tip
    while at is not None and length <= len(details):
        length, at = length + 1, old_of[at]
    return length
