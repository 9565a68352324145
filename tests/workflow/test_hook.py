"""The pre-push hook, with real repositories: what it deploys, and that it disturbs nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from stepline.core.errors import UsageError
from stepline.git import hook
from stepline.git.hook import Entry, Push, Repository
from tests.workflow.repository import GitFolder

ZERO = "0" * 40
ENTRY = Entry(file="flow.json", stack="my-stack")


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitFolder:
    folder = GitFolder(tmp_path)
    for name, value in folder.environment.items():
        if name.startswith("GIT_"):
            monkeypatch.setenv(name, value)
    return folder


@pytest.fixture
def repository(git: GitFolder) -> Repository:
    git.commit(flow_json="{}")
    return Repository.around(git.folder / "flow.json")


def pushed(local: str, remote: str, branch: str = "main") -> list[Push]:
    return [Push(local, f"refs/heads/{branch}", remote)]


def test_it_remembers_what_to_deploy(repository: Repository) -> None:
    path = hook.install(
        repository, Entry("flow.json", "my-stack", "Machine", "live", "u", "http://x", "eu", "p")
    )
    assert path == repository.top / ".git/hooks/pre-push"
    assert path.stat().st_mode & 0o111 == 0o111
    assert sys.executable in path.read_text()
    assert hook.entries(repository) == [
        Entry("flow.json", "my-stack", "Machine", "live", "u", "http://x", "eu", "p")
    ]


def test_installed_again_it_forgets_what_is_not_said_any_more(repository: Repository) -> None:
    hook.install(repository, Entry("flow.json", "my-stack", state_machine="Machine"))
    hook.install(repository, Entry("flow.json", "another"))
    assert hook.entries(repository) == [Entry("flow.json", "another")]


def test_it_deploys_several_files_and_goes_with_the_last(repository: Repository) -> None:
    odd = Entry("deep/ä b.c.json", "s2")
    for entry in (ENTRY, odd):
        path = hook.install(repository, entry)
    assert hook.entries(repository) == [ENTRY, odd]
    hook.uninstall(repository, "flow.json")
    assert hook.entries(repository) == [odd]
    assert path.exists()
    hook.uninstall(repository, odd.file)
    assert not path.exists()
    with pytest.raises(UsageError, match=r"no hook deploys flow\.json"):
        hook.uninstall(repository, "flow.json")


def test_a_hook_of_somebody_else_stays(repository: Repository) -> None:
    repository.hook.parent.mkdir(exist_ok=True)
    repository.hook.write_text("#!/bin/sh\ntrue\n")
    with pytest.raises(UsageError, match=r"there is a pre-push hook already.*workflow hook run"):
        hook.install(repository, ENTRY)
    assert repository.hook.read_text() == "#!/bin/sh\ntrue\n"
    assert hook.entries(repository) == []


def test_it_is_where_git_looks_for_it(git: GitFolder, repository: Repository) -> None:
    git.git("config", "core.hooksPath", "my-hooks")
    assert hook.install(repository, ENTRY) == repository.top / "my-hooks/pre-push"


def test_a_file_must_be_in_the_repository(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not in the git repository"):
        repository.path_of(tmp_path / "elsewhere.json")
    with pytest.raises(UsageError, match="is in no git repository"):
        Repository.around(tmp_path)


def changed(repository: Repository, pushes: list[Push]) -> list[bytes]:
    return [content for _, content in hook.changed_files(repository, pushes)]


def test_what_the_pushed_commit_has_is_deployed(git: GitFolder, repository: Repository) -> None:
    hook.install(repository, ENTRY)
    before, after = git.git("rev-parse", "HEAD"), git.commit(flow_json="new")
    (git.folder / "flow.json").write_text("not committed")
    assert changed(repository, pushed(after, before)) == [b"new"]


@pytest.mark.parametrize("case", ["another file", "another branch", "deleted branch", "deleted file"])
def test_nothing_else_deploys(git: GitFolder, repository: Repository, case: str) -> None:
    hook.install(repository, ENTRY)
    before = git.git("rev-parse", "HEAD")
    match case:
        case "another file":
            pushes = pushed(git.commit(other_json="1"), before)
        case "another branch":
            pushes = pushed(git.commit(flow_json="new"), before, branch="feature")
        case "deleted branch":
            pushes = pushed(ZERO, before)
        case _:
            (git.folder / "flow.json").unlink()
            pushes = pushed(git.commit(), before)
    assert changed(repository, pushes) == []


@pytest.mark.parametrize("remote", [ZERO, "1" * 40], ids=["new branch", "unknown commit"])
def test_what_cannot_be_compared_is_deployed(git: GitFolder, repository: Repository, remote: str) -> None:
    hook.install(repository, ENTRY)
    assert changed(repository, pushed(git.git("rev-parse", "HEAD"), remote)) == [b"{}"]


def test_it_understands_what_git_tells_it() -> None:
    assert hook.read_pushes("refs/heads/a 1 refs/heads/b 2\n") == [Push("1", "refs/heads/b", "2")]
    assert hook.read_pushes("") == []
    with pytest.raises(UsageError, match="called by git"):
        hook.read_pushes("hello\n")
