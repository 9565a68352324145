"""`stepline watch` with the CodePipeline and Step Functions of the local AWS, on a virtual clock."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from stepline.aws.pipelines import find_pipeline
from stepline.aws.target import Target
from stepline.cli import watching
from stepline.core.errors import UsageError
from tests.aws.fakes import Answers, target_of
from tests.cli.approval_requests import ID, description
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
        monkeypatch.setattr(watching, "new_poller", local_pipeline.new_poller)
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
    assert "\n✓ succeeded after " in result.stdout


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


class TestDefaultExecution:
    """Which execution `watch` shows without --execution-id."""

    def test_execution_of_the_last_push_is_shown_after_its_end(
        self, prepare: Prepare, stepline: Stepline
    ) -> None:
        local_pipeline = prepare({"StartAt": "No", "States": {"No": {"Type": "Fail", "Error": "BoomError"}}})
        ended = local_pipeline.world.run()
        for _ in range(2):
            result = stepline("watch")
            assert result.exit_code == 1
            assert f"app {ended[:8]}  failed" in result.stdout
            assert "This execution has ended. To wait for the next one, use --next." in result.stderr

    def test_execution_of_the_last_push_is_awaited(self, prepare: Prepare, stepline: Stepline) -> None:
        local_pipeline = prepare()
        old = local_pipeline.world.run()
        local_pipeline.head = "2" * 40
        local_pipeline.start_later(5, "2" * 40)
        result = stepline("watch")
        assert result.exit_code == 0
        assert (
            "Waiting for the execution of commit 22222222 of app, branch main. "
            f"(The last one: succeeded; show it with --execution-id {old}.)"
        ) in result.stderr
        assert "for 22222222 First commit" in result.stdout
        assert f"app {old[:8]}" not in result.stdout

    def test_execution_of_an_earlier_push_in_progress_is_not_shown_instead(
        self, prepare: Prepare, stepline: Stepline
    ) -> None:
        local_pipeline = prepare(WAITING)
        earlier = local_pipeline.world.start()
        local_pipeline.world.clock.advance(3)
        local_pipeline.head = "2" * 40
        local_pipeline.start_later(5, "2" * 40)
        result = stepline("watch")
        assert result.exit_code == 0
        assert "for 22222222 First commit" in result.stdout
        assert f"app {earlier[:8]}" not in result.stdout

    def test_push_that_starts_nothing_is_an_error(self, prepare: Prepare, stepline: Stepline) -> None:
        local_pipeline = prepare()
        local_pipeline.world.run()
        local_pipeline.head = "2" * 40
        result = stepline("watch")
        assert result.exit_code == 1
        assert "commit 22222222 did not start pipeline app within 60 s" in result.stderr

    def test_push_during_the_wait_is_shown(self, prepare: Prepare, stepline: Stepline) -> None:
        local_pipeline = prepare()
        local_pipeline.head = "2" * 40

        def push() -> None:
            local_pipeline.head = "3" * 40
            local_pipeline.start_for("3" * 40)

        local_pipeline.world.clock.call_later(50, push)
        result = stepline("watch")
        assert result.exit_code == 0
        assert "for 33333333 First commit" in result.stdout

    def test_newest_of_several_executions_in_progress_is_shown(
        self, prepare: Prepare, stepline: Stepline
    ) -> None:
        local_pipeline = prepare(WAITING)
        commits = [str(number) * 40 for number in range(2, 5)]
        for commit in commits:
            newest = local_pipeline.start_for(commit)
            local_pipeline.world.clock.advance(1)
        local_pipeline.head = commits[-1]
        result = stepline("watch")
        assert f"app {newest[:8]}  started" in result.stdout

    def test_later_execution_of_the_same_commit_is_shown(self, prepare: Prepare, stepline: Stepline) -> None:
        local_pipeline = prepare(WAITING)
        local_pipeline.world.run()
        again = local_pipeline.world.start()
        result = stepline("watch")
        assert (result.exit_code, result.stderr.count("has ended")) == (0, 0)
        assert f"app {again[:8]}  started" in result.stdout

    def test_first_push_is_awaited(self, prepare: Prepare, stepline: Stepline) -> None:
        local_pipeline = prepare()
        local_pipeline.head = None
        local_pipeline.world.run()  # AWS runs a new pipeline at once, before anything is pushed

        def push() -> None:
            local_pipeline.head = "2" * 40
            local_pipeline.start_for("2" * 40)

        local_pipeline.world.clock.call_later(600, push)
        result = stepline("watch")
        assert result.exit_code == 0
        assert "Nothing has been pushed to app, branch main: waiting for the first push." in result.stderr
        assert "for 22222222 First commit" in result.stdout

    def test_newest_execution_is_shown_if_the_branch_may_not_be_read(
        self, prepare: Prepare, stepline: Stepline, use_target: Callable[[Target], None]
    ) -> None:
        local_pipeline = prepare()
        local_pipeline.world.run()
        newest = local_pipeline.world.run()
        denied = Answers({"get_branch": client_error("AccessDeniedException", "GetBranch")})
        use_target(local_pipeline.target(codecommit=denied))
        result = stepline("watch")
        assert result.exit_code == 0
        assert f"app {newest[:8]}" in result.stdout


def test_next_execution_is_awaited_and_shown(prepare: Prepare, stepline: Stepline) -> None:
    local_pipeline = prepare()
    old = local_pipeline.world.run()
    local_pipeline.start_later(5)
    result = stepline("watch", "--next")
    assert result.exit_code == 0
    assert (
        "Waiting for the next execution of app. "
        f"(The last one: succeeded; show it with --execution-id {old}.)" in result.stderr
    )
    assert f"app {old[:8]}" not in result.stdout


def test_next_and_execution_id_exclude_each_other(stepline: Stepline) -> None:
    assert stepline("watch", "--next", "--execution-id", "1").exit_code == 2


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


def test_ctrl_c_says_that_the_pipeline_continues(
    prepare: Prepare, stepline: Stepline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["stepline"])
    local_pipeline = prepare()
    execution_id = local_pipeline.world.start()

    def interrupted(**_params: Any) -> Any:
        raise KeyboardInterrupt

    local_pipeline.world.client.get_pipeline_state = interrupted
    result = stepline("watch")
    assert (result.exit_code, result.stdout) == (130, "")
    assert result.stderr.splitlines()[1:] == [
        f"The pipeline continues; to show it again: stepline watch app --execution-id {execution_id}"
    ]


def test_outputs_are_shown_at_the_end(prepare: Prepare, stepline: Stepline) -> None:
    prepare().world.start()
    assert stepline("watch").stdout.endswith("Outputs of Deploy\n  BucketName  my-bucket\n")


def test_address_of_a_rest_api_in_the_outputs_is_local(prepare: Prepare, stepline: Stepline) -> None:
    url = "https://2e2b71d6.execute-api.us-east-1.amazonaws.com/live"
    states = {"Deploy": {"Type": "Pass", "Result": {"ApiUrl": url}, "End": True}}
    prepare({"StartAt": "Deploy", "States": states}).world.start()
    local_url = "http://127.0.0.1:4566/restapis/2e2b71d6/live/_user_request_"
    assert stepline("watch").stdout.endswith(f"Outputs of Deploy\n  ApiUrl  {local_url}\n")


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


class TestApproval:
    @pytest.fixture
    def local_pipeline(self, prepare: Prepare) -> LocalPipeline:
        local_pipeline = prepare()
        local_pipeline.world.client.delete_pipeline(name="app")
        local_pipeline.world.create(stage("Ask", approval_action()))
        local_pipeline.world.start()
        return local_pipeline

    @pytest.mark.usefixtures("local_pipeline")
    def test_command_that_approves_is_shown_once(self, stepline: Stepline) -> None:
        result = stepline("watch", "--timeout", "5s")
        assert result.exit_code == 124
        assert "Ask / Approve  in progress" in result.stdout
        assert result.stdout.count("Ask / Approve waits for an approval. To answer it:\n") == 1

    @pytest.mark.usefixtures("local_pipeline")
    def test_shown_command_approves(self, stepline: Stepline, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.argv", ["stepline"])
        output = stepline("watch", "--timeout", "5s").stdout
        approve, reject = (line.split() for line in output.splitlines() if " --stage " in line)
        assert reject == ["stepline", "reject", "app", "--stage", "Ask", "--action", "Approve"]
        assert approve[1] == "approve"
        assert stepline(*approve[1:]).exit_code == 0
        assert stepline("watch").exit_code == 0


class TestWorkflowApproval:
    """A deployment that waits for an approval."""

    ASKING: ClassVar[dict[str, Any]] = {
        "StartAt": "Ask For Approval",
        "States": {"Ask For Approval": {"Type": "Wait", "Seconds": 60, "End": True}},
    }

    def watch(self, stepline: Stepline, prepare: Prepare, use_target: Any, dynamodb: Any, **of: str) -> str:
        local_pipeline = prepare(self.ASKING)
        execution_id = local_pipeline.world.start()
        asking = local_pipeline.stepfunctions.start_execution(
            stateMachineArn=local_pipeline.machine_arn, name="asks", input="{}"
        )
        own = {"executionArn": asking["executionArn"], "pipelineExecutionId": execution_id}
        request = {**description(), **own, **of}
        use_target(local_pipeline.target(dynamodb=dynamodb or _table(request)))
        result = stepline("watch")
        assert result.exit_code == 0, result.output
        return result.stdout

    def test_command_is_shown_once(self, stepline: Stepline, prepare: Prepare, use_target: Any) -> None:
        output = self.watch(stepline, prepare, use_target, None)
        assert output.count("A change of the stack dev-app in pipeline app waits for an approval until") == 1
        assert "  Queue (AWS::SQS::Queue) would be replaced, because of property QueueName\n" in output
        assert f" approve {ID}\n" in output
        assert f" reject {ID}\n" in output

    def test_approval_of_another_execution_is_not_shown(
        self, stepline: Stepline, prepare: Prepare, use_target: Any
    ) -> None:
        output = self.watch(stepline, prepare, use_target, None, pipelineExecutionId="another one")
        assert "waits for an approval" not in output

    @pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException"])
    def test_execution_is_shown_although_requests_cannot_be_read(
        self, code: str, stepline: Stepline, prepare: Prepare, use_target: Any
    ) -> None:
        dynamodb = Answers({"list_tables": client_error(code, "ListTables")})
        assert "✓ succeeded" in self.watch(stepline, prepare, use_target, dynamodb)


def _table(request: dict[str, Any]) -> Answers:
    tables = {"TableNames": ["stepline-deploy-approvals"]}
    return Answers({"list_tables": tables, "scan": {"Items": [{"request": {"S": json.dumps(request)}}]}})


def test_region_of_aws_is_shown(stepline: Stepline, use_target: Callable[[Target], None]) -> None:
    local_pipeline = LocalPipeline(ONE_STATE)
    use_target(target_of(is_local=False, codepipeline=local_pipeline.world.client))
    assert stepline("watch", "none").stderr.startswith("stepline: AWS, us-east-1\n")
