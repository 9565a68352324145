"""`stepline run` with a pipeline in this process."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stepline.aws import local_servers
from stepline.aws.local_servers import ConsoleServer, LocalAws, Owner
from stepline.cli import startup
from stepline.cli.commands import run as run_command
from stepline.console import saved_page
from stepline.deployment.stack_changes import DeployedStack, Outcome
from stepline.processes import server_process
from tests.aws.fakes import Answers
from tests.cli.conftest import Stepline
from tests.cli.local_pipeline import WAITING, LocalPipeline, task

Prepare = Callable[..., LocalPipeline]


def explode(_event: Any, _context: Any) -> None:
    raise RuntimeError("no room left")


@pytest.fixture
def local_aws(tmp_path: Path) -> LocalAws:
    return LocalAws(1, 4566, "us-east-1", tmp_path, "now", None)


@pytest.fixture
def prepare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, local_aws: LocalAws) -> Prepare:
    """A pipeline that starts two seconds after the test."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "template.yaml").write_text("Resources: {}\n")
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "template.yaml").write_text("Resources: {}\n")
    repository = tmp_path / "server.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(repository)], check=True)

    @contextmanager
    def local(*_args: object) -> Iterator[LocalAws]:
        yield local_aws

    def make(machine: Any = WAITING, functions: Any = None, *, starts: bool = True) -> LocalPipeline:
        local_pipeline = LocalPipeline(machine, functions)
        metadata = {"repositoryMetadata": {"cloneUrlHttp": str(repository)}}
        target = local_pipeline.target(codecommit=Answers({"get_repository": metadata}))

        def start() -> None:
            command = ["git", "-C", str(repository), "rev-parse", "main"]
            head = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
            local_pipeline.start_for(head)

        if starts:
            local_pipeline.world.clock.call_later(2, start)
        monkeypatch.setattr(run_command, "_local_aws", local)
        monkeypatch.setattr(run_command, "local_target", lambda _local_aws: target)
        monkeypatch.setattr(run_command, "new_poller", local_pipeline.new_poller)
        deployed = DeployedStack("stepline", Outcome.CREATED, {"PipelineName": "app"}, ())
        monkeypatch.setattr(startup, "deploy", lambda *_args, **_settings: deployed)
        return local_pipeline

    return make


def test_deployment_push_execution_and_outputs_are_shown_in_order(
    prepare: Prepare, stepline: Stepline
) -> None:
    prepare()
    result = stepline("run")
    assert result.exit_code == 0, result.output
    order = [
        "✓ Stack stepline is created",
        "✓ Pushed 1 file to app, branch main",
        "Deploy / Deploy > Wait  done (30 s)",
        "✓ succeeded after",
        "Outputs of Deploy\n  BucketName  my-bucket\n",
    ]
    positions = [result.stdout.find(text) for text in order]
    assert -1 not in positions
    assert positions == sorted(positions)


def test_older_execution_is_not_watched(prepare: Prepare, stepline: Stepline) -> None:
    local_pipeline = prepare()
    old = local_pipeline.world.start()
    result = stepline("run")
    assert result.exit_code == 0
    assert f"app {old[:8]}" not in result.stdout


def test_push_without_changes_starts_an_execution(prepare: Prepare, stepline: Stepline) -> None:
    prepare()
    stepline("run")
    prepare()
    result = stepline("run")
    assert result.exit_code == 0
    assert "Pushed an empty commit to app, branch main: nothing has changed" in result.stdout


def test_run_fails_if_the_pipeline_fails(prepare: Prepare, stepline: Stepline) -> None:
    prepare({"StartAt": "Create", "States": {"Create": task("f", End=True)}}, {"f": explode})
    result = stepline("run")
    assert result.exit_code == 1
    assert "cause  no room left" in result.stdout
    assert "Outputs of" not in result.stdout


def test_push_that_starts_no_execution_is_an_error(prepare: Prepare, stepline: Stepline) -> None:
    prepare(starts=False)
    result = stepline("run")
    assert result.exit_code == 1
    assert "did not start pipeline app within 60 s: check that its EventBridge rule" in result.stderr


class TestLocalAws:
    @pytest.fixture(autouse=True)
    def _project(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "template.yaml").write_text("Resources: {}\n")

        def no_deploy(*_args: object, **_settings: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(startup, "deploy", no_deploy)

    def test_running_local_aws_is_used_and_not_stopped(
        self, stepline: Stepline, monkeypatch: pytest.MonkeyPatch, local_aws: LocalAws
    ) -> None:
        monkeypatch.setattr(local_servers, "find_running", lambda _port: local_aws)
        monkeypatch.setattr(server_process, "stop", lambda _local_aws: pytest.fail("stopped"))
        result = stepline("run")
        assert result.exit_code == 130
        assert "Using the local AWS on port 4566" in result.stdout

    def test_local_aws_of_another_run_is_not_used(
        self, stepline: Stepline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        other = LocalAws(1, 4566, "us-east-1", tmp_path, "now", Owner(1, "run"))
        monkeypatch.setattr(local_servers, "find_running", lambda _port: other)
        result = stepline("run")
        assert result.exit_code == 1
        assert "port 4566 is in use by another `stepline run`: wait, or use --port 4567" in result.stderr


class TestSavedPage:
    @pytest.fixture
    def own_local_aws(self, prepare: Prepare, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> LocalAws:
        """A local AWS that the command has started, with a console."""
        local_aws = LocalAws(
            1, 4566, "us-east-1", tmp_path, "now", Owner(os.getpid(), "run"), ConsoleServer(2, 4600)
        )
        prepare()
        stubbed: Any = run_command
        target = replace(stubbed.local_target(local_aws), local_aws=local_aws)
        monkeypatch.setattr(run_command, "local_target", lambda _local_aws: target)
        return local_aws

    @pytest.mark.usefixtures("own_local_aws")
    def test_page_is_saved_and_linked(
        self, stepline: Stepline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        saved = []
        monkeypatch.setattr(saved_page, "save_execution", lambda *arguments: saved.append(arguments[-1]))
        result = stepline("run")
        assert result.exit_code == 0
        assert saved == [tmp_path / ".stepline/run.html"]
        assert result.stdout.endswith(f"\nSee it in the browser: {saved[0].as_uri()}\n")

    @pytest.mark.usefixtures("own_local_aws")
    def test_page_that_cannot_be_saved_does_not_fail_the_run(
        self, stepline: Stepline, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_arguments: object) -> None:
            raise PermissionError(13, "Permission denied", ".stepline")

        monkeypatch.setattr(saved_page, "save_execution", refuse)
        result = stepline("run")
        assert result.exit_code == 0
        assert "The page of the run is not saved: " in result.stderr
        assert "Permission denied" in result.stderr
