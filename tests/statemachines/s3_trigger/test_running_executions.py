"""What becomes of a running execution when a task's function, or the definition, is changed meanwhile.

Step Functions says: "Running executions will continue to use the previous definition and roleArn"
(UpdateStateMachine, API reference). Lambda runs what the ARN in the definition means when it is invoked:
without a qualifier the newest code, with a version what was published under it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from stepline.localaws.clock import VirtualClock
from tests.in_process_functions import InProcessFunctions
from tests.localaws.stepfunctions.service import build_stepfunctions
from tests.pipeline.clients import client_of

ROLE = "arn:aws:iam::000000000000:role/machine"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:task"
WAIT_SECONDS = 600


class PublishedFunctions(InProcessFunctions):
    """Versions are functions of their own: `task` is the newest code, `task:1` what was published first."""

    def invoke(self, *, FunctionName: str, **settings: Any) -> dict[str, Any]:
        name = FunctionName.partition(":function:")[2]
        return super().invoke(FunctionName=name.replace(":", "-v"), **settings)


def answering(text: str) -> Callable[[Any, Any], Any]:
    return lambda _event, _context: text


def machine(function: str, *, last: str = "Second") -> str:
    """Two tasks, and a long wait between them."""

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
        self.code = {"task": answering("old code")}
        self.service = build_stepfunctions(self.clock, lambda _service: PublishedFunctions(self.code))
        self.client = client_of(self.service)
        self.arn = ""

    def create(self, definition: str) -> None:
        self.arn = self.client.create_state_machine(name="m", definition=definition, roleArn=ROLE)[
            "stateMachineArn"
        ]

    def start(self) -> str:
        """An execution that has come to its Wait."""
        execution = str(self.client.start_execution(stateMachineArn=self.arn, input="{}")["executionArn"])
        self.clock.run(until=lambda: "Wait" in self.states(execution))
        return execution

    def end(self, execution: str) -> dict[str, str]:
        """What its tasks answered."""

        def described() -> Any:
            return self.client.describe_execution(executionArn=execution)

        self.clock.run(until=lambda: described()["status"] != "RUNNING")
        assert described()["status"] == "SUCCEEDED"
        output: dict[str, str] = json.loads(described()["output"])
        return output

    def states(self, execution: str) -> list[str]:
        events = self.client.get_execution_history(executionArn=execution)["events"]
        return [e["stateEnteredEventDetails"]["name"] for e in events if e["type"].endswith("StateEntered")]


@pytest.fixture
def world() -> Iterator[World]:
    built = World()
    yield built
    built.service.close()


def test_a_function_without_version_changes_under_a_running_execution(world: World) -> None:
    world.create(machine(FUNCTION))
    execution = world.start()
    world.code["task"] = answering("new code")
    assert world.end(execution) == {"first": "old code", "second": "new code"}


def test_a_version_stays_what_it_was(world: World) -> None:
    world.code["task-v1"] = answering("old code")
    world.create(machine(f"{FUNCTION}:1"))
    execution = world.start()
    world.code["task"] = world.code["task-v2"] = answering("new code")
    world.client.update_state_machine(stateMachineArn=world.arn, definition=machine(f"{FUNCTION}:2"))
    assert world.end(execution) == {"first": "old code", "second": "old code"}
    assert world.end(world.start()) == {"first": "new code", "second": "new code"}


def test_a_running_execution_keeps_its_definition(world: World) -> None:
    world.create(machine(FUNCTION))
    execution = world.start()
    world.client.update_state_machine(
        stateMachineArn=world.arn, definition=machine(FUNCTION, last="Another"), roleArn=f"{ROLE}-new"
    )
    assert world.states(execution) == ["First", "Wait"]
    world.end(execution)
    assert world.states(execution) == ["First", "Wait", "Second"]
    own = world.client.describe_state_machine_for_execution(executionArn=execution)
    assert (json.loads(own["definition"]), own["roleArn"]) == (json.loads(machine(FUNCTION)), ROLE)
    following = world.start()
    world.end(following)
    assert world.states(following) == ["First", "Wait", "Another"]


def test_a_redriven_execution_keeps_its_definition_too(world: World) -> None:
    """What failed because of the definition cannot be mended by changing it: start anew."""
    world.code["task"] = answering("fine")
    world.create(machine(FUNCTION))
    execution = world.start()
    world.client.stop_execution(executionArn=execution)
    world.client.update_state_machine(stateMachineArn=world.arn, definition=machine(FUNCTION, last="Another"))
    world.client.redrive_execution(executionArn=execution)
    world.end(execution)
    assert world.states(execution)[-1] == "Second"
