"""The Amazon States Language: every state type, retries, catches and time-outs, in virtual and real time."""

from __future__ import annotations

import itertools
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.in_process_functions import LambdaContext
from tests.localaws.stepfunctions.world import World, task


class ThrottledError(Exception):
    """An error that a Retry or Catch names."""


def echo(event: Any, _context: LambdaContext) -> Any:
    return event


def test_wait_state_takes_only_virtual_time(world: World) -> None:
    started = time.monotonic()
    outcome = world.run(
        {
            "Night": {"Type": "Wait", "Seconds": 86_400, "Next": "Day"},
            "Day": {"Type": "Wait", "Seconds": 1, "End": True},
        }
    )
    assert outcome.seconds == 86_401
    assert outcome.path == ["Night", "Day"]
    assert time.monotonic() - started < 5


def test_execution_moves_only_with_the_clock(world: World) -> None:
    arn = world.start(world.create({"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}))
    world.virtual_clock.advance(59)
    assert world.client.describe_execution(executionArn=arn)["status"] == "RUNNING"
    world.virtual_clock.advance(1)
    assert world.client.describe_execution(executionArn=arn)["status"] == "SUCCEEDED"


def test_wait_state_waits_until_a_timestamp_of_the_clock(world: World) -> None:
    moment = world.clock.now() + timedelta(hours=5)
    states = {"Until": {"Type": "Wait", "TimestampPath": "$.at", "End": True}}
    outcome = world.run(states, {"at": moment.strftime("%Y-%m-%dT%H:%M:%SZ")})
    assert outcome.seconds == 5 * 3600


def test_retries_back_off_in_virtual_time(world: World) -> None:
    attempts: list[datetime] = []

    def throttled(event: Any, _context: LambdaContext) -> Any:
        attempts.append(world.clock.now())
        if len(attempts) < 4:
            raise ThrottledError
        return event

    world.handlers["f"] = throttled
    retry = [{"ErrorEquals": ["ThrottledError"], "IntervalSeconds": 10, "BackoffRate": 2, "MaxAttempts": 3}]
    outcome = world.run({"Try": task("f", Retry=retry)}, {"a": 1})
    assert outcome.output == {"a": 1}
    assert [int((b - a).total_seconds()) for a, b in itertools.pairwise(attempts)] == [
        10,
        20,
        40,
    ]
    assert outcome.path == ["Try"]


def test_catch_matches_the_name_of_a_function_error(world: World) -> None:
    def fails(_event: Any, _context: LambdaContext) -> Any:
        raise ThrottledError("slow down")

    world.handlers["f"] = fails
    catch = [
        {"ErrorEquals": ["OtherError"], "Next": "Other"},
        {"ErrorEquals": ["ThrottledError"], "ResultPath": "$.error", "Next": "Caught"},
    ]
    outcome = world.run(
        {
            "Try": task("f", Catch=catch, Next="Other"),
            "Other": {"Type": "Fail", "Error": "No", "Cause": "not this one"},
            "Caught": {"Type": "Pass", "End": True},
        },
        {"a": 1},
    )
    assert outcome.path == ["Try", "Caught"]
    assert outcome.output["a"] == 1
    assert outcome.output["error"]["Error"] == "ThrottledError"
    assert '"errorMessage":"slow down"' in outcome.output["error"]["Cause"]


def test_fail_state_sets_error_and_cause(world: World) -> None:
    outcome = world.run({"Broken": {"Type": "Fail", "Error": "Dirty", "Cause": "someone must look"}})
    assert outcome.status == "FAILED"
    assert (outcome.description["error"], outcome.description["cause"]) == ("Dirty", "someone must look")
    assert outcome.history[-1]["type"] == "ExecutionFailed"


@pytest.mark.parametrize("error", ["States.Timeout", "States.DataLimitExceeded", "Mine"])
def test_fail_state_can_repeat_a_caught_error(world: World, error: str) -> None:
    states = {"Bad": {"Type": "Fail", "ErrorPath": "$.Error", "CausePath": "$.Cause"}}
    outcome = world.run(states, {"Error": error, "Cause": "an earlier cause"})
    assert (outcome.description["error"], outcome.description["cause"]) == (error, "an earlier cause")


def test_missing_function_fails_the_task(world: World) -> None:
    outcome = world.run({"Call": task("missing")})
    assert outcome.description["error"] == "Lambda.ResourceNotFoundException"
    assert "Function not found" in outcome.description["cause"]


def test_choice_and_pass_states_direct_the_data(world: World) -> None:
    world.handlers["double"] = lambda event, _: {"n": event["n"] * 2}
    outcome = world.run(
        {
            "Prepare": {"Type": "Pass", "Parameters": {"n.$": "$.start"}, "Next": "Double"},
            "Double": task("double", Next="Enough?"),
            "Enough?": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.n", "NumericLessThan": 100, "Next": "Double"}],
                "Default": "Done",
            },
            "Done": {"Type": "Succeed"},
        },
        {"start": 30},
    )
    assert outcome.output == {"n": 120}
    assert outcome.path == ["Prepare", "Double", "Enough?", "Double", "Enough?", "Done"]


def test_lambda_invoke_integration_returns_the_payload(world: World) -> None:
    world.handlers["f"] = echo
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "f", "Payload.$": "$"},
        "OutputPath": "$.Payload",
        "End": True,
    }
    assert world.run({"Call": state}, {"grüße": "ü"}).output == {"grüße": "ü"}


