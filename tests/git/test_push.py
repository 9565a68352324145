"""Pushes of a directory with the ordinary git client, to a bare repository in a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stepline.aws.source_repositories import Destination
from stepline.core.errors import UsageError
from stepline.git.push import LOCAL_ACCESS, PushResult, codecommit_access, push_directory
from tests.git.repositories import BareRepository, run_git

Push = Callable[..., PushResult]


@pytest.fixture
def repository(tmp_path: Path) -> BareRepository:
    return BareRepository(tmp_path / "server.git")


@pytest.fixture
def app(tmp_path: Path) -> Path:
    app = tmp_path / "app"
    (app / "deeper").mkdir(parents=True)
    (app / "template.yaml").write_text("Resources: {}\n")
    (app / "deeper" / "file.txt").write_text("one\r\n")
    return app


@pytest.fixture
def push(git_without_settings: None, repository: BareRepository, app: Path) -> Push:
    """Pushes `app`, or another folder, to a branch of `repository`."""

    def run(
        source: Path = app, *, branch: str = "main", message: str = "Update", allow_empty: bool = False
    ) -> PushResult:
        destination = Destination("app", branch, str(repository.folder))
        return push_directory(source, destination, LOCAL_ACCESS, message=message, allow_empty=allow_empty)

    return run


def test_first_push_creates_the_branch(push: Push, repository: BareRepository) -> None:
    result = push()
    (commit,) = repository.log("%H")
    assert result == PushResult(commit, is_new=True, has_changes=True, files=2)
    assert repository.files() == {"deeper/file.txt": "one\r", "template.yaml": "Resources: {}"}
    assert repository.log("%an <%ae> %s") == ["stepline <stepline@localhost> Update"]


def test_push_without_changes_creates_no_commit(push: Push, repository: BareRepository) -> None:
    first = push()
    assert push() == PushResult(first.commit_id, is_new=False, has_changes=False, files=2)
    assert len(repository.log("%H")) == 1


def test_push_without_changes_creates_an_empty_commit_if_allowed(
    push: Push, repository: BareRepository
) -> None:
    first = push()
    result = push(allow_empty=True)
    assert (result.is_new, result.has_changes) == (True, False)
    assert repository.log("%H") == [result.commit_id, first.commit_id]


def test_changed_and_removed_files_are_pushed(push: Push, repository: BareRepository, app: Path) -> None:
    push()
    (app / "template.yaml").write_text("Resources: {A: {}}\n")
    (app / "deeper" / "file.txt").unlink()
    push(message="Second")
    assert repository.files() == {"template.yaml": "Resources: {A: {}}"}
    assert repository.log("%s") == ["Second", "Update"]


def test_repository_that_contains_the_directory_is_not_changed(
    push: Push, repository: BareRepository, tmp_path: Path
) -> None:
    for arguments in (
        ("init", "-q"),
        ("config", "user.name", "Ada"),
        ("config", "user.email", "ada@example.com"),
        ("config", "commit.gpgSign", "true"),
        ("add", "app/template.yaml"),
    ):
        run_git(*arguments, at=tmp_path)
    (tmp_path / ".git" / "hooks" / "pre-commit").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / ".git" / "hooks" / "pre-commit").chmod(0o755)
    before = run_git("status", "--porcelain", at=tmp_path)
    push()
    assert run_git("status", "--porcelain", at=tmp_path) == before
    assert repository.log("%an <%ae>") == ["Ada <ada@example.com>"]


def test_directory_that_is_a_repository_is_pushed_without_it(
    push: Push, repository: BareRepository, app: Path
) -> None:
    run_git("init", "-q", at=app)
    push()
    assert sorted(repository.files()) == ["deeper/file.txt", "template.yaml"]


def test_repository_within_the_directory_is_rejected(push: Push, app: Path) -> None:
    run_git("init", "-q", at=app / "deeper")
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    run_git(*identity, "commit", "-q", "--allow-empty", "-m", "x", at=app / "deeper")
    with pytest.raises(UsageError, match=r"app/deeper is a git repository of its own: only its files can"):
        push()


def test_files_in_gitignore_are_left_out(push: Push, repository: BareRepository, app: Path) -> None:
    (app / ".gitignore").write_text("deeper/\n")
    push()
    assert sorted(repository.files()) == [".gitignore", "template.yaml"]


def test_other_branch_is_created(push: Push, repository: BareRepository) -> None:
    push(branch="feature/a")
    assert repository.log("%s", "feature/a") == ["Update"]


def test_variables_that_git_sets_for_hooks_are_ignored(push: Push, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
    assert push().is_new


def test_missing_and_empty_directories_are_rejected(push: Push, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere is not a directory: name the directory to push"):
        push(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="empty has no files to push"):
        push(tmp_path / "empty")


def test_error_of_git_is_the_message(push: Push, repository: BareRepository) -> None:
    repository.refuse_pushes("the branch is frozen")
    with pytest.raises(UsageError, match=r"^git push: remote: the branch is frozen$"):
        push()


def test_temporary_files_are_deleted(push: Push, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    push()
    assert list(folder.iterdir()) == []


def test_local_aws_gets_no_stored_password() -> None:
    assert "credential.helper=" in LOCAL_ACCESS


def test_codecommit_is_reached_with_the_credential_helper_of_the_aws_cli(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="install `aws`"):
        codecommit_access(None)
    (tmp_path / "aws").write_text("#!/bin/sh\n")
    (tmp_path / "aws").chmod(0o755)
    assert codecommit_access("my profile") == (
        "credential.helper=",
        "credential.helper=!aws --profile 'my profile' codecommit credential-helper $@",
        "credential.UseHttpPath=true",
    )


def test_what_builds_create_is_not_pushed(push: Push, app: Path, repository: BareRepository) -> None:
    for name in (".aws-sam", ".venv", "cdk.out", "node_modules", "deeper/__pycache__"):
        (app / name).mkdir()
        (app / name / "file.txt").write_text("generated")
    assert push().files == 2
    (app / ".gitignore").write_text("!node_modules/\n")
    assert push().files == 4
    assert "node_modules/file.txt" in repository.files()


def test_files_that_the_users_repository_has_are_pushed(
    push: Push, app: Path, repository: BareRepository
) -> None:
    (app / "node_modules").mkdir()
    (app / "node_modules/vendored.js").write_text("kept")
    run_git("init", "--quiet", at=app)
    run_git("add", "--all", at=app)
    push()
    assert "node_modules/vendored.js" in repository.files()


def test_what_the_users_repository_ignores_is_not_pushed(
    push: Push, app: Path, repository: BareRepository
) -> None:
    run_git("init", "--quiet", at=app.parent)
    (app.parent / ".gitignore").write_text("*.log\n/app/out put/\n")
    (app / "out put").mkdir()
    (app / "out put/result.txt").write_text("x")
    (app / "build.log").write_text("x")
    push()
    assert repository.files().keys() == {"deeper/file.txt", "template.yaml"}


def test_folder_that_the_users_repository_ignores_as_a_whole_is_pushed(
    push: Push, app: Path, repository: BareRepository
) -> None:
    run_git("init", "--quiet", at=app.parent)
    (app.parent / ".gitignore").write_text("/app/\n")
    assert push().files == 2
