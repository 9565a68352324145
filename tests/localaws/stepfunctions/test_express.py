"""Express executions: started, run synchronously, and refused where only Standard ones are served."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from tests.in_process_functions import LambdaContext
from tests.localaws.stepfunctions.world import (
    PASS,
    World,
    error_of,
    task,
)


def test_express_execution_returns_its_output(world: World) -> None:
    world.handlers["f"] = lambda event, _: {"n": event["n"] + 1}
    arn = world.create({"Add": task("f")}, type="EXPRESS")
    response = world.client.start_sync_execution(stateMachineArn=arn, input='{"n": 1}', name="one")
    assert response["status"] == "SUCCEEDED"
    assert json.loads(response["output"]) == {"n": 2}
    assert response["executionArn"].startswith("arn:aws:states:us-east-1:000000000000:express:machine:one:")
    assert response["billingDetails"] == {"billedMemoryUsedInMB": 64, "billedDurationInMilliseconds": 100}
    assert world.events == []


def test_express_execution_fails_with_error_and_cause(world: World) -> None:
    arn = world.create({"Bad": {"Type": "Fail", "Error": "E", "Cause": "C"}}, type="EXPRESS")
    response = world.client.start_sync_execution(stateMachineArn=arn)
    assert (response["status"], response["error"], response["cause"]) == ("FAILED", "E", "C")
    assert "output" not in response


def test_express_execution_times_out_after_five_minutes(world: World) -> None:
    arn = world.create({"Wait": {"Type": "Wait", "Seconds": 900, "End": True}}, type="EXPRESS")
    response = world.client.start_sync_execution(stateMachineArn=arn)
    assert (response["status"], response["error"]) == ("TIMED_OUT", "States.Timeout")
    assert response["stopDate"] - response["startDate"] == timedelta(minutes=5)


def test_express_execution_can_run_in_a_task_of_another_machine(world: World) -> None:
    inner = world.create({"Wait": {"Type": "Wait", "Seconds": 20, "End": True}}, type="EXPRESS", name="inner")

    def call(event: Any, _context: LambdaContext) -> Any:
        response = world.client.start_sync_execution(stateMachineArn=inner, input=json.dumps(event))
        return response["status"]

    world.handlers["call"] = call
    outcome = world.run({"Call": task("call")}, name="outer")
    assert outcome.output == "SUCCEEDED"
    assert outcome.seconds == 20


def test_operations_of_the_other_machine_type_are_refused(world: World) -> None:
    express = world.create(PASS, type="EXPRESS", name="express")
    started = world.start(express)
    for call in (
        world.client.describe_execution,
        world.client.stop_execution,
        world.client.get_execution_history,
    ):
        assert error_of(call, executionArn=started) == (
            "InvalidArn",
            "Invalid Arn: 'Resource type not valid in this context: express'",
        )
    not_supported = (
        "StateMachineTypeNotSupported",
        "This operation is not supported by this type of state machine",
    )
    assert error_of(world.client.list_executions, stateMachineArn=express) == not_supported
    standard = world.create(PASS)
    assert error_of(world.client.start_sync_execution, stateMachineArn=standard) == not_supported


def test_express_execution_runs_in_real_time(real_world: World) -> None:
    arn = real_world.create(PASS, type="EXPRESS")
    assert real_world.client.start_sync_execution(stateMachineArn=arn, input="[1]")["output"] == "[1]"
