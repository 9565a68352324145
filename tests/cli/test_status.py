from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import botocore.session
import pytest

from stepline.aws.statuses import Status
from stepline.aws.target import Target
from tests.cli.conftest import Stepline
from tests.cli.workflow import ENDPOINT, ONE_STATE, WAITING, Workflow


@pytest.fixture
def workflow(use_target: Callable[[Target], None]) -> Workflow:
    workflow = Workflow(ONE_STATE)
    use_target(workflow.target())
    return workflow


def read(stepline: Stepline) -> Any:
    result = stepline("status", "--json")
    assert result.exit_code == 0
    return json.loads(result.stdout)


def test_the_document_of_a_run_that_succeeded(workflow: Workflow, stepline: Stepline) -> None:
    """The exact shape: other tools rely on it."""
    execution_id = workflow.world.run()
    execution_arn = workflow.stepfunctions.list_executions(stateMachineArn=workflow.machine_arn)[
        "executions"
    ][0]
    document = read(stepline)
    (pipeline,) = document.pop("pipelines")
    assert document == {"endpoint": ENDPOINT, "region": "us-east-1", "localAws": None}
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


def test_what_never_ran_is_there_with_nulls(workflow: Workflow, stepline: Stepline) -> None:
    (pipeline,) = read(stepline)["pipelines"]
    assert pipeline["latestExecutions"] == []
    assert [(stage["name"], stage["status"]) for stage in pipeline["stages"]] == [
        ("Source", "NotStarted"),
        ("Deploy", "NotStarted"),
    ]
    assert pipeline["stages"][1]["actions"][0]["status"] == "NotStarted"
    assert pipeline["stages"][1]["actions"][0]["lastStatusChange"] is None


def test_an_error_is_told(workflow: Workflow, stepline: Stepline) -> None:
    workflow.world.lambda_.functions["trigger"] = lambda job: workflow.world.fail(job, "no such file: a.json")
    workflow.world.run()
    action = read(stepline)["pipelines"][0]["stages"][1]["actions"][0]
    assert action["status"] == "Failed"
    assert action["error"] == {"code": "JobFailed", "message": "no such file: a.json"}


def test_for_people(stepline: Stepline, use_target: Callable[[Target], None]) -> None:
    workflow = Workflow(WAITING)
    use_target(workflow.target())
    first = workflow.world.run()
    workflow.world.start()
    workflow.world.clock.advance(10)
    last = workflow.world.start()
    workflow.world.clock.advance(10)
    workflow.world.client.disable_stage_transition(
        pipelineName="app", stageName="Deploy", transitionType="Inbound", reason="freeze"
    )
    result = stepline("status", "app")
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert lines[0] == "app mode superseded"
    assert any(line.startswith("Deploy ● in progress closed: freeze") for line in lines)
    assert any(line.startswith(f"○ waits before Deploy {last[:8]}") for line in lines)
    assert any(line.startswith(f"✓ succeeded {first[:8]} 11111111 First commit") for line in lines)


def test_no_pipeline(workflow: Workflow, stepline: Stepline) -> None:
    workflow.world.client.delete_pipeline(name="app")
    assert read(stepline)["pipelines"] == []
    assert "There is no pipeline yet" in stepline("status").stdout


def test_only_the_named_pipeline(workflow: Workflow, stepline: Stepline) -> None:
    workflow.world.create(name="second")
    document = json.loads(stepline("status", "second", "--json").stdout)
    assert [pipeline["name"] for pipeline in document["pipelines"]] == ["second"]
    assert "there is no pipeline 'third'; there are: app, second" in stepline("status", "third").stderr


@pytest.mark.parametrize(
    "shape", ["PipelineExecutionStatus", "StageExecutionStatus", "ActionExecutionStatus"]
)
def test_every_status_of_the_model_is_known(shape: str) -> None:
    model = botocore.session.get_session().get_service_model("codepipeline")
    for value in model.shape_for(shape).enum:  # type: ignore[attr-defined]
        assert Status.of(value).value == value


def test_a_status_that_aws_may_add_is_no_error() -> None:
    assert Status.of("Pondering") is Status.UNKNOWN
    assert Status.of("Pondering").is_running
