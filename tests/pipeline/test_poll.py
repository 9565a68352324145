"""Jobs after the first: an execution that runs, succeeds, fails or times out, and errors of AWS."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.limits import DEFAULT_TIMEOUT_MINUTES
from tests.bad_input.observed import observed
from tests.fakes.step_functions import FakeExecution
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


def test_running_execution_reports_state_duration_link_and_percentage(world: World) -> None:
    event, execution = world.start_execution()
    execution.history = [
        STARTED,
        entered(2, "Check Stack Exists"),
        exited(3, "Check Stack Exists"),
        entered(4, "Create Stack"),
    ]
    world.now += 125
    result = world.send(event)
    details = result["executionDetails"]
    assert details["summary"].startswith("Create Stack, running for 2 min 5 s. https://eu-west-1.console.aws")
    assert details["summary"].endswith(execution.arn)
    assert details["percentComplete"] == 11
    assert details["externalExecutionId"] == execution.arn
    assert world.calls == ["DescribeExecution", "GetExecutionHistory", "PutJobSuccessResult"]


def test_poll_without_progress_takes_two_calls(world: World) -> None:
    world.configure(SHOW_PROGRESS="false")
    event, execution = world.start_execution()
    world.now += 5
    result = world.send(event)
    assert world.calls == ["DescribeExecution", "PutJobSuccessResult"]
    assert result["executionDetails"]["summary"].startswith("Running for 5 s. https://")
    assert result["executionDetails"]["externalExecutionId"] == execution.arn


def test_percentage_never_decreases_and_stays_below_100(world: World) -> None:
    event, execution = world.start_execution()
    percentages = []
    for states in (1, 5, 3, 0, 400):
        execution.history = [
            item
            for number in range(states)
            for item in (entered(2 * number + 1, "A"), exited(2 * number + 2, "A"))
        ]
        percentages.append(world.send(event)["executionDetails"]["percentComplete"])
        event = world.next_job(event)
    assert percentages == sorted(percentages)
    assert percentages[-1] <= 99


def test_job_continues_when_the_history_cannot_be_read(world: World) -> None:
    event, _ = world.start_execution()
    world.stepfunctions.fail_next("GetExecutionHistory", "AccessDeniedException")
    assert "continuationToken" in world.send(event)


def test_success_takes_two_calls_and_has_the_scalars_as_output_variables(world: World) -> None:
    event, execution = world.start_execution()
    execution.succeed('{"ApiUrl": "https://api", "Count": 3, "Ok": true, "No": null, "List": [1], "a b": 1}')
    world.now += 3700
    result = world.send(event)
    assert world.calls == ["DescribeExecution", "PutJobSuccessResult"]
    assert result["outputVariables"] == {"ApiUrl": "https://api", "Count": "3", "Ok": "true"}
    assert result["executionDetails"]["percentComplete"] == 100
    assert result["executionDetails"]["externalExecutionId"] == execution.arn
    assert result["executionDetails"]["summary"].startswith("Succeeded within 1 h 1 min. https://")
    assert "continuationToken" not in result


def test_summary_contains_what_the_state_machine_says(world: World) -> None:
    event, execution = world.start_execution()
    execution.succeed(json.dumps({"stepline_summary": "Replaced: Task. " + "x" * 5000}))
    world.now += 60
    summary = world.send(event)["executionDetails"]["summary"]
    assert summary.startswith("Succeeded within 1 min 0 s. Replaced: Task. xxx")
    assert summary.endswith(execution.arn)
    assert len(summary) <= 2048


def test_failure_takes_three_calls_and_begins_with_state_error_and_cause(world: World) -> None:
    """An earlier bug: the pipeline showed FAILED, without the state, the error and the cause."""
    event, execution = world.start_execution()
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
    result = world.send(event)
    assert world.calls == ["DescribeExecution", "GetExecutionHistory", "PutJobFailureResult"]
    kind, text = failure(result)
    assert kind == "JobFailed"
    assert text.startswith("Create Stack: CreateStackError: Bucket: name is taken https://eu-west-1.console")
    assert text.endswith(execution.arn)
    assert result["failureDetails"]["externalExecutionId"] == execution.arn


def test_failure_names_the_state_whose_error_a_fail_state_passes_on(world: World) -> None:
    event, execution = world.start_execution()
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


def test_failure_names_the_fail_state_that_has_its_own_error(world: World) -> None:
    event, execution = world.start_execution()
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
def test_timed_out_or_stopped_execution_names_the_state_that_it_was_in(
    world: World, status: str, event_type: str, start: str
) -> None:
    event, execution = world.start_execution()
    execution.history = [entered(1, "Wait", "Wait"), {"id": 2, "type": event_type, "previousEventId": 0}]
    execution.fail(None, None, status=status)
    assert failure(world.send(event))[1].startswith(start)


def test_failure_is_reported_when_the_history_cannot_be_read(world: World) -> None:
    event, execution = world.start_execution()
    execution.fail("E", "c")
    world.stepfunctions.fail_next("GetExecutionHistory", "ThrottlingException")
    assert failure(world.send(event))[1].startswith("E: c https://")


@pytest.mark.parametrize("code", ["ThrottlingException", "ServiceUnavailable", "InternalFailure"])
def test_one_error_while_polling_does_not_fail_the_action(world: World, code: str) -> None:
    """An earlier bug: one error while polling failed the action."""
    event, execution = world.start_execution()
    world.stepfunctions.fail_next("DescribeExecution", code)
    result = world.send(event)
    assert code in result["executionDetails"]["summary"]
    execution.succeed()
    assert "continuationToken" not in world.send(world.next_job(event))


def test_execution_that_is_not_visible_fails_the_job_only_after_five_minutes(world: World) -> None:
    event, execution = world.start_execution()
    world.stepfunctions.invisible.add(execution.arn)
    assert "continuationToken" in world.send(event)
    event = world.next_job(event)
    world.now += 301
    kind, text = failure(world.send(event))
    assert (kind, "does not exist any more" in text) == ("JobFailed", True)


def test_missing_permission_to_describe_the_execution_fails_at_once(world: World) -> None:
    event, _ = world.start_execution()
    world.stepfunctions.fail_next("DescribeExecution", "AccessDeniedException")
    kind, text = failure(world.send(event))
    assert kind == "PermissionError"
    assert "states:DescribeExecution" in text


def test_execution_is_stopped_after_the_timeout(world: World) -> None:
    """An earlier bug: polling had no end."""
    event, execution = world.start_execution({"input": {}, "timeoutMinutes": 30})
    execution.history = [entered(1, "Ask")]
    world.now += 30 * MINUTE
    kind, text = failure(world.send(event))
    assert kind == "JobFailed"
    assert text.startswith(
        "Ask: TimeoutMinutesPassed: the execution was stopped because it ran longer than 30 minutes"
    )
    assert execution.status == "ABORTED"


def test_default_timeout_is_between_23_and_24_hours(world: World) -> None:
    """An earlier bug: polling had no end."""
    event, execution = world.start_execution()
    world.now += DEFAULT_TIMEOUT_MINUTES * MINUTE - 1
    world.send(event)
    assert execution.status == "RUNNING"
    event = world.next_job(event)
    world.now += 1
    world.send(event)
    assert execution.status == "ABORTED"
    assert 23 * 60 < DEFAULT_TIMEOUT_MINUTES < 24 * 60


def test_execution_that_succeeds_while_it_is_stopped_is_a_success(world: World) -> None:
    event, _ = world.start_execution({"input": {}, "timeoutMinutes": 1})
    world.stepfunctions.on_stop = FakeExecution.succeed
    world.now += MINUTE
    result = world.send(event)
    assert result["executionDetails"]["percentComplete"] == 100


def test_stop_is_confirmed_before_it_is_reported(world: World) -> None:
    """An earlier bug: an execution that was still running after StopExecution was reported as stopped."""
    event, execution = world.start_execution({"input": {}, "timeoutMinutes": 1})
    execution.history = [entered(1, "Ask")]
    execution.stale_reads = 3
    world.now += MINUTE
    result = world.send(event)
    assert result["executionDetails"]["summary"].startswith(
        "Stop requested after 1 minute; not stopped yet. https://"
    )
    event = world.next_job(event)
    assert "continuationToken" in world.send(event)
    kind, text = failure(world.send(world.next_job(event)))
    assert (kind, text.split("https")[0]) == (
        "JobFailed",
        "Ask: TimeoutMinutesPassed: the execution was stopped because it ran longer than 1 minute ",
    )
    assert world.calls.count("StopExecution") == 1


def test_execution_that_had_succeeded_before_its_stop_is_a_success(world: World) -> None:
    """An earlier bug: DescribeExecution returned an old RUNNING, and the success was reported as stopped."""
    event, execution = world.start_execution({"input": {}, "timeoutMinutes": 1})
    execution.succeed('{"a": 1}')
    execution.stale_reads = 2
    world.now += MINUTE
    world.send(event)
    assert world.send(world.next_job(event))["outputVariables"] == {"a": "1"}


def test_execution_that_does_not_stop_fails_the_job_after_three_minutes(world: World) -> None:
    event, execution = world.start_execution({"input": {}, "timeoutMinutes": 2})
    execution.stale_reads = 100
    world.now += 2 * MINUTE
    world.send(event)
    event = world.next_job(event)
    world.now += 3 * MINUTE - 1
    world.send(event)
    event = world.next_job(event)
    world.now += 1
    kind, text = failure(world.send(event))
    assert kind == "JobFailed"
    assert text.startswith(
        "TimeoutMinutesPassed: the execution ran longer than 2 minutes. Its stop was requested"
        " 3 min 0 s ago, and it was still running when last seen: check it before you retry. https://"
    )
    assert world.calls.count("StopExecution") == 1


@pytest.mark.parametrize("code", ["ThrottlingException", "ExecutionDoesNotExist"])
def test_stop_is_not_requested_again_if_the_execution_cannot_be_described(world: World, code: str) -> None:
    event, execution = world.start_execution({"input": {}, "timeoutMinutes": 1})
    execution.stale_reads = 2
    world.stepfunctions.on_stop = lambda _: world.stepfunctions.fail_next("DescribeExecution", code)
    world.now += MINUTE
    for _ in range(2):
        assert "continuationToken" in world.send(event)
        event = world.next_job(event)
    assert "failureDetails" in world.send(event)
    assert world.calls.count("StopExecution") == 1


def test_stop_of_an_execution_that_is_not_visible_is_retried(world: World) -> None:
    event, execution = world.start_execution({"input": {}, "timeoutMinutes": 1})
    world.stepfunctions.fail_next("StopExecution", "ExecutionDoesNotExist")
    world.now += MINUTE
    assert "continuationToken" in world.send(event)
    assert "failureDetails" in world.send(world.next_job(event))
    assert execution.status == "ABORTED"


@pytest.mark.parametrize("status", ["PENDING_REDRIVE", "SOMETHING_NEW"])
def test_execution_with_an_unknown_status_is_polled_until_its_timeout(world: World, status: str) -> None:
    """An earlier bug: a status that AWS may add failed the job as a bug, while the execution was running."""
    event, execution = world.start_execution({"input": {}, "timeoutMinutes": 1})
    execution.status = status
    assert "continuationToken" in world.send(event)
    world.stepfunctions.on_stop = lambda stopped: stopped.fail("E", "c", status="ABORTED")
    world.now += MINUTE
    assert failure(world.send(world.next_job(event)))[1].startswith("E: c https://")


def test_throttled_stop_is_retried_and_fails_after_five_minutes(world: World) -> None:
    event, execution = world.start_execution({"input": {}, "timeoutMinutes": 1})
    world.now += MINUTE
    world.stepfunctions.fail_next("StopExecution", "ThrottlingException", times=2)
    world.send(event)
    event = world.next_job(event)
    world.now += 5 * MINUTE
    kind, text = failure(world.send(event))
    assert kind == "SystemUnavailable"
    assert "may still run" in text
    assert text.endswith(execution.arn)


def test_token_of_a_machine_that_is_not_on_the_list_is_refused(world: World) -> None:
    event, execution = world.start_execution()
    world.configure(STATE_MACHINE_ARN=MACHINE.replace("deploy", "another"))
    kind, text = failure(world.send(event))
    assert kind == "ConfigurationError"
    assert "not on the function's list" in text
    assert world.calls == ["PutJobFailureResult"]
    assert execution.status == "RUNNING"


def test_execution_is_polled_after_the_user_parameters_became_invalid(world: World) -> None:
    event, execution = world.start_execution()
    configuration = event["CodePipeline.job"]["data"]["actionConfiguration"]["configuration"]
    configuration["UserParameters"] = '{"later": "removed"}'
    execution.succeed()
    assert world.send(event)["executionDetails"]["percentComplete"] == 100


def test_refused_result_raises_and_is_reported_by_the_redelivery(
    world: World,
) -> None:
    event, execution = world.start_execution()
    execution.succeed()
    world.codepipeline.fail_next("PutJobSuccessResult", "ServiceUnavailable", status=503)
    with pytest.raises(Exception, match="refused the result"):
        world.deliver(event)
    assert world.send(event)["executionDetails"]["percentComplete"] == 100


@pytest.mark.parametrize(
    ("code", "message"),
    [("InvalidJobStateException", "Job already closed"), ("JobNotFoundException", "Job does not exist")],
)
def test_closed_or_unknown_job_gets_no_second_result_and_raises_nothing(
    world: World, code: str, message: str
) -> None:
    event, _ = world.start_execution()
    world.codepipeline.fail_next("PutJobSuccessResult", code)
    with observed() as log:
        world.deliver(event)
    assert message in log.text
    assert not any(world.codepipeline.calls[1:])


def test_success_is_reported_without_the_output_variables_that_codepipeline_refuses(world: World) -> None:
    event, execution = world.start_execution()
    execution.succeed('{"a": 1}')
    world.codepipeline.fail_next("PutJobSuccessResult", "OutputVariablesSizeExceededException")
    result = world.send(event)
    assert "outputVariables" not in result
    assert result["executionDetails"]["summary"].startswith("Output variables refused")
