"""`stepline watch` with the CodePipeline and Step Functions of the local AWS, on a virtual clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stepline.aws.pipelines import find_pipeline
from stepline.aws.target import Target
from stepline.cli.commands import watch as watch_command
from stepline.core.errors import UsageError
from tests.aws.fakes import Answers, target_of
from tests.cli.conftest import Stepline
from tests.cli.local_pipeline import ONE_STATE, WAITING, LocalPipeline, task
from tests.localaws.codepipeline.fakes import approval_action, client_error, stage

Prepare = Callable[..., LocalPipeline]


class BoomError(Exception):
    pass


def explode(_event: Any, _context: Any) -> None:
    raise BoomError("no room\nleft")


@pytest.fixture
def prepare(monkeypatch: pytest.MonkeyPatch, use_target: Callable[[Target], None]) -> Prepare:
    def make(machine: Any = ONE_STATE, functions: Any = None) -> LocalPipeline:
        local_pipeline = LocalPipeline(machine, functions)
        use_target(local_pipeline.target())
        monkeypatch.setattr(watch_command, "new_poller", local_pipeline.new_poller)
        return local_pipeline

    return make


def test_execution_is_shown_in_lines_without_a_terminal(prepare: Prepare, stepline: Stepline) -> None:
    local_pipeline = prepare(WAITING)
    execution_id = local_pipeline.world.start()
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


def test_lines_have_the_times_of_the_events(prepare: Prepare, stepline: Stepline) -> None:
    prepare(WAITING).world.start()
    result = stepline("watch")
    (done,) = [line for line in result.stdout.splitlines() if "Wait  done" in line]
    assert done.startswith("00:00:3")


def test_failure_is_shown_with_state_error_cause_and_command(prepare: Prepare, stepline: Stepline) -> None:
    local_pipeline = prepare(
        {"StartAt": "Create Stack", "States": {"Create Stack": task("f", End=True)}}, {"f": explode}
    )
    local_pipeline.world.start()
    result = stepline("watch")
    assert result.exit_code == 1
    shown = result.stdout.partition("✗ Deploy / Deploy failed\n")[2].splitlines()
    assert shown[0].split(None, 1) == ["state", "Create Stack"]
    assert shown[1].split() == ["error", "BoomError"]
    assert shown[2].split(None, 1) == ["cause", "no room left"]
    assert "aws stepfunctions get-execution-history --endpoint-url http://127.0.0.1:4566" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("✗ failed after ")


def test_message_of_a_failed_job_is_shown(prepare: Prepare, stepline: Stepline) -> None:
    local_pipeline = prepare()
    local_pipeline.world.lambda_.functions["trigger"] = lambda job: local_pipeline.world.fail(
        job, "no such file: a.json"
    )
    local_pipeline.world.start()
    result = stepline("watch")
    assert result.exit_code == 1
    assert "Deploy / Deploy  failed (0.0 s): no such file: a.json" in result.stdout


def test_next_execution_is_awaited_and_shown(
    prepare: Prepare, stepline: Stepline, monkeypatch: pytest.MonkeyPatch
) -> None:
    local_pipeline = prepare()
    old = local_pipeline.world.run()

    def start_one() -> None:
        local_pipeline.world.start()

    local_pipeline.world.clock.call_later(5, start_one)
    result = stepline("watch")
    assert result.exit_code == 0
    assert (
        f"waiting for the next one. (The last one succeeded: show it with --execution-id {old}.)"
        in result.stderr
    )
    assert f"app {old[:8]}" not in result.stdout


def test_past_execution_is_shown(prepare: Prepare, stepline: Stepline) -> None:
    local_pipeline = prepare()
    old = local_pipeline.world.run()
    local_pipeline.world.run()
    result = stepline("watch", "--execution-id", old)
    assert result.exit_code == 0
    assert f"app {old[:8]}" in result.stdout
    assert "Deploy / Deploy > Create Stack  done" in result.stdout


def test_unknown_execution_is_one_line(prepare: Prepare, stepline: Stepline) -> None:
    prepare()
    result = stepline("watch", "--execution-id", "11111111-2222-3333-4444-555555555555")
    assert result.exit_code == 1
    assert "stepline: GetPipelineExecution: PipelineExecutionNotFoundException:" in result.stderr


def test_stopped_execution_has_its_own_exit_code(prepare: Prepare, stepline: Stepline) -> None:
    local_pipeline = prepare(WAITING)
    execution_id = local_pipeline.world.start()
    local_pipeline.world.clock.advance(5)
    local_pipeline.world.client.stop_pipeline_execution(
        pipelineName="app", pipelineExecutionId=execution_id, abandon=True, reason="enough"
    )
    result = stepline("watch", "--execution-id", execution_id)
    assert result.exit_code == 3
    assert "stopped" in result.stdout.splitlines()[-1]


def test_timeout_does_not_stop_the_execution(prepare: Prepare, stepline: Stepline) -> None:
    local_pipeline = prepare(WAITING)
    execution_id = local_pipeline.world.start()
    result = stepline("watch", "--timeout", "10s")
    assert result.exit_code == 124
    assert "not done after 10 s; the pipeline continues" in result.stderr
    assert local_pipeline.world.status(execution_id) == "InProgress"


def test_throttled_calls_are_retried(prepare: Prepare, stepline: Stepline, use_target: Any) -> None:
    local_pipeline = prepare()
    local_pipeline.world.start()
    client, throttles = (
        local_pipeline.world.client,
        [client_error("ThrottlingException", "GetPipelineState")] * 4,
    )

    def get_pipeline_state(**params: Any) -> Any:
        if throttles:
            raise throttles.pop()
        return type(client).get_pipeline_state(client, **params)

    client.get_pipeline_state = get_pipeline_state
    assert stepline("watch").exit_code == 0
    assert throttles == []


def test_throttling_without_end_is_one_line(prepare: Prepare, stepline: Stepline) -> None:
    local_pipeline = prepare()
    local_pipeline.world.start()

    def throttled(**_params: Any) -> Any:
        raise client_error("ThrottlingException", "GetPipelineState", "Rate exceeded")

    local_pipeline.world.client.get_pipeline_state = throttled
    result = stepline("watch")
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (
        1,
        "stepline: GetPipelineState: ThrottlingException: Rate exceeded",
    )


def test_ctrl_c_prints_no_error(prepare: Prepare, stepline: Stepline) -> None:
    local_pipeline = prepare()
    local_pipeline.world.start()

    def interrupted(**_params: Any) -> Any:
        raise KeyboardInterrupt

    local_pipeline.world.client.get_pipeline_state = interrupted
    result = stepline("watch")
    assert (result.exit_code, result.stdout) == (130, "")
    assert len(result.stderr.splitlines()) == 1


DENIED = client_error("AccessDeniedException", "ListPipelines", "not authorized")
NO_STACK = client_error("ValidationError", "DescribeStacks", "Stack with id stepline does not exist")
OF_STACK = {"Stacks": [{"Outputs": [{"OutputKey": "PipelineName", "OutputValue": "app"}]}]}


def without_list_permission(local_pipeline: LocalPipeline, stack: Any) -> Target:
    definition = local_pipeline.world.client.get_pipeline(name="app")
    unknown = client_error("PipelineNotFoundException", "GetPipeline", "no")
    codepipeline = Answers(
        {
            "list_pipelines": DENIED,
            "get_pipeline": lambda params: definition if params["name"] == "app" else unknown,
        }
    )
    return target_of(codepipeline=codepipeline, cloudformation=Answers({"describe_stacks": stack}))


def test_pipeline_of_the_stack_is_used_if_there_are_several(
    prepare: Prepare, use_target: Callable[[Target], None], stepline: Stepline
) -> None:
    local_pipeline = prepare()
    local_pipeline.world.create(name="another")
    use_target(local_pipeline.target(cloudformation=Answers({"describe_stacks": OF_STACK})))
    local_pipeline.world.start()
    assert stepline("watch").exit_code == 0


@pytest.mark.parametrize(("name", "stack"), [("app", NO_STACK), (None, OF_STACK)])
def test_pipeline_is_found_without_permission_to_list_pipelines(
    prepare: Prepare, name: str | None, stack: Any
) -> None:
    assert find_pipeline(without_list_permission(prepare(), stack), name).name == "app"


@pytest.mark.parametrize(
    ("name", "stack", "message"),
    [
        (None, NO_STACK, "may not list the pipelines .*: name the pipeline"),
        (None, client_error("AccessDenied", "DescribeStacks", "no"), "may not list the pipelines"),
        ("other", NO_STACK, "pipeline 'other' does not exist$"),
    ],
)
def test_pipeline_that_cannot_be_found_without_list_permission_is_rejected(
    prepare: Prepare, name: str | None, stack: Any, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        find_pipeline(without_list_permission(prepare(), stack), name)


def test_missing_unknown_and_ambiguous_pipelines_are_rejected(
    prepare: Prepare, use_target: Callable[[Target], None], stepline: Stepline
) -> None:
    local_pipeline = prepare()
    assert "pipeline 'other' does not exist; the pipelines are: app" in stepline("watch", "other").stderr
    local_pipeline.world.create(name="second")
    use_target(local_pipeline.target(cloudformation=Answers({"describe_stacks": NO_STACK})))
    assert "several pipelines exist, name one of them: app, second" in stepline("watch").stderr
    local_pipeline.world.client.delete_pipeline(name="app")
    local_pipeline.world.client.delete_pipeline(name="second")
    result = stepline("watch")
    assert result.exit_code == 1
    assert "no pipeline exists: deploy template.yaml first" in result.stderr


def test_malformed_timeout_is_rejected_with_examples(stepline: Stepline) -> None:
    result = stepline("watch", "--timeout", "soon")
    assert result.exit_code == 1
    assert "such as 90s, 10m, 2h or 1d" in result.stderr


def test_action_that_waits_for_approval_is_in_progress(prepare: Prepare, stepline: Stepline) -> None:
    local_pipeline = prepare()
    local_pipeline.world.client.delete_pipeline(name="app")
    local_pipeline.world.create(stage("Ask", approval_action()))
    local_pipeline.world.start()
    result = stepline("watch", "--timeout", "5s")
    assert result.exit_code == 124
    assert "Ask / Approve  in progress" in result.stdout


def test_region_of_aws_is_shown(stepline: Stepline, use_target: Callable[[Target], None]) -> None:
    local_pipeline = LocalPipeline(ONE_STATE)
    use_target(target_of(is_local=False, codepipeline=local_pipeline.world.client))
    assert stepline("watch", "none").stderr.startswith("stepline: AWS, us-east-1\n")
