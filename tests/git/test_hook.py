"""The pre-push hook, with real repositories."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from stepline.core.errors import UsageError
from stepline.git import hook
from stepline.git.hook import HookedDefinition, PushedRef, Repository
from tests.git.repositories import WorkingTree

ZERO = "0" * 40
DEFINITION = HookedDefinition(file="flow.json", stack="my-stack")


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WorkingTree:
    folder = WorkingTree(tmp_path)
    for name, value in folder.environment.items():
        if name.startswith("GIT_"):
            monkeypatch.setenv(name, value)
    return folder


@pytest.fixture
def repository(git: WorkingTree) -> Repository:
    git.commit(flow_json="{}")
    return Repository.containing(git.folder / "flow.json")


def pushed(local: str, remote: str, branch: str = "main") -> list[PushedRef]:
    return [PushedRef(local, f"refs/heads/{branch}", remote)]


def test_installed_definition_is_listed(repository: Repository) -> None:
    path = hook.install(
        repository, HookedDefinition("flow.json", "my-stack", "Machine", "live", "u", "http://x", "eu", "p")
    )
    assert path == repository.folder / ".git/hooks/pre-push"
    assert path.stat().st_mode & 0o111 == 0o111
    assert sys.executable in path.read_text()
    assert hook.list_definitions(repository) == [
        HookedDefinition("flow.json", "my-stack", "Machine", "live", "u", "http://x", "eu", "p")
    ]


def test_second_installation_replaces_the_settings(repository: Repository) -> None:
    hook.install(repository, HookedDefinition("flow.json", "my-stack", state_machine="Machine"))
    hook.install(repository, HookedDefinition("flow.json", "another"))
    assert hook.list_definitions(repository) == [HookedDefinition("flow.json", "another")]


def test_hook_is_deleted_with_the_last_definition(repository: Repository) -> None:
    odd = HookedDefinition("deep/ä b.c.json", "s2")
    for definition in (DEFINITION, odd):
        path = hook.install(repository, definition)
    assert hook.list_definitions(repository) == [DEFINITION, odd]
    hook.uninstall(repository, "flow.json")
    assert hook.list_definitions(repository) == [odd]
    assert path.exists()
    hook.uninstall(repository, odd.file)
    assert not path.exists()
    with pytest.raises(UsageError, match=r"no hook deploys flow\.json"):
        hook.uninstall(repository, "flow.json")


def test_other_hook_is_not_replaced(repository: Repository) -> None:
    repository.hook_file.parent.mkdir(exist_ok=True)
    repository.hook_file.write_text("#!/bin/sh\ntrue\n")
    with pytest.raises(UsageError, match=r"pre-push exists already: call this.*workflow hook run"):
        hook.install(repository, DEFINITION)
    assert repository.hook_file.read_text() == "#!/bin/sh\ntrue\n"
    assert hook.list_definitions(repository) == []


def test_hook_is_installed_in_core_hooks_path(git: WorkingTree, repository: Repository) -> None:
    git.git("config", "core.hooksPath", "my-hooks")
    assert hook.install(repository, DEFINITION) == repository.folder / "my-hooks/pre-push"


def test_file_outside_the_repository_is_rejected(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not in the git repository"):
        repository.relative_path(tmp_path / "elsewhere.json")
    with pytest.raises(UsageError, match="is not in a git repository"):
        Repository.containing(tmp_path)


def changed(repository: Repository, refs: list[PushedRef]) -> list[bytes]:
    return [content for _, content in hook.changed_definitions(repository, refs)]


def test_content_of_the_pushed_commit_is_deployed(git: WorkingTree, repository: Repository) -> None:
    hook.install(repository, DEFINITION)
    before, after = git.git("rev-parse", "HEAD"), git.commit(flow_json="new")
    (git.folder / "flow.json").write_text("not committed")
    assert changed(repository, pushed(after, before)) == [b"new"]


@pytest.mark.parametrize("case", ["another file", "another branch", "deleted branch", "deleted file"])
def test_push_without_a_change_of_the_definition_deploys_nothing(
    git: WorkingTree, repository: Repository, case: str
) -> None:
    hook.install(repository, DEFINITION)
    before = git.git("rev-parse", "HEAD")
    match case:
        case "another file":
            refs = pushed(git.commit(other_json="1"), before)
        case "another branch":
            refs = pushed(git.commit(flow_json="new"), before, branch="feature")
        case "deleted branch":
            refs = pushed(ZERO, before)
        case _:
            (git.folder / "flow.json").unlink()
            refs = pushed(git.commit(), before)
    assert changed(repository, refs) == []


@pytest.mark.parametrize("remote", [ZERO, "1" * 40], ids=["new branch", "unknown commit"])
def test_definition_is_deployed_if_the_remote_commit_is_missing(
    git: WorkingTree, repository: Repository, remote: str
) -> None:
    hook.install(repository, DEFINITION)
    assert changed(repository, pushed(git.git("rev-parse", "HEAD"), remote)) == [b"{}"]


def test_standard_input_of_the_hook_is_parsed() -> None:
    assert hook.parse_pushed_refs("refs/heads/a 1 refs/heads/b 2\n") == [PushedRef("1", "refs/heads/b", "2")]
    assert hook.parse_pushed_refs("") == []
    with pytest.raises(UsageError, match="only git calls this command"):
        hook.parse_pushed_refs("hello\n")
