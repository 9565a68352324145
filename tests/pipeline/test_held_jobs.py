"""Lambda actions whose jobs are held open: how one is recorded, and what answers it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError

from pipeline.continuation import read_token
from pipeline.settings import load_settings
from stepline.core.errors import SettingsError
from stepline.localaws.protocol import AwsError, Params
from tests.fakes.service import Fault
from tests.pipeline.held_world import HOLD_MINUTES, HeldWorld
from tests.pipeline.world import ARTIFACT_KEY, MACHINE, SECRETS, artifact, job_event

_UNREACHABLE = ConnectTimeoutError(endpoint_url="https://aws")
_HOLD_SECONDS = HOLD_MINUTES * 60


@pytest.fixture
def world() -> HeldWorld:
    return HeldWorld()


def test_first_job_is_continued_at_once(world: HeldWorld) -> None:
    event = world.first_job()
    result = world.send(event)

    assert result["executionDetails"]["externalExecutionId"] == world.execution.arn
    assert world.open_jobs == []


def test_job_of_a_running_execution_is_left_open(world: HeldWorld) -> None:
    event, execution = world.hold()

    (item,) = world.open_jobs
    assert not world.has_result(event)
    assert item["execution"]["S"] == execution.arn
    assert item["job"]["S"] == event["CodePipeline.job"]["id"]
    assert world.calls == ["DescribeExecution", "GetExecutionHistory", "DescribeExecution", "UpdateItem"]


@pytest.mark.parametrize("parameters", [None, {"outputVariables": {"Url": "site.url"}}])
def test_status_event_reports_the_result(world: HeldWorld, parameters: Any) -> None:
    event, execution = world.hold(parameters)
    execution.succeed('{"site": {"url": "https://shop"}, "Id": "7"}')
    world.forget_calls()
    world.send_status(execution)

    result = world.job_result(event)
    assert result["outputVariables"] == ({"Url": "https://shop"} if parameters else {"Id": "7"})
    assert world.calls == ["DescribeExecution", "PutJobSuccessResult", "UpdateItem", "DeleteItem"]
    assert world.open_jobs == []


def test_status_event_reports_why_the_execution_failed(world: HeldWorld) -> None:
    event, execution = world.hold()
    execution.fail("Broken", "no more disk")
    world.send_status(execution)

    failure = world.job_result(event)["failureDetails"]
    assert failure["type"] == "JobFailed"
    assert "Broken: no more disk" in failure["message"]


def test_table_contains_neither_secrets_nor_other_parameters(world: HeldWorld) -> None:
    world.hold({"input": {"password": "not-for-the-table"}, "outputVariables": {"Url": "site.url"}})

    (item,) = world.open_jobs
    text = json.dumps(item)
    assert json.loads(item["userParameters"]["S"]).keys() == {"outputVariables", "timeoutMinutes"}
    assert "not-for-the-table" not in text
    assert not any(secret in text for secret in SECRETS)
    assert ARTIFACT_KEY not in text


def test_job_with_an_output_artifact_is_not_held(world: HeldWorld) -> None:
    event, _ = world.hold(outputArtifacts=[artifact("Result", "stepline/Result/1")])

    assert "continuationToken" in world.job_result(event)
    assert world.open_jobs == []


def test_job_whose_token_has_no_time_is_not_held_but_the_next_one_is(world: HeldWorld) -> None:
    world.configure()
    event, _ = world.start_execution()
    world.configure(HOLD_MINUTES=str(HOLD_MINUTES), OPEN_JOBS_TABLE="open-jobs")
    assert "continuationToken" in world.send(event)
    following = world.next_job(event)
    world.deliver(following)

    assert not world.has_result(following)


def test_without_the_setting_each_job_polls_and_continues(world: HeldWorld) -> None:
    world.configure(HOLD_MINUTES="0")
    event, _ = world.hold()

    assert "reported" not in json.loads(world.job_result(event)["continuationToken"])
    assert world.calls == ["DescribeExecution", "GetExecutionHistory", "PutJobSuccessResult"]


@pytest.mark.parametrize(
    "error",
    [_UNREACHABLE, AwsError("denied", code="AccessDeniedException")],
)
def test_table_that_cannot_be_written_leaves_polling(world: HeldWorld, error: Exception) -> None:
    event, _ = world.start_execution()
    world.dynamodb.raise_next("UpdateItem", error)

    assert "continuationToken" in world.send(event)
    assert world.open_jobs == []


def test_execution_that_ends_before_the_record_is_answered_by_the_trigger(world: HeldWorld) -> None:
    event, execution = world.start_execution()
    world.dynamodb.interference[("UpdateItem", 1)] = execution.succeed
    world.deliver(event)

    assert "continuationToken" not in world.job_result(event)


def test_execution_that_ends_after_the_record_is_answered_once(
    world: HeldWorld, caplog: pytest.LogCaptureFixture
) -> None:
    """The event comes before the trigger has described the execution again."""
    event, execution = world.start_execution()

    def end() -> None:
        execution.succeed()
        world.send_status(execution)

    world.stepfunctions.interference[("DescribeExecution", 2)] = end
    world.deliver(event)

    assert "continuationToken" not in world.job_result(event)
    assert len(world.codepipeline.called("PutJobSuccessResult")) == 2
    assert "Job already closed" not in caplog.text


def test_unreachable_step_functions_after_the_record_continues_the_job(world: HeldWorld) -> None:
    event, _ = world.start_execution()
    world.stepfunctions.faults.append(Fault("DescribeExecution", (2,), _UNREACHABLE))

    assert "continuationToken" in world.send(event)


@pytest.mark.parametrize("times", [1, 3])
def test_repeated_status_event_gives_one_result(world: HeldWorld, times: int) -> None:
    event, execution = world.hold()
    execution.succeed()
    for _ in range(times):
        world.send_status(execution)
    world.sweep_held_jobs()

    assert "continuationToken" not in world.job_result(event)
    assert len(world.codepipeline.called("PutJobSuccessResult")) == 1


def test_ended_execution_that_is_described_as_running_is_described_again(world: HeldWorld) -> None:
    event, execution = world.hold()
    execution.succeed()
    execution.stale_reads = 3
    world.send_status(execution)

    assert "continuationToken" not in world.job_result(event)
    assert world.sleeps == [0.25, 0.5, 1]


def test_execution_that_is_described_as_running_for_long_is_left_to_the_next_job(world: HeldWorld) -> None:
    event, execution = world.hold()
    execution.succeed()
    execution.stale_reads = 6
    world.send_status(execution)
    following = world.next_job(event)

    assert "continuationToken" not in world.send(following)


# ---------------------------------------------------------------- CodePipeline's clock


def test_job_is_continued_in_time_if_all_events_are_lost(world: HeldWorld) -> None:
    event, execution = world.hold()
    reported = read_token(event["CodePipeline.job"]["data"]["continuationToken"], int(world.now)).reported
    world.now = reported + _HOLD_SECONDS - 1  # type: ignore[operator]
    world.sweep_held_jobs()
    assert not world.has_result(event)
    world.now += 1
    world.sweep_held_jobs()

    following = world.next_job(event)
    assert world.open_jobs == []
    world.deliver(following)
    assert not world.has_result(following)
    execution.succeed()
    world.send_status(execution)
    assert "continuationToken" not in world.job_result(following)


def test_time_is_counted_from_the_token_and_not_from_the_event(world: HeldWorld) -> None:
    """Lambda may deliver the event much later than CodePipeline has created the job."""
    event, _ = world.start_execution()
    world.now += 9 * 60
    world.deliver(event)
    world.now += 60
    world.sweep_held_jobs()

    assert "continuationToken" in world.job_result(event)


def test_job_whose_event_is_later_than_its_time_is_not_held(world: HeldWorld) -> None:
    event, _ = world.start_execution()
    world.now += _HOLD_SECONDS

    assert "continuationToken" in world.send(event)
    assert world.open_jobs == []


def test_sweep_of_held_jobs_only_scans_while_their_time_has_not_come(world: HeldWorld) -> None:
    world.hold()
    world.forget_calls()
    world.sweep_held_jobs()

    assert world.calls == ["Scan"]


def test_sweep_of_the_custom_action_continues_held_jobs_too(world: HeldWorld) -> None:
    event, _ = world.hold()
    world.now += _HOLD_SECONDS
    world.codepipeline.poll_for_jobs = lambda **_: {"jobs": []}  # type: ignore[attr-defined]
    world.sweep()

    assert "continuationToken" in world.job_result(event)


def test_sweep_goes_on_after_a_job_that_cannot_be_answered(world: HeldWorld) -> None:
    events = []
    for _ in range(2):
        first = world.first_job()
        world.send(first)
        events.append(world.next_job(first))
        world.deliver(events[-1])
    world.now += _HOLD_SECONDS
    world.codepipeline.raise_next("PutJobSuccessResult", _UNREACHABLE)
    world.sweep_held_jobs()
    assert sum(map(world.has_result, events)) == 1
    world.sweep_held_jobs()

    assert all(map(world.has_result, events))


def test_timeout_stops_the_execution(world: HeldWorld) -> None:
    event, execution = world.hold({"timeoutMinutes": 5})
    world.now += 5 * 60
    world.sweep_held_jobs()

    assert execution.status == "ABORTED"
    assert "5 minutes" in world.job_result(event)["failureDetails"]["message"]


def test_job_whose_execution_is_being_stopped_is_not_held(world: HeldWorld) -> None:
    event, execution = world.start_execution({"timeoutMinutes": 1})
    world.now += 60
    world.stepfunctions.on_stop = lambda execution: setattr(execution, "stale_reads", 2)
    world.send(event)
    following = world.next_job(event)

    assert "continuationToken" in world.send(following)
    assert execution.status == "ABORTED"
    assert world.open_jobs == []


# ---------------------------------------------------------------- interruptions and repeated events


def _kill_after_the_record(world: HeldWorld, event: Params) -> None:
    number = len(world.stepfunctions.called("DescribeExecution")) + 2
    world.stepfunctions.interference[("DescribeExecution", number)] = _killed
    with pytest.raises(KeyboardInterrupt):
        world.deliver(event)
    world.stepfunctions.interference.clear()


def _killed() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "answer",
    [
        lambda world, event: world.send_status(world.execution),
        lambda world, event: world.send(event),
    ],
    ids=["status event", "event of the job again"],
)
def test_trigger_that_is_killed_after_the_record_gives_one_result(
    world: HeldWorld, answer: Callable[[HeldWorld, Params], object]
) -> None:
    event, execution = world.start_execution()
    _kill_after_the_record(world, event)
    assert len(world.open_jobs) == 1
    execution.succeed()
    answer(world, event)

    assert "continuationToken" not in world.job_result(event)


def test_worker_that_is_killed_before_the_report_is_made_up_for_by_the_next_sweep(world: HeldWorld) -> None:
    event, execution = world.hold()
    execution.succeed()
    world.codepipeline.interference[("PutJobSuccessResult", 2)] = _killed
    with pytest.raises(KeyboardInterrupt):
        world.send_status(execution)
    world.codepipeline.interference.clear()
    world.sweep_held_jobs()

    assert "continuationToken" not in world.job_result(event)


def test_repeated_event_of_an_older_job_does_not_replace_the_one_that_is_held(world: HeldWorld) -> None:
    older, execution = world.hold()
    world.now += _HOLD_SECONDS
    world.sweep_held_jobs()
    event = world.next_job(older)
    world.deliver(event)
    world.deliver(older)
    execution.succeed()
    world.send_status(execution)

    assert "continuationToken" not in world.job_result(event)


def test_next_job_replaces_one_that_was_recorded_before(world: HeldWorld) -> None:
    older, execution = world.hold()
    world.now += _HOLD_SECONDS
    world.dynamodb.fail_next("DeleteItem", "AccessDeniedException")
    world.sweep_held_jobs()
    event = world.next_job(older)
    world.deliver(event)
    execution.succeed()
    world.send_status(execution)

    assert "continuationToken" not in world.job_result(event)
    assert world.open_jobs == []


def test_missing_permission_of_the_worker_fails_the_action_and_is_named(world: HeldWorld) -> None:
    event, execution = world.hold()
    execution.succeed()
    world.stepfunctions.fail_next("DescribeExecution", "AccessDeniedException")
    world.send_status(execution)

    failure = world.job_result(event)["failureDetails"]
    assert failure["type"] == "PermissionError"
    assert "states:DescribeExecution" in failure["message"]


def test_missing_permission_after_the_record_fails_the_action(world: HeldWorld) -> None:
    event, _ = world.start_execution()
    denied = AwsError("denied", code="AccessDeniedException")
    world.stepfunctions.faults.append(Fault("DescribeExecution", (2, 3), denied))

    assert world.send(event)["failureDetails"]["type"] == "PermissionError"


def test_token_of_another_version_fails_the_action(world: HeldWorld) -> None:
    event, execution = world.hold()
    (item,) = world.open_jobs
    token = item["continuationToken"]["S"].replace('"v":1', '"v":2')
    world.dynamodb.update_item(
        TableName="open-jobs",
        Key={"firstJob": item["firstJob"]},
        UpdateExpression="SET continuationToken = :token",
        ExpressionAttributeValues={":token": {"S": token}},
    )
    execution.succeed()
    world.send_status(execution)

    assert "another version" in world.job_result(event)["failureDetails"]["message"]


def test_abandoned_action_stops_the_execution_of_its_held_job(world: HeldWorld) -> None:
    event, execution = world.hold()
    (continued,) = world.codepipeline.results.values()
    world.codepipeline.actions.append(
        {
            "pipelineExecutionId": "11111111-2222-3333-4444-555555555555",
            "actionExecutionId": "1",
            "stageName": "Deploy",
            "actionName": "ToProd",
            "status": "Abandoned",
            "input": {"configuration": job_event("")["CodePipeline.job"]["data"]["actionConfiguration"]},
            "output": {
                "executionResult": {
                    "externalExecutionId": continued["executionDetails"]["externalExecutionId"]
                }
            },
        }
    )
    world.codepipeline.results[event["CodePipeline.job"]["id"]] = {"closed": "by CodePipeline"}
    world.send_action_ended()
    assert (execution.status, execution.error) == ("ABORTED", "ActionStopped")
    world.send_status(execution)

    assert world.open_jobs == []


# ---------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"HOLD_MINUTES": "13"}, "HOLD_MINUTES must be a whole number from 1 to 12"),
        ({"HOLD_MINUTES": "-1"}, "HOLD_MINUTES must be a whole number"),
        ({"HOLD_MINUTES": "10"}, "OPEN_JOBS_TABLE is not set"),
    ],
)
def test_wrong_setting_is_named(environment: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load_settings({"STATE_MACHINE_ARN": MACHINE, **environment})
