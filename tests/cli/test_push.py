"""`stepline push` with the ordinary git client, into a repository in a folder."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stepline.aws.target import Target
from stepline.core.errors import UsageError
from stepline.git.push import aws_access, local_access
from tests.cli.conftest import Stepline
from tests.cli.workflow import ONE_STATE as ANY_MACHINE
from tests.cli.workflow import Answers, Workflow, target_of
from tests.localaws.codepipeline.fakes import client_error, source_action


class Repository:
    """A bare repository, and what was pushed to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git("init", "--quiet", "--bare", str(folder), at=folder.parent)

    def git(self, *words: str, at: Path | None = None) -> str:
        done = subprocess.run(
            ["git", *words], cwd=at or self.folder, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def files(self, branch: str = "main") -> dict[str, str]:
        names = self.git("ls-tree", "-r", "--name-only", branch).splitlines()
        return {name: self.git("show", f"{branch}:{name}") for name in names}

    def log(self, form: str, branch: str = "main") -> list[str]:
        return self.git("log", f"--format={form}", branch).splitlines()


@pytest.fixture(autouse=True)
def _no_git_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    folder = tmp_path / "server.git"
    folder.mkdir()
    return Repository(folder)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    app = tmp_path / "app"
    (app / "deeper").mkdir(parents=True)
    (app / "template.yaml").write_text("Resources: {}\n")
    (app / "deeper" / "file.txt").write_text("one\r\n")
    return app


@pytest.fixture
def workflow(repository: Repository, use_target: Callable[[Target], None]) -> Workflow:
    """A pipeline whose source is branch `main` of `repository`."""
    workflow = Workflow(ANY_MACHINE)

    def get_repository(params: dict[str, str]) -> Any:
        if params["repositoryName"] != "app":
            return client_error("RepositoryDoesNotExistException", "GetRepository", "app2 does not exist")
        return {"repositoryMetadata": {"cloneUrlHttp": str(repository.folder)}}

    use_target(workflow.target(codecommit=Answers({"get_repository": get_repository})))
    return workflow


@pytest.mark.usefixtures("workflow")
class TestPush:
    def test_the_first_push(self, stepline: Stepline, app: Path, repository: Repository) -> None:
        result = stepline("push")
        assert (result.exit_code, result.stderr) == (0, "stepline: local AWS at http://127.0.0.1:4566\n")
        (commit,) = repository.log("%H")
        assert result.stdout == f"✓ Pushed 2 files to app, branch main\n  commit {commit}\n"
        assert repository.files() == {"deeper/file.txt": "one", "template.yaml": "Resources: {}"}
        assert repository.git("cat-file", "blob", "main:deeper/file.txt", at=repository.folder) == "one"
        assert repository.log("%an <%ae> %s") == ["stepline <stepline@localhost> Update app"]

    def test_nothing_changed(self, stepline: Stepline, app: Path, repository: Repository) -> None:
        stepline("push")
        result = stepline("push")
        assert result.exit_code == 0
        assert "Nothing has changed: app, branch main has this content already." in result.stdout
        assert f"commit {repository.log('%H')[0]}" in result.stdout
        assert len(repository.log("%H")) == 1

    def test_nothing_changed_but_all_the_same(
        self, stepline: Stepline, app: Path, repository: Repository
    ) -> None:
        stepline("push")
        result = stepline("push", "--allow-empty")
        assert "Pushed an empty commit to app, branch main: nothing has changed" in result.stdout
        assert len(repository.log("%H")) == 2

    def test_changes_removals_and_the_message(
        self, stepline: Stepline, app: Path, repository: Repository
    ) -> None:
        stepline("push")
        (app / "template.yaml").write_text("Resources: {A: {}}\n")
        (app / "deeper" / "file.txt").unlink()
        assert stepline("push", "app", "-m", "Second").exit_code == 0
        assert repository.files() == {"template.yaml": "Resources: {A: {}}"}
        assert repository.log("%s") == ["Second", "Update app"]

    def test_the_users_own_repository_is_left_alone(
        self, stepline: Stepline, app: Path, repository: Repository, tmp_path: Path
    ) -> None:
        for words in (
            ("init", "-q"),
            ("config", "user.name", "Ada"),
            ("config", "user.email", "ada@example.com"),
            ("config", "commit.gpgSign", "true"),
            ("add", "app/template.yaml"),
        ):
            repository.git(*words, at=tmp_path)
        (tmp_path / ".git" / "hooks" / "pre-commit").write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / ".git" / "hooks" / "pre-commit").chmod(0o755)
        before = repository.git("status", "--porcelain", at=tmp_path)
        assert stepline("push").exit_code == 0
        assert repository.git("status", "--porcelain", at=tmp_path) == before
        assert repository.log("%an <%ae>") == ["Ada <ada@example.com>"]

    def test_a_directory_that_is_itself_a_repository(
        self, stepline: Stepline, app: Path, repository: Repository
    ) -> None:
        repository.git("init", "-q", at=app)
        assert stepline("push").exit_code == 0
        assert sorted(repository.files()) == ["deeper/file.txt", "template.yaml"]

    def test_a_repository_within_it_is_refused(
        self, stepline: Stepline, app: Path, repository: Repository
    ) -> None:
        repository.git("init", "-q", at=app / "deeper")
        repository.git(
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b",
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            "x",
            at=app / "deeper",
        )
        result = stepline("push")
        assert result.exit_code == 1
        assert "app/deeper is a git repository of its own: only its files can be pushed" in result.stderr

    def test_what_gitignore_names_stays_out(
        self, stepline: Stepline, app: Path, repository: Repository
    ) -> None:
        (app / ".gitignore").write_text("deeper/\n")
        assert stepline("push").exit_code == 0
        assert sorted(repository.files()) == [".gitignore", "template.yaml"]

    def test_another_branch(self, stepline: Stepline, app: Path, repository: Repository) -> None:
        assert stepline("push", "--branch", "feature/a").exit_code == 0
        assert repository.log("%s", "feature/a") == ["Update app"]

    def test_a_hook_of_git_does_not_confuse_it(
        self, stepline: Stepline, app: Path, repository: Repository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GIT_DIR", "/nowhere")
        monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
        assert stepline("push").exit_code == 0

    def test_no_directory_and_an_empty_one(self, stepline: Stepline, tmp_path: Path) -> None:
        result = stepline("push", "nowhere")
        assert result.exit_code == 1
        assert result.stderr.splitlines()[-1] == (
            "stepline: nowhere is no directory: name the one whose content is to be pushed"
        )
        (tmp_path / "empty").mkdir()
        assert "empty has no files to push" in stepline("push", "empty").stderr

    def test_an_unknown_repository(self, stepline: Stepline, app: Path) -> None:
        result = stepline("push", "--repository", "app2")
        assert result.exit_code == 1
        assert (
            "stepline: GetRepository: RepositoryDoesNotExistException: app2 does not exist" in result.stderr
        )

    def test_git_that_fails_is_told_in_its_own_words(
        self, stepline: Stepline, app: Path, repository: Repository
    ) -> None:
        hook = repository.folder / "hooks" / "pre-receive"
        hook.write_text("#!/bin/sh\necho 'the branch is frozen' >&2\nexit 1\n")
        hook.chmod(0o755)
        result = stepline("push")
        assert result.exit_code == 1
        assert result.stderr.splitlines()[-1] == "stepline: git push: remote: the branch is frozen"

    def test_nothing_temporary_stays(
        self, stepline: Stepline, app: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        folder = tmp_path / "temporary"
        folder.mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(folder))
        assert stepline("push").exit_code == 0
        assert list(folder.iterdir()) == []


def test_a_pipeline_without_codecommit(
    stepline: Stepline, app: Path, workflow: Workflow, use_target: Callable[[Target], None]
) -> None:
    action = source_action()
    action["actionTypeId"] = action["actionTypeId"] | {"provider": "S3"}
    stages = [{"name": "Source", "actions": [action]}]
    pipelines = Answers(
        {
            "list_pipelines": {"pipelines": [{"name": "app"}]},
            "get_pipeline": {"pipeline": {"name": "app", "stages": stages}},
        }
    )
    use_target(target_of(codepipeline=pipelines))
    result = stepline("push")
    assert result.exit_code == 1
    assert "pipeline app has no CodeCommit source but S3: use --repository" in result.stderr


def test_the_local_aws_gets_no_stored_password() -> None:
    assert "credential.helper=" in local_access().settings


def test_codecommit_is_reached_by_the_aws_clis_helper(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="install `aws`"):
        aws_access(None)
    (tmp_path / "aws").write_text("#!/bin/sh\n")
    (tmp_path / "aws").chmod(0o755)
    assert aws_access("my profile").settings == (
        "credential.helper=",
        "credential.helper=!aws --profile 'my profile' codecommit credential-helper $@",
        "credential.UseHttpPath=true",
    )
