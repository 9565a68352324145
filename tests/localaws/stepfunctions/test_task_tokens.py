"""Tasks that wait for their token."""

from __future__ import annotations

from typing import Any

from tests.localaws.stepfunctions.world import Outcome, World, error_of


def waiting_for_token(world: World, **fields: Any) -> tuple[str, str]:
    """Start an execution that waits for its task token, and return its ARN and the token."""
    world.handlers["ask"] = lambda event, _: event
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {"FunctionName": "ask", "Payload": {"token.$": "$$.Task.Token"}},
        "End": True,
        **fields,
    }
    arn = world.start(world.create({"Ask": state}))
    world.virtual_clock.advance(1)
    return arn, world.functions.invocations[-1][1]["token"]


def test_success_of_a_token_completes_its_task(world: World) -> None:
    arn, token = waiting_for_token(world)
    world.client.send_task_success(taskToken=token, output='{"yes":true}')
    world.virtual_clock.run()
    assert Outcome(world, arn).output == {"yes": True}
    assert error_of(world.client.send_task_success, taskToken=token, output="1")[0] == "TaskTimedOut"


def test_failure_of_a_token_fails_the_execution(world: World) -> None:
    arn, token = waiting_for_token(world)
    world.client.send_task_failure(taskToken=token, error="Denied", cause="by a person")
    world.virtual_clock.run()
    outcome = Outcome(world, arn)
    assert (outcome.description["error"], outcome.description["cause"]) == ("Denied", "by a person")


def test_task_times_out_when_its_heartbeats_stop(world: World) -> None:
    arn, token = waiting_for_token(world, HeartbeatSeconds=60, TimeoutSeconds=9000)
    for _ in range(5):
        world.virtual_clock.advance(50)
        world.client.send_task_heartbeat(taskToken=token)
    world.virtual_clock.run()
    outcome = Outcome(world, arn)
    assert outcome.status == "FAILED"
    assert outcome.description["error"] == "States.Timeout"
    assert 250 < outcome.seconds < 320


def test_unknown_token_and_invalid_output_are_refused(world: World) -> None:
    assert error_of(world.client.send_task_success, taskToken="x", output="{}")[0] == "InvalidToken"
    _, token = waiting_for_token(world)
    assert error_of(world.client.send_task_success, taskToken=token, output="{")[0] == "InvalidOutput"


def test_time_out_of_the_input_ends_the_wait_and_its_token(world: World) -> None:
    fields = {
        "TimeoutSecondsPath": "$.seconds",
        "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "Late"}],
    }
    world.handlers["ask"] = lambda event, _: event
    ask = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {"FunctionName": "ask", "Payload": {"token.$": "$$.Task.Token"}},
        "End": True,
        **fields,
    }
    late = {"Type": "Pass", "Result": "late", "End": True}
    arn = world.start(world.create({"Ask": ask, "Late": late}), {"seconds": 600})
    world.virtual_clock.run()
    outcome = Outcome(world, arn)
    assert (outcome.output, 600 <= outcome.seconds < 610) == ("late", True)
    token = world.functions.invocations[-1][1]["token"]
    for send, arguments in (
        (world.client.send_task_success, {"output": "{}"}),
        (world.client.send_task_failure, {}),
        (world.client.send_task_heartbeat, {}),
    ):
        assert error_of(send, taskToken=token, **arguments)[0] == "TaskTimedOut"


def test_token_of_a_stopped_execution_has_timed_out(world: World) -> None:
    arn, token = waiting_for_token(world)
    world.client.stop_execution(executionArn=arn)
    assert error_of(world.client.send_task_success, taskToken=token, output="{}")[0] == "TaskTimedOut"


def test_retry_of_a_task_that_fails_has_a_new_token(world: World) -> None:
    """The function stores the token, and then fails; only the token of the repeated task ends the wait."""
    tokens: list[str] = []

    def ask(event: Any, _context: Any) -> None:
        tokens.append(event["token"])
        if len(tokens) == 1:
            raise ValueError("after the token was stored")

    retry = [{"ErrorEquals": ["ValueError"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    world.handlers["ask"] = ask
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {"FunctionName": "ask", "Payload": {"token.$": "$$.Task.Token"}},
        "Retry": retry,
        "End": True,
    }
    arn = world.start(world.create({"Ask": state}))
    world.virtual_clock.advance(5)
    first, second = tokens
    assert first != second
    assert error_of(world.client.send_task_success, taskToken=first, output="1")[0] == "TaskTimedOut"
    world.client.send_task_success(taskToken=second, output="2")
    world.virtual_clock.run()
    assert Outcome(world, arn).output == 2
