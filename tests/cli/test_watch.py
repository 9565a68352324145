"""`stepline watch` against the CodePipeline and Step Functions of the local AWS, hours in milliseconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stepline.aws.target import Target
from stepline.cli.commands import watch as watch_command
from tests.cli.conftest import Stepline
from tests.cli.workflow import ONE_STATE, WAITING, Workflow, target_of, task
from tests.localaws.codepipeline.fakes import approval_action, client_error, stage

Prepare = Callable[..., Workflow]


class BoomError(Exception):
    pass


def explode(_event: Any, _context: Any) -> None:
    raise BoomError("no room\nleft")


@pytest.fixture
def prepare(monkeypatch: pytest.MonkeyPatch, use_target: Callable[[Target], None]) -> Prepare:
    def make(machine: Any = ONE_STATE, functions: Any = None) -> Workflow:
        workflow = Workflow(machine, functions)
        use_target(workflow.target())
        monkeypatch.setattr(watch_command, "new_polling", workflow.new_polling)
        return workflow

    return make


def test_a_run_in_lines_when_the_output_is_no_terminal(prepare: Prepare, stepline: Stepline) -> None:
    workflow = prepare(WAITING)
    execution_id = workflow.world.start()
    result = stepline("watch", "app")
    assert result.exit_code == 0
    assert result.stderr == "stepline: local AWS at http://127.0.0.1:4566\n"
    lines = [line.split("  ", 1)[1] for line in result.stdout.splitlines() if line[:2] == "00"]
    assert lines[0] == f"app {execution_id[:8]}  started by StartPipelineExecution"
    assert "Source / Source  succeeded (0.0 s): First commit" in lines
    for line in (
        "Deploy / Deploy  in progress",
        "Deploy / Deploy > Create Stack  done (0.0 s)",
        "Deploy / Deploy > Wait  running",
        "Deploy / Deploy > Wait  done (30 s)",
        "Deploy / Deploy > Collect Outputs  done (0.0 s)",
    ):
        assert lines.count(line) == 1, line
    assert lines[-1].startswith(f"app {execution_id[:8]}  succeeded (")
    assert "\x1b" not in result.stdout
    assert result.stdout.splitlines()[-1].startswith("✓ succeeded after ")


def test_times_are_those_of_the_events(prepare: Prepare, stepline: Stepline) -> None:
    prepare(WAITING).world.start()
    result = stepline("watch")
    (done,) = [line for line in result.stdout.splitlines() if "Wait  done" in line]
    assert done.startswith("00:00:3")


def test_a_failure_tells_state_error_cause_and_where_to_look(prepare: Prepare, stepline: Stepline) -> None:
    workflow = prepare(
        {"StartAt": "Create Stack", "States": {"Create Stack": task("f", End=True)}}, {"f": explode}
    )
    workflow.world.start()
    result = stepline("watch")
    assert result.exit_code == 1
    told = result.stdout.partition("✗ Deploy / Deploy failed\n")[2].splitlines()
    assert told[0].split(None, 1) == ["state", "Create Stack"]
    assert told[1].split() == ["error", "BoomError"]
    assert told[2].split(None, 1) == ["cause", "no room left"]
    assert "aws stepfunctions get-execution-history --endpoint-url http://127.0.0.1:4566" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("✗ failed after ")


def test_an_action_that_fails_by_itself_tells_its_message(prepare: Prepare, stepline: Stepline) -> None:
    workflow = prepare()
    workflow.world.lambda_.functions["trigger"] = lambda job: workflow.world.fail(job, "no such file: a.json")
    workflow.world.start()
    result = stepline("watch")
    assert result.exit_code == 1
    assert "Deploy / Deploy  failed (0.0 s): no such file: a.json" in result.stdout


def test_it_waits_for_the_next_execution(
    prepare: Prepare, stepline: Stepline, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow = prepare()
    old = workflow.world.run()

    def start_one() -> None:
        workflow.world.start()

    workflow.world.clock.call_later(5, start_one)
    result = stepline("watch")
    assert result.exit_code == 0
    assert (
        f"waiting for the next one. (The last one succeeded: --execution-id {old} shows it.)" in result.stderr
    )
    assert f"app {old[:8]}" not in result.stdout


def test_a_past_execution_can_be_shown(prepare: Prepare, stepline: Stepline) -> None:
    workflow = prepare()
    old = workflow.world.run()
    workflow.world.run()
    result = stepline("watch", "--execution-id", old)
    assert result.exit_code == 0
    assert f"app {old[:8]}" in result.stdout
    assert "Deploy / Deploy > Create Stack  done" in result.stdout


def test_an_unknown_execution_is_one_line(prepare: Prepare, stepline: Stepline) -> None:
    prepare()
    result = stepline("watch", "--execution-id", "11111111-2222-3333-4444-555555555555")
    assert result.exit_code == 1
    assert "stepline: GetPipelineExecution: PipelineExecutionNotFoundException:" in result.stderr


def test_a_stopped_execution_is_neither_success_nor_failure(prepare: Prepare, stepline: Stepline) -> None:
    workflow = prepare(WAITING)
    execution_id = workflow.world.start()
    workflow.world.clock.advance(5)
    workflow.world.client.stop_pipeline_execution(
        pipelineName="app", pipelineExecutionId=execution_id, abandon=True, reason="enough"
    )
    result = stepline("watch", "--execution-id", execution_id)
    assert result.exit_code == 3
    assert "stopped" in result.stdout.splitlines()[-1]


def test_the_timeout_ends_the_watching_only(prepare: Prepare, stepline: Stepline) -> None:
    workflow = prepare(WAITING)
    execution_id = workflow.world.start()
    result = stepline("watch", "--timeout", "10s")
    assert result.exit_code == 124
    assert "not over after 10s" in result.stderr
    assert workflow.world.status(execution_id) == "InProgress"


def test_throttles_are_waited_out(prepare: Prepare, stepline: Stepline, use_target: Any) -> None:
    workflow = prepare()
    workflow.world.start()
    client, throttles = workflow.world.client, [client_error("ThrottlingException", "GetPipelineState")] * 4

    def get_pipeline_state(**params: Any) -> Any:
        if throttles:
            raise throttles.pop()
        return type(client).get_pipeline_state(client, **params)

    client.get_pipeline_state = get_pipeline_state
    assert stepline("watch").exit_code == 0
    assert throttles == []


def test_a_throttle_without_end_is_told(prepare: Prepare, stepline: Stepline) -> None:
    workflow = prepare()
    workflow.world.start()

    def throttled(**_params: Any) -> Any:
        raise client_error("ThrottlingException", "GetPipelineState", "Rate exceeded")

    workflow.world.client.get_pipeline_state = throttled
    result = stepline("watch")
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (
        1,
        "stepline: GetPipelineState: ThrottlingException: Rate exceeded",
    )


def test_ctrl_c_leaves_quietly(prepare: Prepare, stepline: Stepline) -> None:
    workflow = prepare()
    workflow.world.start()

    def interrupted(**_params: Any) -> Any:
        raise KeyboardInterrupt

    workflow.world.client.get_pipeline_state = interrupted
    result = stepline("watch")
    assert (result.exit_code, result.stdout) == (130, "")
    assert len(result.stderr.splitlines()) == 1


def test_no_pipeline_an_unknown_one_and_several(prepare: Prepare, stepline: Stepline) -> None:
    workflow = prepare()
    assert "there is no pipeline 'other'; there are: app" in stepline("watch", "other").stderr
    workflow.world.create(name="second")
    assert "there are several pipelines, name one of them: app, second" in stepline("watch").stderr
    workflow.world.client.delete_pipeline(name="app")
    workflow.world.client.delete_pipeline(name="second")
    result = stepline("watch")
    assert result.exit_code == 1
    assert "there is no pipeline: deploy template.yaml first" in result.stderr


def test_a_malformed_timeout_says_how_to_write_it(stepline: Stepline) -> None:
    result = stepline("watch", "--timeout", "soon")
    assert result.exit_code == 1
    assert "such as 90s, 10m, 2h or 1d" in result.stderr


def test_an_action_that_waits_for_a_person_shows_as_in_progress(prepare: Prepare, stepline: Stepline) -> None:
    workflow = prepare()
    workflow.world.client.delete_pipeline(name="app")
    workflow.world.create(stage("Ask", approval_action()))
    workflow.world.start()
    result = stepline("watch", "--timeout", "5s")
    assert result.exit_code == 124
    assert "Ask / Approve  in progress" in result.stdout


def test_aws_itself_is_named_with_region(stepline: Stepline, use_target: Callable[[Target], None]) -> None:
    workflow = Workflow(ONE_STATE)
    use_target(target_of(is_local=False, codepipeline=workflow.world.client))
    assert stepline("watch", "none").stderr.startswith("stepline: AWS, us-east-1\n")
