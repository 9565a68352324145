"""`stepline status`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from stepline.aws.target import Target
from tests.aws.fakes import ENDPOINT
from tests.cli.conftest import Stepline
from tests.cli.local_pipeline import ONE_STATE, WAITING, LocalPipeline


@pytest.fixture
def local_pipeline(use_target: Callable[[Target], None]) -> LocalPipeline:
    local_pipeline = LocalPipeline(ONE_STATE)
    use_target(local_pipeline.target())
    return local_pipeline


def read(stepline: Stepline) -> Any:
    result = stepline("status", "--json")
    assert result.exit_code == 0
    return json.loads(result.stdout)


def test_document_of_a_successful_execution(local_pipeline: LocalPipeline, stepline: Stepline) -> None:
    """Other tools rely on the exact shape."""
    execution_id = local_pipeline.world.run()
    execution_arn = local_pipeline.stepfunctions.list_executions(stateMachineArn=local_pipeline.machine_arn)[
        "executions"
    ][0]
    document = read(stepline)
    (pipeline,) = document.pop("pipelines")
    assert document == {"endpoint": ENDPOINT, "region": "us-east-1", "localAws": None, "approvals": []}
    stages, executions = pipeline.pop("stages"), pipeline.pop("latestExecutions")
    assert pipeline == {
        "name": "app",
        "arn": "arn:aws:codepipeline:us-east-1:000000000000:app",
        "executionMode": "SUPERSEDED",
    }
    assert [(stage["name"], stage["status"], stage["executionId"]) for stage in stages] == [
        ("Source", "Succeeded", execution_id),
        ("Deploy", "Succeeded", execution_id),
    ]
    (action,) = stages[1]["actions"]
    assert action.pop("lastStatusChange").startswith("2026-01-01T00:00:0")
    assert action == {
        "name": "Deploy",
        "provider": "Lambda",
        "status": "Succeeded",
        "summary": "SUCCEEDED",
        "percentComplete": action["percentComplete"],
        "externalExecutionId": execution_arn["executionArn"],
        "externalExecutionUrl": action["externalExecutionUrl"],
        "revisionId": None,
        "error": None,
    }
    (execution,) = executions
    assert execution.pop("startTime") == "2026-01-01T00:00:00.000Z"
    assert execution.pop("lastUpdateTime").endswith("Z")
    execution["trigger"].pop("detail")
    assert execution == {
        "id": execution_id,
        "status": "Succeeded",
        "statusSummary": None,
        "trigger": {"type": "StartPipelineExecution"},
        "sourceRevisions": [{"actionName": "Source", "revisionId": "1" * 40, "summary": "First commit"}],
    }


def test_members_of_what_never_started_are_null(local_pipeline: LocalPipeline, stepline: Stepline) -> None:
    (pipeline,) = read(stepline)["pipelines"]
    assert pipeline["latestExecutions"] == []
    assert [(stage["name"], stage["status"]) for stage in pipeline["stages"]] == [
        ("Source", "NotStarted"),
        ("Deploy", "NotStarted"),
    ]
    assert pipeline["stages"][1]["actions"][0]["status"] == "NotStarted"
    assert pipeline["stages"][1]["actions"][0]["lastStatusChange"] is None


def test_error_of_an_action_is_in_the_document(local_pipeline: LocalPipeline, stepline: Stepline) -> None:
    local_pipeline.world.lambda_.functions["trigger"] = lambda job: local_pipeline.world.fail(
        job, "no such file: a.json"
    )
    local_pipeline.world.run()
    action = read(stepline)["pipelines"][0]["stages"][1]["actions"][0]
    assert action["status"] == "Failed"
    assert action["error"] == {"code": "JobFailed", "message": "no such file: a.json"}


def test_status_on_a_terminal(stepline: Stepline, use_target: Callable[[Target], None]) -> None:
    local_pipeline = LocalPipeline(WAITING)
    use_target(local_pipeline.target())
    first = local_pipeline.world.run()
    local_pipeline.world.start()
    local_pipeline.world.clock.advance(10)
    last = local_pipeline.world.start()
    local_pipeline.world.clock.advance(10)
    local_pipeline.world.client.disable_stage_transition(
        pipelineName="app", stageName="Deploy", transitionType="Inbound", reason="freeze"
    )
    result = stepline("status", "app")
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert lines[0] == "app mode superseded"
    assert any(line.startswith("Deploy ● in progress disabled: freeze") for line in lines)
    assert any(line.startswith(f"○ waiting for Deploy {last[:8]}") for line in lines)
    assert any(line.startswith(f"✓ succeeded {first[:8]} 11111111 First commit") for line in lines)


def test_status_without_pipelines(local_pipeline: LocalPipeline, stepline: Stepline) -> None:
    local_pipeline.world.client.delete_pipeline(name="app")
    assert read(stepline)["pipelines"] == []
    assert "No pipeline exists" in stepline("status").stdout


def test_status_of_one_pipeline(local_pipeline: LocalPipeline, stepline: Stepline) -> None:
    local_pipeline.world.create(name="second")
    document = json.loads(stepline("status", "second", "--json").stdout)
    assert [pipeline["name"] for pipeline in document["pipelines"]] == ["second"]
    assert (
        "pipeline 'third' does not exist; the pipelines are: app, second"
        in stepline("status", "third").stderr
    )
