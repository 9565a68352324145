"""`stepline logs`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from stepline.aws.log_events import parse_message
from stepline.aws.polling import Poller
from stepline.aws.target import Target
from stepline.cli.commands import logs as logs_command
from tests.aws.fakes import Answers, Logs, target_with_functions
from tests.cli.conftest import Stepline
from tests.localaws.batch.world import World
from tests.localaws.codepipeline.fakes import client_error


@pytest.fixture
def logs(use_target: Callable[[Target], None]) -> Logs:
    logs = Logs()
    use_target(target_with_functions(logs=logs.client))
    return logs


def test_messages_in_a_pipe_are_unchanged(stepline: Stepline, logs: Logs) -> None:
    logs.add('{"level": "INFO", "message": "started"}', seconds_ago=60)
    logs.add("plain", seconds_ago=30)
    logs.add("long ago", seconds_ago=3600)
    result = stepline("logs", "trigger")
    assert (result.exit_code, result.stdout) == (0, '{"level": "INFO", "message": "started"}\nplain\n')


def test_since_sets_the_period(stepline: Stepline, logs: Logs) -> None:
    logs.add("long ago", seconds_ago=3600)
    assert (
        "has logged nothing in the last 10m; try a longer period, such as --since 1d"
        in stepline("logs", "trigger").stderr
    )
    assert stepline("logs", "trigger", "--since", "2h").stdout == "long ago\n"


def test_function_without_a_log_group_has_logged_nothing(stepline: Stepline, logs: Logs) -> None:
    logs.exists = False
    result = stepline("logs", "trigger")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "has logged nothing" in result.stderr


def test_follow_prints_each_event_once_until_ctrl_c(
    stepline: Stepline, logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    todo: list[Callable[[], None]] = [
        lambda: logs.add("second"),
        lambda: logs.add("a little late", seconds_ago=3),
        lambda: None,
    ]

    def sleep(_seconds: float) -> None:
        if not todo:
            raise KeyboardInterrupt
        todo.pop(0)()

    monkeypatch.setattr(logs_command, "new_poller", lambda **_settings: Poller(1.0, sleep=sleep))
    logs.add("first")
    result = stepline("logs", "trigger", "--follow")
    assert (result.exit_code, result.stdout) == (130, "first\nsecond\na little late\n")


def test_ambiguous_name_lists_the_candidates(stepline: Stepline, logs: Logs) -> None:
    result = stepline("logs", "create")
    assert result.exit_code == 1
    assert "'create' matches several functions: create-change-set, create-stack" in result.stderr


def test_names_are_listed_without_a_name(stepline: Stepline, use_target: Callable[[Target], None]) -> None:
    batch = World()
    batch.clock.now = lambda: datetime.now(UTC)  # type: ignore[method-assign]
    job_id = batch.submit("nightly")
    use_target(target_with_functions(batch=batch.client))
    result = stepline("logs")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "create-change-set",
        "create-stack",
        "trigger",
        "unrelated",
        f"nightly  SUBMITTED  {job_id}",
    ]


def test_functions_are_found_without_the_stack(
    stepline: Stepline, use_target: Callable[[Target], None]
) -> None:
    missing = client_error("ValidationError", "ListStackResources", "Stack with id stepline does not exist")
    use_target(
        target_with_functions(
            cloudformation=Answers({"list_stack_resources": missing, "describe_stacks": {"Stacks": []}})
        )
    )
    assert "unrelated" in stepline("logs", "nothing").stderr


MACHINE_ARN = "arn:aws:states:us-east-1:000000000000:stateMachine:stepline-Flow-1"
EVENT = (
    '{"id":"3","type":"ExecutionFailed","details":{"error":"E","cause":"why"},"previous_event_id":"2",'
    '"event_timestamp":"1","execution_arn":"arn:aws:states:r:a:execution:m:nightly","redrive_count":"0"}'
)


class MachineLog:
    """A target with a state machine, and its log with one event."""

    def __init__(self, level: str) -> None:
        self.requests: list[dict[str, Any]] = []
        destination = {"cloudWatchLogsLogGroup": {"logGroupArn": "arn:aws:logs:us-east-1:0:log-group:flow:*"}}
        resource = {
            "ResourceType": "AWS::StepFunctions::StateMachine",
            "PhysicalResourceId": MACHINE_ARN,
            "LogicalResourceId": "Flow",
        }
        self.target = target_with_functions(
            logs=Answers({"filter_log_events": self.filter_log_events}),
            cloudformation=Answers(
                {
                    "list_stack_resources": {"StackResourceSummaries": [resource]},
                    "describe_stacks": {"Stacks": [{"StackName": "stepline"}]},
                }
            ),
            batch=Answers({"describe_job_queues": {"jobQueues": []}}),
            stepfunctions=Answers(
                {
                    "list_state_machines": {"stateMachines": [{"stateMachineArn": MACHINE_ARN}]},
                    "describe_state_machine": {
                        "loggingConfiguration": {"level": level, "destinations": [destination]}
                    },
                }
            ),
        )

    def filter_log_events(self, params: dict[str, Any]) -> Any:
        self.requests.append(params)
        return {"events": [{"timestamp": params["startTime"], "message": EVENT}]}


@pytest.mark.parametrize("name", ["Flow", "flow", "stepline/Flow", "stepline-Flow-1", MACHINE_ARN])
def test_log_of_a_state_machine_is_shown(
    stepline: Stepline, use_target: Callable[[Target], None], name: str
) -> None:
    log = MachineLog("ALL")
    use_target(log.target)
    result = stepline("logs", name)
    assert (result.exit_code, result.stdout) == (0, f"{EVENT}\n")
    (request,) = log.requests
    assert request["logGroupName"] == "flow"
    assert request["logStreamNamePrefix"] == "states/stepline-Flow-1/"


def test_state_machine_without_a_log_is_reported(
    stepline: Stepline, use_target: Callable[[Target], None]
) -> None:
    use_target(MachineLog("OFF").target)
    expected = "the state machine stepline-Flow-1 has no log: its LoggingConfiguration has level OFF"
    assert expected in stepline("logs", "Flow").stderr


def test_state_machines_are_listed_without_a_name(
    stepline: Stepline, use_target: Callable[[Target], None]
) -> None:
    use_target(MachineLog("ALL").target)
    assert "flow" in stepline("logs").stdout.splitlines()


def test_event_of_an_execution_is_parsed() -> None:
    parsed = parse_message(EVENT)
    assert (parsed.level, parsed.message) == ("ERROR", "ExecutionFailed")
    assert parsed.fields == {"execution": "nightly", "error": "E", "cause": "why"}
