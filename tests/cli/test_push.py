"""`stepline push` to a repository in a folder."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stepline.aws.target import Target
from stepline.cli import watching
from tests.aws.fakes import Answers, target_of
from tests.cli.conftest import Stepline
from tests.cli.local_pipeline import WAITING, LocalPipeline
from tests.fakes.clients import client_of
from tests.fakes.s3 import FakeS3
from tests.fakes.sparse_file import bytes_of
from tests.git.repositories import BareRepository
from tests.localaws.codepipeline.fakes import client_error


@pytest.fixture
def local_pipeline() -> LocalPipeline:
    return LocalPipeline(WAITING)


@pytest.fixture(autouse=True)
def repository(
    local_pipeline: LocalPipeline,
    git_without_settings: None,
    use_target: Callable[[Target], None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> BareRepository:
    """The source of a pipeline, beside a folder `app` with one file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "template.yaml").write_text("Resources: {}\n")
    repository = BareRepository(tmp_path / "server.git")

    def get_repository(params: dict[str, str]) -> Any:
        if params["repositoryName"] != "app":
            return client_error("RepositoryDoesNotExistException", "GetRepository", "app2 does not exist")
        return {"repositoryMetadata": {"cloneUrlHttp": str(repository.folder)}}

    codecommit = Answers({"get_repository": get_repository})
    use_target(local_pipeline.target(codecommit=codecommit))
    return repository


def test_commit_is_shown(stepline: Stepline, repository: BareRepository) -> None:
    result = stepline("push")
    assert (result.exit_code, result.stderr) == (0, "stepline: local AWS at http://127.0.0.1:4566\n")
    (commit,) = repository.log("%H")
    assert result.stdout == f"✓ Pushed 1 file to app, branch main\n  commit {commit}\n"


def test_push_without_changes_says_so(stepline: Stepline, repository: BareRepository) -> None:
    stepline("push")
    result = stepline("push")
    assert result.exit_code == 0
    assert "Nothing has changed: app, branch main already has this content." in result.stdout
    assert f"commit {repository.log('%H')[0]}" in result.stdout


def test_empty_commit_is_shown(stepline: Stepline) -> None:
    stepline("push")
    result = stepline("push", "--allow-empty")
    assert "Pushed an empty commit to app, branch main: nothing has changed" in result.stdout


def test_message_and_branch_are_used(stepline: Stepline, repository: BareRepository) -> None:
    assert stepline("push", "--branch", "feature/a").exit_code == 0
    assert stepline("push", "app", "-m", "Second", "--branch", "feature/a", "--allow-empty").exit_code == 0
    assert repository.log("%s", "feature/a") == ["Second", "Update app"]


def test_missing_directory_is_one_line(stepline: Stepline) -> None:
    result = stepline("push", "nowhere")
    assert result.exit_code == 1
    assert (
        result.stderr.splitlines()[-1] == "stepline: nowhere is not a directory: name the directory to push"
    )


def test_unknown_repository_is_one_line(stepline: Stepline) -> None:
    result = stepline("push", "--repository", "app2")
    assert result.exit_code == 1
    assert "stepline: GetRepository: RepositoryDoesNotExistException: app2 does not exist" in result.stderr


def test_error_of_git_is_one_line(stepline: Stepline, repository: BareRepository) -> None:
    repository.refuse_pushes("the branch is frozen")
    result = stepline("push")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == "stepline: git push: remote: the branch is frozen"


def use_source(use_target: Callable[[Target], None], provider: str, *, is_local: bool, **more: Any) -> None:
    """Let the pipeline have this source."""
    configuration, clients = more.pop("configuration", {}), more
    type_id = {"category": "Source", "owner": "AWS", "provider": provider, "version": "1"}
    action = {"name": "Source", "actionTypeId": type_id, "configuration": configuration}
    stages = [{"name": "Source", "actions": [action]}]
    pipelines = Answers(
        {
            "list_pipelines": {"pipelines": [{"name": "app"}]},
            "get_pipeline": {"pipeline": {"name": "app", "stages": stages}},
        }
    )
    use_target(replace(target_of(codepipeline=pipelines, **clients), is_local=is_local))


def test_pipeline_without_a_source_to_push_to_is_rejected(
    stepline: Stepline, use_target: Callable[[Target], None]
) -> None:
    use_source(use_target, "ECR", is_local=True)
    result = stepline("push")
    assert result.exit_code == 1
    assert "pipeline app has no source that can be pushed to (its source: ECR): use --" in result.stderr


