"""`stepline approve` and `stepline reject`, and the approvals that `stepline status` shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stepline.aws.target import Target
from tests.aws.fakes import target_of
from tests.cli.conftest import Stepline
from tests.localaws.codepipeline.fakes import World, approval_action, stage


@pytest.fixture
def world(use_target: Callable[[Target], None]) -> World:
    world = World()
    use_target(target_of(codepipeline=world.client))
    return world


def ask(world: World, name: str = "app", *actions: str, mode: str = "SUPERSEDED") -> str:
    """Create a pipeline that waits for approvals, and return the id of its execution."""
    approvals = [approval_action(action) for action in actions or ("Approve",)]
    world.create(stage("Ask", *approvals), name=name, executionMode=mode)
    execution_id = world.client.start_pipeline_execution(name=name)["pipelineExecutionId"]
    world.clock.advance(5)  # the source action
    return str(execution_id)


def action(world: World, name: str = "app", number: int = 0) -> dict[str, Any]:
    stages = world.client.get_pipeline_state(name=name)["stageStates"]
    return dict(stages[1]["actionStates"][number]["latestExecution"])


def test_only_approval_is_approved(world: World, stepline: Stepline) -> None:
    ask(world)
    result = stepline("approve")
    assert (result.exit_code, result.stdout) == (0, "✓ Approved Ask / Approve of pipeline app\n")
    assert (action(world)["status"], action(world)["summary"]) == ("Succeeded", "Approved")


def test_approval_is_rejected_with_a_comment(world: World, stepline: Stepline) -> None:
    ask(world)
    result = stepline("reject", "app", "-m", "not before Monday")
    assert (result.exit_code, result.stdout) == (0, "✓ Rejected Ask / Approve of pipeline app\n")
    assert (action(world)["status"], action(world)["summary"]) == ("Failed", "not before Monday")


def test_one_of_several_approvals_must_be_named(world: World, stepline: Stepline) -> None:
    ask(world, "one", "First", "Second")
    ask(world, "two")
    result = stepline("approve")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == (
        "stepline: several approvals wait, name one of them: `one --stage Ask --action First`, "
        "`one --stage Ask --action Second`, `two --stage Ask --action Approve`"
    )
    assert stepline("approve", "two").exit_code == 0
    assert stepline("approve", "--action", "Second").exit_code == 0
    assert [action(world, "one", number)["status"] for number in (0, 1)] == ["InProgress", "Succeeded"]


def test_answer_is_refused_if_no_approval_waits(world: World, stepline: Stepline) -> None:
    ask(world)
    assert (
        stepline("approve", "app", "--stage", "Deploy")
        .stderr.splitlines()[-1]
        .startswith(
            "stepline: no such approval waits; waiting: `app --stage Ask --action Approve --execution-id "
        )
    )
    assert stepline("approve").exit_code == 0
    result = stepline("approve", "app")
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (
        1,
        "stepline: no approval waits in pipeline app: `stepline status` shows the pipelines",
    )
    assert "no approval waits in any pipeline" in stepline("reject").stderr


def test_unknown_pipeline_is_rejected(world: World, stepline: Stepline) -> None:
    ask(world)
    expected = "pipeline 'ap' does not exist (did you mean 'app'?); the pipelines are: app"
    assert expected in stepline("approve", "ap").stderr


def test_approval_that_was_answered_meanwhile_is_reported(
    world: World, stepline: Stepline, use_target: Callable[[Target], None]
) -> None:
    ask(world)
    put = world.client.put_approval_result

    def answered_twice(**params: Any) -> Any:
        put(**params)
        return put(**params)

    world.client.put_approval_result = answered_twice
    assert stepline("approve").stderr.splitlines()[-1] == (
        "stepline: Ask / Approve no longer waits for an approval"
    )


def test_too_long_comment_is_rejected(world: World, stepline: Stepline) -> None:
    ask(world)
    result = stepline("approve", "-m", "x" * 513)
    assert result.exit_code == 2
    assert "--comment has 513 characters; 512 are allowed" in result.stderr


def test_status_shows_the_commands(world: World, stepline: Stepline) -> None:
    ask(world)
    output = stepline("status").stdout
    assert "Ask / Approve waits for an approval. To answer it:\n" in output
    assert "stepline approve app --stage Ask --action Approve\n" in output
    assert stepline("approve").exit_code == 0
    assert "waits for an approval" not in stepline("status").stdout


def test_token_of_a_parallel_execution_is_its_external_execution_id(world: World, stepline: Stepline) -> None:
    """As AWS documents it for PutApprovalResult; GetPipelineState then has no token."""
    execution_id = ask(world, mode="PARALLEL")
    token = action(world)["token"]
    details = {
        "pipelineExecutionId": execution_id,
        "stageName": "Ask",
        "actionName": "Approve",
        "status": "InProgress",
        "input": {"actionTypeId": {"provider": "Manual"}},
        "output": {"executionResult": {"externalExecutionId": token}},
    }
    other = {**details, "pipelineExecutionId": "another"}
    get_state = world.client.get_pipeline_state

    def without_tokens(**params: Any) -> Any:
        state = get_state(**params)
        for each in state["stageStates"][1]["actionStates"]:
            each.get("latestExecution", {}).pop("token", None)
        return state

    world.client.get_pipeline_state = without_tokens
    world.client.list_action_executions = lambda **_params: {"actionExecutionDetails": [details, other]}
    assert stepline("approve").stderr.splitlines()[-1].endswith("--execution-id another`")
    assert stepline("approve", "--execution-id", execution_id).exit_code == 0
    assert action(world)["status"] == "Succeeded"
