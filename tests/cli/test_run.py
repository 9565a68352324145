"""`stepline run`: deploy, push and watch in one go, with a pipeline in this process."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from stepline.aws import local_servers
from stepline.aws.local_servers import LocalAws, Owner
from stepline.cli import startup
from stepline.cli.commands import run as run_command
from stepline.processes import server_process
from tests.cli.conftest import Stepline
from tests.cli.workflow import WAITING, Answers, Workflow, task

Prepare = Callable[..., Workflow]


def explode(_event: Any, _context: Any) -> None:
    raise RuntimeError("no room left")


@pytest.fixture
def local_aws(tmp_path: Path) -> LocalAws:
    return LocalAws(1, 4566, "us-east-1", tmp_path, "now", None)


@pytest.fixture
def prepare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, local_aws: LocalAws) -> Prepare:
    """A pipeline that starts by itself two seconds after a push into the repository."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "template.yaml").write_text("Resources: {}\n")
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "template.yaml").write_text("Resources: {}\n")
    repository = tmp_path / "server.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(repository)], check=True)

    @contextmanager
    def local(*_args: object) -> Iterator[LocalAws]:
        yield local_aws

    def make(machine: Any = WAITING, functions: Any = None, *, starts: bool = True) -> Workflow:
        workflow = Workflow(machine, functions)
        metadata = {"repositoryMetadata": {"cloneUrlHttp": str(repository)}}
        target = workflow.target(codecommit=Answers({"get_repository": metadata}))

        def start() -> None:
            words = ["git", "-C", str(repository), "rev-parse", "main"]
            head = subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
            overrides = {"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": head}
            workflow.world.start(sourceRevisions=[overrides])

        if starts:
            workflow.world.clock.call_later(2, start)
        monkeypatch.setattr(run_command, "_local_aws", local)
        monkeypatch.setattr(run_command, "local_target", lambda _local_aws: target)
        monkeypatch.setattr(run_command, "new_polling", workflow.new_polling)
        monkeypatch.setattr(startup, "deploy", lambda *_args, **_settings: {"PipelineName": "app"})
        return workflow

    return make


def test_up_push_watch_and_the_outputs(prepare: Prepare, stepline: Stepline) -> None:
    prepare()
    result = stepline("run")
    assert result.exit_code == 0, result.output
    told = result.stdout
    order = [
        "✓ Stack stepline is deployed",
        "✓ Pushed 1 file to app, branch main",
        "Deploy / Deploy > Wait  done (30 s)",
        "✓ succeeded after",
        "Outputs of Deploy\n  BucketName  my-bucket\n",
    ]
    places = [told.find(text) for text in order]
    assert -1 not in places
    assert places == sorted(places)


def test_an_older_execution_is_not_taken_for_this_one(prepare: Prepare, stepline: Stepline) -> None:
    workflow = prepare()
    old = workflow.world.start()
    result = stepline("run")
    assert result.exit_code == 0
    assert f"app {old[:8]}" not in result.stdout


def test_a_second_push_without_a_change_runs_too(prepare: Prepare, stepline: Stepline) -> None:
    prepare()
    stepline("run")
    prepare()
    result = stepline("run")
    assert result.exit_code == 0
    assert "Pushed an empty commit to app, branch main: nothing has changed" in result.stdout


def test_a_pipeline_that_fails_makes_it_fail(prepare: Prepare, stepline: Stepline) -> None:
    prepare({"StartAt": "Create", "States": {"Create": task("f", End=True)}}, {"f": explode})
    result = stepline("run")
    assert result.exit_code == 1
    assert "cause  no room left" in result.stdout
    assert "Outputs of" not in result.stdout


def test_a_push_that_starts_nothing_is_told(prepare: Prepare, stepline: Stepline) -> None:
    prepare(starts=False)
    result = stepline("run")
    assert result.exit_code == 1
    assert "the push did not start pipeline app within 60 s: is its EventBridge rule" in result.stderr


class TestWhichLocalAws:
    @pytest.fixture(autouse=True)
    def _project(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "template.yaml").write_text("Resources: {}\n")

        def no_deploy(*_args: object, **_settings: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(startup, "deploy", no_deploy)

    def test_one_that_runs_is_used_and_left_running(
        self, stepline: Stepline, monkeypatch: pytest.MonkeyPatch, local_aws: LocalAws
    ) -> None:
        monkeypatch.setattr(local_servers, "running", lambda _port: local_aws)
        monkeypatch.setattr(server_process, "stop", lambda _local_aws: pytest.fail("stopped"))
        result = stepline("run")
        assert result.exit_code == 130
        assert "Using the local AWS that runs on port 4566" in result.stdout

    def test_that_of_another_run_is_not_used(
        self, stepline: Stepline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        theirs = LocalAws(1, 4566, "us-east-1", tmp_path, "now", Owner(1, "run"))
        monkeypatch.setattr(local_servers, "running", lambda _port: theirs)
        result = stepline("run")
        assert result.exit_code == 1
        assert "another `stepline run` uses port 4566: wait for it, or use --port 4567" in result.stderr
