"""Where the report of a failed action leads."""

from __future__ import annotations

import pytest

from stepline.aws.failed_actions import list_failed_actions
from stepline.aws.pipeline_executions import ActionExecution, PipelineExecution, StageExecution
from stepline.aws.pipelines import ExecutionSummary
from stepline.aws.statuses import Status

LOCAL = "http://127.0.0.1:4566"
STREAM = "arn:aws:logs:us-east-1:111122223333:log-group:/aws/codepipeline/web:log-stream:4c1f"
EXECUTION = "arn:aws:states:us-east-1:111122223333:execution:deploy:4c1f"
BUILD = {"provider": "CodeBuild", "external_execution_id": "web-build:4c1f"}


@pytest.mark.parametrize(
    ("members", "endpoint", "link"),
    [
        ({"provider": "Commands", "log_stream_arn": STREAM}, LOCAL, "stepline logs /aws/codepipeline/web"),
        ({"provider": "Commands", "log_stream_arn": STREAM}, None, "stepline logs /aws/codepipeline/web"),
        (BUILD, LOCAL, "stepline logs /aws/codebuild/web-build"),
        (
            {**BUILD, "external_execution_url": "https://build"},
            LOCAL,
            "stepline logs /aws/codebuild/web-build",
        ),
        ({**BUILD, "external_execution_url": "https://build"}, None, "https://build"),
        (
            {"provider": "Lambda", "external_execution_id": EXECUTION},
            LOCAL,
            f"aws stepfunctions get-execution-history --endpoint-url {LOCAL} --execution-arn {EXECUTION}",
        ),
        ({"provider": "Lambda"}, LOCAL, None),
    ],
)
def test_failed_action_names_where_more_is_logged(
    members: dict[str, str], endpoint: str | None, link: str | None
) -> None:
    action = ActionExecution(name="A", status=Status.FAILED, **members)  # type: ignore[arg-type]
    stage = StageExecution("S", Status.FAILED, (action,))
    execution = PipelineExecution("web", ExecutionSummary(id="1", status=Status.FAILED), (stage,))
    assert [failed.link for failed in list_failed_actions(execution, local_endpoint=endpoint)] == [link]


def test_command_of_a_log_has_the_options_of_the_target() -> None:
    action = ActionExecution(name="A", status=Status.FAILED, provider="Commands", log_stream_arn=STREAM)
    stage = StageExecution("S", Status.FAILED, (action,))
    execution = PipelineExecution("web", ExecutionSummary(id="1", status=Status.FAILED), (stage,))
    options = ["--region eu-west-1"]
    (failed,) = list_failed_actions(execution, local_endpoint=None, command_options=options)
    assert failed.link == "stepline logs /aws/codepipeline/web --region eu-west-1"


def test_execution_is_shown_in_the_console_of_the_local_aws() -> None:
    action = ActionExecution(
        name="A", status=Status.FAILED, provider="Lambda", external_execution_id=EXECUTION
    )
    stage = StageExecution("S", Status.FAILED, (action,))
    execution = PipelineExecution("web", ExecutionSummary(id="1", status=Status.FAILED), (stage,))
    console = "http://127.0.0.1:4600/"
    (failed,) = list_failed_actions(execution, local_endpoint=LOCAL, local_console=console)
    assert failed.link == f"http://127.0.0.1:4600/executions/{EXECUTION}"