def test_parallel_branches_wait_at_the_same_time(world: World) -> None:
    world.handlers["f"] = lambda _event, _context: "done"
    outcome = world.run(
        {
            "Both": {
                "Type": "Parallel",
                "End": True,
                "Branches": [
                    {"StartAt": "Slow", "States": {"Slow": {"Type": "Wait", "Seconds": 600, "End": True}}},
                    {"StartAt": "Task", "States": {"Task": task("f", TimeoutSeconds=5)}},
                ],
            }
        },
        {"a": 1},
    )
    assert outcome.output == [{"a": 1}, "done"]
    assert outcome.seconds == 600


def test_failed_branch_ends_the_other_branches(world: World) -> None:
    outcome = world.run(
        {
            "Both": {
                "Type": "Parallel",
                "Catch": [{"ErrorEquals": ["Broken"], "Next": "Caught"}],
                "Next": "Caught",
                "Branches": [
                    {"StartAt": "Slow", "States": {"Slow": {"Type": "Wait", "Seconds": 9000, "End": True}}},
                    {"StartAt": "Bad", "States": {"Bad": {"Type": "Fail", "Error": "Broken"}}},
                ],
            },
            "Caught": {"Type": "Succeed"},
        }
    )
    assert outcome.status == "SUCCEEDED"
    assert outcome.seconds == 0


@pytest.mark.parametrize("concurrency", [0, 1, 3])
def test_map_keeps_the_order_of_its_items(world: World, concurrency: int) -> None:
    world.handlers["square"] = lambda event, _: event * event
    iteration = {
        "StartAt": "Wait",
        "States": {"Wait": {"Type": "Wait", "Seconds": 10, "Next": "Square"}, "Square": task("square")},
    }
    outcome = world.run(
        {
            "Each": {
                "Type": "Map",
                "ItemsPath": "$.items",
                "MaxConcurrency": concurrency,
                "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, **iteration},
                "End": True,
            }
        },
        {"items": list(range(6))},
    )
    assert outcome.output == [0, 1, 4, 9, 16, 25]
    assert outcome.seconds == {0: 10, 1: 60, 3: 20}[concurrency]


def test_map_over_no_items_returns_an_empty_list(world: World) -> None:
    state = {
        "Type": "Map",
        "ItemsPath": "$.items",
        "Iterator": {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}},
        "End": True,
    }
    assert world.run({"Each": state}, {"items": []}).output == []


def test_task_times_out_in_virtual_time(world: World) -> None:
    world.handlers["f"] = echo
    waits = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {"FunctionName": "f", "Payload": {"token.$": "$$.Task.Token"}},
        "TimeoutSeconds": 3600,
        "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "Late"}],
        "End": True,
    }
    outcome = world.run({"Ask": waits, "Late": {"Type": "Pass", "End": True}})
    assert outcome.path == ["Ask", "Late"]
    assert outcome.seconds == 3600


def test_execution_times_out(world: World) -> None:
    outcome = world.run({"Wait": {"Type": "Wait", "Seconds": 9000, "End": True}}, TimeoutSeconds=100)
    assert outcome.status == "TIMED_OUT"
    assert outcome.seconds == 100
    assert outcome.history[-1]["type"] == "ExecutionTimedOut"
    assert world.statuses() == ["RUNNING", "TIMED_OUT"]


def test_jsonata_can_use_variables(world: World) -> None:
    world.handlers["f"] = lambda event, _: {"sum": event["a"] + event["b"]}
    outcome = world.run(
        {
            "Assign": {
                "Type": "Pass",
                "Assign": {"text": "{% 'it is \"' & $states.input.a & '\"\\n' %}"},
                "Next": "Add",
            },
            "Add": task(
                "f",
                Arguments={"a": "{% $states.input.a %}", "b": 2},
                Output="{% $states.result.sum + 1 %}",
                Next="Report",
            ),
            "Report": {
                "Type": "Pass",
                "Output": {"text": "{% $text %}", "n": "{% $states.input %}"},
                "End": True,
            },
        },
        {"a": 40},
        QueryLanguage="JSONata",
    )
    assert outcome.output == {"text": 'it is "40"\n', "n": 43}


def test_failed_jsonata_raises_query_evaluation_error(world: World) -> None:
    outcome = world.run(
        {
            "Bad": {"Type": "Pass", "Output": "{% $states.input.a + 'x' %}", "End": True},
        },
        {"a": 40},
        QueryLanguage="JSONata",
    )
    assert outcome.status == "FAILED"
    assert outcome.description["error"] == "States.QueryEvaluationError"


