"""Sources of connections and of GitHub, and those that are polled: what a push or a written object starts."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.localaws.codecommit.git_client import GitClient, WorkingCopy
from tests.localaws.codepipeline.fakes import zip_of
from tests.localaws.codepipeline.remote import RemotePipeline, new_name
from tests.waiting import wait_for

CONNECTION = "arn:aws:codeconnections:us-east-1:000000000000:connection/11111111-2222-3333-4444-555555555555"
_SECONDS = 30.0
_QUIET_SECONDS = 0.5


@pytest.fixture
def git(tmp_path: Path) -> GitClient:
    return GitClient(tmp_path)


class Pushed:
    """A pipeline whose only other stage is a manual approval, and a working copy of its repository."""

    def __init__(self, remote: RemotePipeline, git: GitClient, repository: str) -> None:
        self.remote = remote
        self.repository = repository
        self.url = f"http://127.0.0.1:{remote.server.port}/v1/repos/{repository}"
        self.work: WorkingCopy = git.new("work", self.url)

    def create(self, source: dict[str, Any], **changes: Any) -> None:
        approval = {
            "name": "Approve",
            "actionTypeId": {"category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1"},
        }
        self.remote.create([approval], source=source, **changes)

    def push(self, reference: str = "main", **files: str) -> str:
        commit_id = self.work.commit(dict(files) or {"a": str(time.monotonic_ns())})
        self.work.push(f"HEAD:{reference}")
        return commit_id

    def executions(self) -> list[dict[str, Any]]:
        """Return the executions, newest first."""
        answer = self.remote.client.list_pipeline_executions(pipelineName=self.remote.name)
        return list(answer["pipelineExecutionSummaries"])

    def source(self, status: str = "Succeeded") -> dict[str, Any]:
        """Wait for the source action of the newest execution, and return it."""

        def found() -> list[dict[str, Any]]:
            answer = self.remote.client.list_action_executions(pipelineName=self.remote.name)
            return [item for item in answer["actionExecutionDetails"] if item["actionName"] == "Source"]

        wait_for(lambda: bool(found()) and found()[0]["status"] == status, seconds=_SECONDS)
        return found()[0]


@pytest.fixture
def pushed(remote: RemotePipeline, git: GitClient) -> Pushed:
    return Pushed(remote, git, f"octo/{new_name('app')}")


def connection(repository: str, **configuration: str) -> dict[str, Any]:
    return {
        "actionTypeId": {
            "category": "Source",
            "owner": "AWS",
            "provider": "CodeStarSourceConnection",
            "version": "1",
        },
        "configuration": {
            "ConnectionArn": CONNECTION,
            "FullRepositoryId": repository,
            "BranchName": "main",
            **configuration,
        },
    }


def github(repository: str, **configuration: str) -> dict[str, Any]:
    owner, name = repository.split("/")
    return {
        "actionTypeId": {"category": "Source", "owner": "ThirdParty", "provider": "GitHub", "version": "1"},
        "configuration": {
            "Owner": owner,
            "Repo": name,
            "Branch": "main",
            "OAuthToken": "secret-token",
            **configuration,
        },
    }


def test_push_to_the_repository_of_a_connection_starts_the_pipeline(pushed: Pushed) -> None:
    pushed.create(connection(pushed.repository))
    commit_id = pushed.push()

    source = pushed.source()
    variables = source["output"]["outputVariables"]
    assert variables.pop("CommitMessage").strip()
    assert variables == {
        "AuthorDate": "2023-11-14T22:13:20Z",
        "BranchName": "main",
        "CommitId": commit_id,
        "ConnectionArn": CONNECTION,
        "FullRepositoryName": pushed.repository,
    }
    (execution,) = pushed.executions()
    assert execution["trigger"] == {"triggerType": "WebhookV2", "triggerDetail": CONNECTION}


def test_artifact_holds_the_files_of_the_commit(pushed: Pushed) -> None:
    pushed.create(connection(pushed.repository))
    pushed.push(**{"src/a.txt": "content"})
    pushed.source()
    pushed.remote.execution_id = pushed.executions()[0]["pipelineExecutionId"]
    assert pushed.remote.files("Source")["src/a.txt"] == b"content"


def test_repository_can_be_cloned_with_and_without_suffix(pushed: Pushed, git: GitClient) -> None:
    pushed.push(a="1")
    for suffix in ("", ".git"):
        clone = git.clone(f"{pushed.url}{suffix}", f"clone{suffix}")
        assert (clone.path / "a").read_text() == "1"


def test_repository_without_a_push_cannot_be_cloned(pushed: Pushed, git: GitClient) -> None:
    result = git.try_run("clone", f"{pushed.url}-missing", "missing")
    assert result.returncode != 0
    assert "not found" in result.stderr


def test_push_to_another_branch_starts_nothing(pushed: Pushed) -> None:
    pushed.create(connection(pushed.repository))
    pushed.push("develop")
    time.sleep(_QUIET_SECONDS)
    assert pushed.executions() == []


def test_push_starts_nothing_without_detection(pushed: Pushed) -> None:
    pushed.create(connection(pushed.repository, DetectChanges="false"))
    pushed.push()
    time.sleep(_QUIET_SECONDS)
    assert pushed.executions() == []


def test_missing_branch_fails_the_source_with_the_address_to_push_to(pushed: Pushed) -> None:
    pushed.create(connection(pushed.repository))
    pushed.remote.client.start_pipeline_execution(name=pushed.remote.name)
    result = pushed.source("Failed")["output"]["executionResult"]
    assert pushed.url in result["errorDetails"]["message"]


def test_role_needs_the_permission_to_use_the_connection(pushed: Pushed) -> None:
    statements = [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]
    pushed.create(connection(pushed.repository), statements=statements)
    pushed.push()
    details = pushed.source("Failed")["output"]["executionResult"]["errorDetails"]
    assert details["code"] == "PermissionError"
    assert "codeconnections:UseConnection" in details["message"]


def test_tag_trigger_starts_the_pipeline_with_the_tagged_commit(pushed: Pushed) -> None:
    git_configuration = {"sourceActionName": "Source", "push": [{"tags": {"includes": ["v*"]}}]}
    trigger = {"providerType": "CodeStarSourceConnection", "gitConfiguration": git_configuration}
    pushed.create(connection(pushed.repository), triggers=[trigger])
    tagged = pushed.push()
    pushed.push()
    time.sleep(_QUIET_SECONDS)
    assert pushed.executions() == []

    pushed.work.run("tag", "-a", "v1", "-m", "First", tagged)
    pushed.work.push("v1")
    assert pushed.source()["output"]["outputVariables"]["CommitId"] == tagged


def test_branch_trigger_starts_the_pipeline_with_the_pushed_branch(pushed: Pushed) -> None:
    push_filter = {"branches": {"includes": ["feature/**"]}, "filePaths": {"includes": ["src/**"]}}
    git_configuration = {"sourceActionName": "Source", "push": [push_filter]}
    trigger = {"providerType": "CodeStarSourceConnection", "gitConfiguration": git_configuration}
    pushed.create(connection(pushed.repository), triggers=[trigger])
    pushed.push("main", **{"src/a": "1"})
    pushed.push("feature/x", **{"docs/a": "1"})
    time.sleep(_QUIET_SECONDS)
    assert pushed.executions() == []

    commit_id = pushed.push("feature/x", **{"src/a": "2"})
    variables = pushed.source()["output"]["outputVariables"]
    assert (variables["BranchName"], variables["CommitId"]) == ("feature/x", commit_id)


def test_push_starts_a_pipeline_with_github_and_the_token_is_never_shown(pushed: Pushed) -> None:
    pushed.create(github(pushed.repository))
    commit_id = pushed.push()
    source = pushed.source()
    assert source["output"]["outputVariables"]["CommitId"] == commit_id
    assert source["output"]["outputVariables"]["RepositoryName"] == pushed.repository.split("/")[1]
    assert pushed.executions()[0]["trigger"]["triggerType"] == "PollForSourceChanges"
    declared = pushed.remote.client.get_pipeline(name=pushed.remote.name)["pipeline"]
    assert declared["stages"][0]["actions"][0]["configuration"]["OAuthToken"] == "****"
    assert "secret-token" not in str(source)


def test_github_without_polling_is_not_started(pushed: Pushed) -> None:
    pushed.create(github(pushed.repository, PollForSourceChanges="false"))
    pushed.push()
    time.sleep(_QUIET_SECONDS)
    assert pushed.executions() == []


@pytest.mark.parametrize(("polls", "started"), [(None, 1), ("true", 1), ("false", 0)])
def test_push_to_codecommit_starts_a_pipeline_that_polls(
    remote: RemotePipeline, git: GitClient, polls: str | None, started: int
) -> None:
    name = new_name("app")
    remote.server.client("codecommit").create_repository(repositoryName=name)
    pushed = Pushed(remote, git, name)
    configuration = {"RepositoryName": name, "BranchName": "main"}
    if polls is not None:
        configuration["PollForSourceChanges"] = polls
    source = {"category": "Source", "owner": "AWS", "provider": "CodeCommit", "version": "1"}
    pushed.create({"actionTypeId": source, "configuration": configuration})
    pushed.push()
    wait_for(lambda: len(pushed.executions()) == started, seconds=_SECONDS)
    time.sleep(_QUIET_SECONDS)
    assert len(pushed.executions()) == started


def test_written_object_starts_a_pipeline_that_polls(remote: RemotePipeline, git: GitClient) -> None:
    pushed = Pushed(remote, git, "octo/none")
    source = {"category": "Source", "owner": "AWS", "provider": "S3", "version": "1"}
    configuration = {"S3Bucket": remote.name, "S3ObjectKey": "source.zip"}
    pushed.create({"actionTypeId": source, "configuration": configuration})
    s3 = remote.server.client("s3")
    s3.put_object(Bucket=remote.name, Key="other.zip", Body=zip_of({"a": b"1"}))
    s3.put_object(Bucket=remote.name, Key="source.zip", Body=zip_of({"a": b"1"}))
    pushed.source()
    assert [item["trigger"]["triggerType"] for item in pushed.executions()] == ["PollForSourceChanges"]