def test_repository_of_another_provider_is_pushed_to_with_git(
    stepline: Stepline, use_target: Callable[[Target], None]
) -> None:
    configuration = {"ConnectionArn": "arn", "FullRepositoryId": "octocat/hello", "BranchName": "live"}
    use_source(use_target, "CodeStarSourceConnection", is_local=False, configuration=configuration)
    result = stepline("push")
    assert result.exit_code == 1
    assert (
        "the source of pipeline app is the repository octocat/hello of another provider: push to its branch "
        "live with git" in result.stderr
    )


class TestS3:
    """A source that is an object of S3."""

    @pytest.fixture(autouse=True)
    def s3(self, use_target: Callable[[Target], None]) -> FakeS3:
        s3 = FakeS3(put_version="v1")
        configuration = {"S3Bucket": "sources", "S3ObjectKey": "app.zip"}
        use_source(use_target, "S3", is_local=True, configuration=configuration, s3=client_of(s3))
        return s3

    def test_files_are_uploaded_as_a_zip_file(self, stepline: Stepline, s3: FakeS3) -> None:
        result = stepline("push")
        assert result.stdout == "✓ Pushed 1 file to s3://sources/app.zip\n  version v1\n"
        with zipfile.ZipFile(io.BytesIO(bytes_of(s3.objects["sources", "app.zip"]))) as archive:
            assert archive.namelist() == ["template.yaml"]

    def test_bucket_without_versioning_is_refused(self, stepline: Stepline, s3: FakeS3) -> None:
        s3.put_version = None
        result = stepline("push")
        assert result.exit_code == 1
        assert "bucket sources has no versioning, which a source of a pipeline needs" in result.stderr

    def test_branch_is_refused(self, stepline: Stepline) -> None:
        result = stepline("push", "--branch", "main")
        assert "the source of pipeline app is an object of S3: omit --branch" in result.stderr


class TestWatch:
    """`stepline push --watch`."""

    @pytest.fixture(autouse=True)
    def _clock(self, local_pipeline: LocalPipeline, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(watching, "new_poller", local_pipeline.new_poller)

    @pytest.fixture
    def starts(self, local_pipeline: LocalPipeline, repository: BareRepository) -> list[str]:
        """The execution that a push starts after two seconds."""
        started: list[str] = []

        def start() -> None:
            started.append(local_pipeline.start_for(repository.log("%H")[0]))

        local_pipeline.world.clock.call_later(2, start)
        return started

    def test_execution_of_the_commit_is_shown_until_it_ends(
        self, stepline: Stepline, local_pipeline: LocalPipeline, starts: list[str]
    ) -> None:
        local_pipeline.start_later(3)
        result = stepline("push", "--watch")
        assert result.exit_code == 0
        assert f"app {starts[0][:8]}  started" in result.stdout
        assert "Deploy / Deploy > Wait  done (30 s)" in result.stdout
        assert result.stdout.endswith("Outputs of Deploy\n  BucketName  my-bucket\n")

    def test_unchanged_content_shows_the_execution_of_its_commit(
        self, stepline: Stepline, starts: list[str]
    ) -> None:
        stepline("push", "--watch")
        result = stepline("push", "--watch")
        assert result.exit_code == 0
        assert "Nothing has changed" in result.stdout
        assert f"app {starts[0][:8]}  succeeded" in result.stdout

    def test_failure_is_the_exit_code(
        self, stepline: Stepline, local_pipeline: LocalPipeline, starts: list[str]
    ) -> None:
        local_pipeline.world.lambda_.functions["trigger"] = lambda job: local_pipeline.world.fail(job, "no")
        assert stepline("push", "--watch").exit_code == 1
        assert starts

    def test_timeout_is_the_exit_code(self, stepline: Stepline, starts: list[str]) -> None:
        result = stepline("push", "--watch", "--timeout", "10s")
        assert (result.exit_code, len(starts)) == (124, 1)
        assert "not done after 10 s; the pipeline continues" in result.stderr

    def test_push_that_starts_nothing_is_an_error(
        self, stepline: Stepline, repository: BareRepository
    ) -> None:
        result = stepline("push", "--watch")
        assert result.exit_code == 1
        commit = repository.log("%H")[0][:8]
        assert f"commit {commit} did not start pipeline app within 60 s" in result.stderr

    def test_branch_that_starts_nothing_is_not_pushed(
        self, stepline: Stepline, repository: BareRepository
    ) -> None:
        result = stepline("push", "--watch", "--branch", "master")
        assert result.exit_code == 1
        assert (
            "a push to app, branch master, does not start pipeline app "
            "(its repository: app, branch main): push without --watch" in result.stderr
        )
        assert not (repository.folder / "refs" / "heads" / "master").exists()

    def test_timeout_needs_watch(self, stepline: Stepline) -> None:
        assert stepline("push", "--timeout", "10s").exit_code == 2