def test_context_object_has_times_of_the_clock_in_the_format_of_aws(world: World) -> None:
    state = {
        "Type": "Pass",
        "Parameters": {"entered.$": "$$.State.EnteredTime", "started.$": "$$.Execution.StartTime"},
        "End": True,
    }
    now = "2026-01-01T00:01:00.000Z"
    outcome = world.run({"Wait": {"Type": "Wait", "Seconds": 60, "Next": "Now"}, "Now": state})
    assert outcome.output == {"entered": now, "started": "2026-01-01T00:00:00.000Z"}


def test_datetimes_in_the_response_of_a_task_become_text(world: World) -> None:
    class Things:
        def list_things(self, **_: Any) -> Any:
            return {"Things": [{"Created": datetime(2026, 1, 2, tzinfo=UTC)}], "ResponseMetadata": {}}

    world.clients["things"] = Things()
    world.clients["s3"] = world.clients["things"]
    Things.list_buckets = Things.list_things  # type: ignore[attr-defined]
    state = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:listBuckets", "End": True}
    assert world.run({"List": state}).output == {"Things": [{"Created": "2026-01-02T00:00:00.000Z"}]}


def test_nested_execution_returns_its_parsed_output(world: World) -> None:
    world.create(
        {
            "Wait": {"Type": "Wait", "Seconds": 30, "Next": "Done"},
            "Done": {"Type": "Pass", "Result": {"x": 1}, "End": True},
        },
        name="child",
    )
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {
            "StateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:child",
            "Name": "one",
            "Input": {"a.$": "$.a"},
        },
        "End": True,
    }
    outcome = world.run({"Child": state}, {"a": 5})
    assert outcome.output["Output"] == {"x": 1}
    assert outcome.output["Input"] == {"a": 5}
    assert outcome.output["Status"] == "SUCCEEDED"


def test_histories_of_equal_executions_are_equal(world: World) -> None:
    states = {
        "Each": {
            "Type": "Map",
            "MaxConcurrency": 2,
            "Iterator": {
                "StartAt": "W",
                "States": {"W": {"Type": "Wait", "SecondsPath": "$.s", "End": True}},
            },
            "End": True,
        }
    }
    data = [{"s": seconds} for seconds in (3, 1, 2)]
    first = world.run(states, data)
    second = world.run(states, data)
    kinds = [(event["type"], event["id"], event["previousEventId"]) for event in first.history]
    assert kinds == [(event["type"], event["id"], event["previousEventId"]) for event in second.history]


def test_branches_run_at_the_same_time_in_real_time(real_world: World) -> None:
    together = threading.Barrier(2, timeout=10)

    def meet(event: Any, _context: LambdaContext) -> Any:
        together.wait()
        return event

    real_world.handlers["meet"] = meet
    branches = [
        {"StartAt": name, "States": {name: task("meet", TimeoutSeconds=30)}} for name in ("Meet", "Meet Too")
    ]
    outcome = real_world.run_in_real_time(
        {"Both": {"Type": "Parallel", "Branches": branches, "End": True}}, 7
    )
    assert outcome.output == [7, 7]


def test_map_runs_in_real_time(real_world: World) -> None:
    real_world.handlers["f"] = echo
    state = {"Type": "Map", "Iterator": {"StartAt": "F", "States": {"F": task("f")}}, "End": True}
    assert real_world.run_in_real_time({"Each": state}, list(range(100))).output == list(range(100))


def test_stop_ends_a_wait_state_at_once_in_real_time(real_world: World) -> None:
    arn = real_world.start(real_world.create({"Wait": {"Type": "Wait", "Seconds": 9000, "End": True}}))
    response = real_world.client.stop_execution(executionArn=arn, error="Stop", cause="because")
    description = real_world.client.describe_execution(executionArn=arn)
    assert description["status"] == "ABORTED"
    assert description["stopDate"] == response["stopDate"]


def test_map_runs_many_items_one_at_a_time(world: World) -> None:
    """An earlier bug: moto's worker called itself for each item, which exceeds Python's stack."""
    state = {
        "Type": "Map",
        "MaxConcurrency": 1,
        "Iterator": {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}},
        "End": True,
    }
    assert len(world.run({"Each": state}, [0] * 1200).output) == 1200


@pytest.mark.parametrize("kind", ["Pass", "Parallel"])
def test_parameters_can_be_a_list(world: World, kind: str) -> None:
    branch = {"StartAt": "B", "States": {"B": {"Type": "Pass", "End": True}}}
    state = {"Type": kind, "Parameters": [1, {"a.$": "$.x"}], "End": True}
    more = {"Branches": [branch]} if kind == "Parallel" else {}
    output = world.run({"S": state | more}, {"x": 2}).output
    assert output == ([[1, {"a": 2}]] if more else [1, {"a": 2}])
