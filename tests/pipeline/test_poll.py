"""The following jobs: still running, succeeded, failed, timed out, and AWS staying away."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.limits import DEFAULT_TIMEOUT_MINUTES
from tests.pipeline.fake_aws import FakeExecution
from tests.pipeline.test_start import failure
from tests.pipeline.world import MACHINE, World

MINUTE = 60


def entered(number: int, name: str, kind: str = "Task") -> dict[str, Any]:
    return {"id": number, "type": f"{kind}StateEntered", "stateEnteredEventDetails": {"name": name}}


def exited(number: int, name: str, kind: str = "Task") -> dict[str, Any]:
    return {"id": number, "type": f"{kind}StateExited", "stateExitedEventDetails": {"name": name}}


def task_failed(number: int, error: str) -> dict[str, Any]:
    return {
        "id": number,
        "type": "TaskFailed",
        "taskFailedEventDetails": {"resourceType": "lambda", "resource": "invoke", "error": error},
    }


STARTED = {"id": 1, "type": "ExecutionStarted", "previousEventId": 0}


def test_a_running_execution_continues_with_state_time_link_and_percent(world: World) -> None:
    event, execution = world.started()
    execution.history = [
        STARTED,
        entered(2, "Check Stack Exists"),
        exited(3, "Check Stack Exists"),
        entered(4, "Create Stack"),
    ]
    world.now += 125
    answer = world.send(event)
    details = answer["executionDetails"]
    assert details["summary"].startswith("Create Stack, running for 2 min 5 s. https://eu-west-1.console.aws")
    assert details["summary"].endswith(execution.arn)
    assert details["percentComplete"] == 11
    assert details["externalExecutionId"] == execution.arn
    assert world.calls == ["DescribeExecution", "GetExecutionHistory", "PutJobSuccessResult"]


def test_with_progress_switched_off_a_poll_takes_two_calls(world: World) -> None:
    world.configure(SHOW_PROGRESS="false")
    event, execution = world.started()
    world.now += 5
    answer = world.send(event)
    assert world.calls == ["DescribeExecution", "PutJobSuccessResult"]
    assert answer["executionDetails"]["summary"].startswith("Running for 5 s. https://")
    assert answer["executionDetails"]["externalExecutionId"] == execution.arn


def test_the_percentage_never_goes_back_and_stays_below_100(world: World) -> None:
    event, execution = world.started()
    seen = []
    for states in (1, 5, 3, 0, 400):
        execution.history = [
            item
            for number in range(states)
            for item in (entered(2 * number + 1, "A"), exited(2 * number + 2, "A"))
        ]
        seen.append(world.send(event)["executionDetails"]["percentComplete"])
        event = world.next_job(event)
    assert seen == sorted(seen)
    assert seen[-1] <= 99


def test_trouble_with_the_history_does_not_matter(world: World) -> None:
    event, _ = world.started()
    world.stepfunctions.fail_next("GetExecutionHistory", "AccessDeniedException")
    assert "continuationToken" in world.send(event)


def test_a_success_takes_two_calls_and_hands_over_the_scalars(world: World) -> None:
    event, execution = world.started()
    execution.succeed('{"ApiUrl": "https://api", "Count": 3, "Ok": true, "No": null, "List": [1], "a b": 1}')
    world.now += 3700
    answer = world.send(event)
    assert world.calls == ["DescribeExecution", "PutJobSuccessResult"]
    assert answer["outputVariables"] == {"ApiUrl": "https://api", "Count": "3", "Ok": "true"}
    assert answer["executionDetails"]["percentComplete"] == 100
    assert answer["executionDetails"]["externalExecutionId"] == execution.arn
    assert answer["executionDetails"]["summary"].startswith("Succeeded within 1 h 1 min. https://")
    assert "continuationToken" not in answer


def test_bug_11_a_failure_takes_three_calls_and_begins_with_state_error_and_cause(world: World) -> None:
    event, execution = world.started()
    execution.history = [
        STARTED,
        entered(2, "Check Stack Exists"),
        exited(3, "Check Stack Exists"),
        entered(4, "Create Stack"),
        {"id": 5, "type": "TaskScheduled"},
        task_failed(6, "CreateStackError"),
        {"id": 7, "type": "ExecutionFailed"},
    ]
    cause = {"errorMessage": "Bucket: name is taken", "errorType": "CreateStackError", "stackTrace": ["…"]}
    execution.fail("CreateStackError", json.dumps(cause))
    answer = world.send(event)
    assert world.calls == ["DescribeExecution", "GetExecutionHistory", "PutJobFailureResult"]
    kind, text = failure(answer)
    assert kind == "JobFailed"
    assert text.startswith("Create Stack: CreateStackError: Bucket: name is taken https://eu-west-1.console")
    assert text.endswith(execution.arn)
    assert answer["failureDetails"]["externalExecutionId"] == execution.arn


def test_a_fail_state_that_passes_on_a_caught_error_names_the_state_of_the_error(world: World) -> None:
    event, execution = world.started()
    execution.history = [
        STARTED,
        entered(2, "Execute Change Set"),
        task_failed(3, "StackFailedError"),
        exited(4, "Execute Change Set"),
        entered(5, "Failed Dirty", "Fail"),
        {"id": 6, "type": "ExecutionFailed"},
    ]
    execution.fail("StackFailedError", "rolled back")
    text = failure(world.send(event))[1]
    assert text.startswith(
        "Execute Change Set: StackFailedError: rolled back (ended in Failed Dirty) https://"
    )


def test_a_fail_state_with_an_error_of_its_own_is_named_itself(world: World) -> None:
    event, execution = world.started()
    execution.history = [
        STARTED,
        entered(2, "Check", "Choice"),
        exited(3, "Check", "Choice"),
        entered(4, "Bad", "Fail"),
        {"id": 5, "type": "ExecutionFailed"},
    ]
    execution.fail("WrongInput", "no name")
    assert failure(world.send(event))[1].startswith("Bad: WrongInput: no name https://")


@pytest.mark.parametrize(
    ("status", "event_type", "start"),
    [
        ("TIMED_OUT", "ExecutionTimedOut", "Wait: States.Timeout: the execution took longer than"),
        ("ABORTED", "ExecutionAborted", "Wait: Aborted: the execution was stopped https"),
    ],
)
def test_other_ends_name_the_state_they_were_in(
    world: World, status: str, event_type: str, start: str
) -> None:
    event, execution = world.started()
    execution.history = [entered(1, "Wait", "Wait"), {"id": 2, "type": event_type, "previousEventId": 0}]
    execution.fail(None, None, status=status)
    assert failure(world.send(event))[1].startswith(start)


def test_a_failure_is_reported_even_if_the_history_cannot_be_read(world: World) -> None:
    event, execution = world.started()
    execution.fail("E", "c")
    world.stepfunctions.fail_next("GetExecutionHistory", "ThrottlingException")
    assert failure(world.send(event))[1].startswith("E: c https://")


@pytest.mark.parametrize("code", ["ThrottlingException", "ServiceUnavailable", "InternalFailure"])
def test_bug_6_one_error_while_polling_does_not_fail_the_action(world: World, code: str) -> None:
    event, execution = world.started()
    world.stepfunctions.fail_next("DescribeExecution", code)
    answer = world.send(event)
    assert code in answer["executionDetails"]["summary"]
    execution.succeed()
    assert "continuationToken" not in world.send(world.next_job(event))


def test_an_execution_that_is_not_yet_visible_continues_and_one_that_is_gone_fails(world: World) -> None:
    event, execution = world.started()
    world.stepfunctions.invisible.add(execution.arn)
    assert "continuationToken" in world.send(event)
    event = world.next_job(event)
    world.now += 301
    kind, text = failure(world.send(event))
    assert (kind, "does not exist any more" in text) == ("JobFailed", True)


def test_no_permission_to_look_fails_at_once(world: World) -> None:
    event, _ = world.started()
    world.stepfunctions.fail_next("DescribeExecution", "AccessDeniedException")
    kind, text = failure(world.send(event))
    assert kind == "PermissionError"
    assert "states:DescribeExecution" in text


def test_bug_12_the_execution_is_stopped_when_its_time_is_over(world: World) -> None:
    event, execution = world.started({"input": {}, "timeoutMinutes": 30})
    execution.history = [entered(1, "Ask")]
    world.now += 30 * MINUTE
    kind, text = failure(world.send(event))
    assert kind == "JobFailed"
    assert text.startswith(
        "Ask: TimeoutMinutesPassed: the execution was stopped because it ran longer than 30 minutes"
    )
    assert execution.status == "ABORTED"


def test_bug_12_the_default_deadline_is_a_little_under_a_day(world: World) -> None:
    event, execution = world.started()
    world.now += DEFAULT_TIMEOUT_MINUTES * MINUTE - 1
    world.send(event)
    assert execution.status == "RUNNING"
    event = world.next_job(event)
    world.now += 1
    world.send(event)
    assert execution.status == "ABORTED"
    assert 23 * 60 < DEFAULT_TIMEOUT_MINUTES < 24 * 60


def test_an_execution_that_succeeds_while_it_is_stopped_has_succeeded(world: World) -> None:
    event, _ = world.started({"input": {}, "timeoutMinutes": 1})
    world.stepfunctions.on_stop = FakeExecution.succeed
    world.now += MINUTE
    answer = world.send(event)
    assert answer["executionDetails"]["percentComplete"] == 100


def test_a_stop_that_fails_for_the_moment_is_tried_again_until_there_is_no_time_left(world: World) -> None:
    event, execution = world.started({"input": {}, "timeoutMinutes": 1})
    world.now += MINUTE
    world.stepfunctions.fail_next("StopExecution", "ThrottlingException", times=2)
    world.send(event)
    event = world.next_job(event)
    world.now += 5 * MINUTE
    kind, text = failure(world.send(event))
    assert kind == "SystemUnavailable"
    assert "may still run" in text
    assert text.endswith(execution.arn)


def test_a_token_of_a_machine_off_the_list_is_refused(world: World) -> None:
    event, execution = world.started()
    world.configure(STATE_MACHINE_ARN=MACHINE.replace("deploy", "another"))
    kind, text = failure(world.send(event))
    assert kind == "ConfigurationError"
    assert "not on the function's list" in text
    assert world.calls == ["PutJobFailureResult"]
    assert execution.status == "RUNNING"


def test_an_old_execution_is_polled_although_its_parameters_have_become_unusable(world: World) -> None:
    event, execution = world.started()
    configuration = event["CodePipeline.job"]["data"]["actionConfiguration"]["configuration"]
    configuration["UserParameters"] = '{"later": "removed"}'
    execution.succeed()
    assert world.send(event)["executionDetails"]["percentComplete"] == 100


def test_an_answer_that_codepipeline_does_not_take_is_raised_so_that_lambda_delivers_again(
    world: World,
) -> None:
    event, execution = world.started()
    execution.succeed()
    world.codepipeline.fail_next("PutJobSuccessResult", "ServiceUnavailable", status=503)
    with pytest.raises(Exception, match="refused the result"):
        world.deliver(event)
    assert world.send(event)["executionDetails"]["percentComplete"] == 100


@pytest.mark.parametrize("code", ["InvalidJobStateException", "JobNotFoundException"])
def test_a_job_that_is_closed_is_no_error(world: World, code: str) -> None:
    event, _ = world.started()
    world.codepipeline.fail_next("PutJobSuccessResult", code)
    world.deliver(event)
    assert not any(world.codepipeline.calls[1:])


def test_variables_that_codepipeline_refuses_do_not_turn_a_success_into_a_failure(world: World) -> None:
    event, execution = world.started()
    execution.succeed('{"a": 1}')
    world.codepipeline.fail_next("PutJobSuccessResult", "OutputVariablesSizeExceededException")
    answer = world.send(event)
    assert "outputVariables" not in answer
    assert answer["executionDetails"]["summary"].startswith("Output variables refused")
