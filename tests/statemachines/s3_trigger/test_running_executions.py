"""What a running execution uses when the function of a task, or the definition, is changed meanwhile.

Step Functions: "Running executions will continue to use the previous definition and roleArn"
(UpdateStateMachine, API reference). Lambda runs what the ARN in the definition means when it is invoked:
without a qualifier the newest code, with a version what was published under it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from stepline.localaws.clock import VirtualClock
from tests.fakes.clients import client_of
from tests.in_process_functions import InProcessFunctions
from tests.localaws.stepfunctions.service import build_stepfunctions
from tests.statemachines.execution import ROLE_ARN, read_execution

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:task"
WAIT_SECONDS = 600


class PublishedFunctions(InProcessFunctions):
    """Versions are functions of their own: `task` has the newest code, `task-v1` that of version 1."""

    def invoke(self, *, FunctionName: str, **settings: Any) -> dict[str, Any]:
        name = FunctionName.partition(":function:")[2]
        return super().invoke(FunctionName=name.replace(":", "-v"), **settings)


def returning(text: str) -> Callable[[Any, Any], Any]:
    return lambda _event, _context: text


def definition(function: str, *, last: str = "Second") -> str:
    """Return a state machine with two tasks and a long wait between them."""

    def task(key: str, following: dict[str, Any]) -> dict[str, Any]:
        return {"Type": "Task", "Resource": function, "ResultPath": f"$.{key}", **following}

    states = {
        "First": task("first", {"Next": "Wait"}),
        "Wait": {"Type": "Wait", "Seconds": WAIT_SECONDS, "Next": last},
        last: task("second", {"End": True}),
    }
    return json.dumps({"StartAt": "First", "States": states})


class World:
    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.code = {"task": returning("old code")}
        self.service = build_stepfunctions(self.clock, lambda _service: PublishedFunctions(self.code))
        self.client = client_of(self.service)
        self.arn = ""

    def create(self, text: str) -> None:
        created = self.client.create_state_machine(name="m", definition=text, roleArn=ROLE_ARN)
        self.arn = created["stateMachineArn"]

    def start(self) -> str:
        """Start an execution, run it until it waits, and return its ARN."""
        execution = str(self.client.start_execution(stateMachineArn=self.arn, input="{}")["executionArn"])
        self.clock.run(until=lambda: "Wait" in self.states(execution))
        return execution

    def finish(self, execution: str) -> dict[str, str]:
        """Run an execution to its end, and return the results of its tasks."""
        self.clock.run(until=lambda: read_execution(self.client, execution).status != "RUNNING")
        ended = read_execution(self.client, execution)
        assert ended.status == "SUCCEEDED"
        return dict(ended.output)

    def states(self, execution: str) -> list[str]:
        return read_execution(self.client, execution).states


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.service.close()


def test_unqualified_function_changes_for_a_running_execution(world: World) -> None:
    world.create(definition(FUNCTION))
    execution = world.start()
    world.code["task"] = returning("new code")
    assert world.finish(execution) == {"first": "old code", "second": "new code"}


def test_version_of_a_function_stays_for_a_running_execution(world: World) -> None:
    world.code["task-v1"] = returning("old code")
    world.create(definition(f"{FUNCTION}:1"))
    execution = world.start()
    world.code["task"] = world.code["task-v2"] = returning("new code")
    world.client.update_state_machine(stateMachineArn=world.arn, definition=definition(f"{FUNCTION}:2"))
    assert world.finish(execution) == {"first": "old code", "second": "old code"}
    assert world.finish(world.start()) == {"first": "new code", "second": "new code"}


def test_running_execution_keeps_its_definition(world: World) -> None:
    world.create(definition(FUNCTION))
    execution = world.start()
    world.client.update_state_machine(
        stateMachineArn=world.arn, definition=definition(FUNCTION, last="Another"), roleArn=f"{ROLE_ARN}-new"
    )
    assert world.states(execution) == ["First", "Wait"]
    world.finish(execution)
    assert world.states(execution) == ["First", "Wait", "Second"]
    own = world.client.describe_state_machine_for_execution(executionArn=execution)
    assert (json.loads(own["definition"]), own["roleArn"]) == (json.loads(definition(FUNCTION)), ROLE_ARN)
    following = world.start()
    world.finish(following)
    assert world.states(following) == ["First", "Wait", "Another"]


def test_redriven_execution_keeps_its_definition(world: World) -> None:
    """An execution that failed because of its definition must be started again, not redriven."""
    world.create(definition(FUNCTION))
    execution = world.start()
    world.client.stop_execution(executionArn=execution)
    world.client.update_state_machine(
        stateMachineArn=world.arn, definition=definition(FUNCTION, last="Another")
    )
    world.client.redrive_execution(executionArn=execution)
    world.finish(execution)
    assert world.states(execution)[-1] == "Second"
