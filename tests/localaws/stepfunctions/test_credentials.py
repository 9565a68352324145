"""Tasks with `Credentials`: Step Functions assumes their role with the role of the state machine.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-access-cross-acct-resources.html
"""

from __future__ import annotations

import json
from typing import Any

from stepline.localaws.clock import VirtualClock
from stepline.localaws.iam import Actor, current_actor
from tests.fakes.clients import client_of
from tests.in_process_functions import InProcessFunctions
from tests.localaws.stepfunctions.service import build_stepfunctions
from tests.statemachines.execution import ROLE_ARN

_ROLE = "arn:aws:iam::222222222222:role/other"


def test_task_uses_the_role_of_its_credentials_and_the_next_one_that_of_the_machine() -> None:
    actors: list[Actor | None] = []

    def record(_event: Any, _context: Any) -> dict[str, Any]:
        actors.append(current_actor())
        return {}

    functions = InProcessFunctions({"Record": record})
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": functions.arn("Record"), "Payload": {}},
        "ResultPath": None,
    }
    states = {
        "Literal": {**task, "Credentials": {"RoleArn": _ROLE}, "Next": "Path"},
        "Path": {**task, "Credentials": {"RoleArn.$": "$.role"}, "Next": "Without"},
        "Without": {**task, "End": True},
    }
    clock = VirtualClock()
    service = build_stepfunctions(clock, lambda _service: functions)
    client = client_of(service)
    definition = json.dumps({"StartAt": "Literal", "States": states})
    machine = client.create_state_machine(name="m", definition=definition, roleArn=ROLE_ARN)[
        "stateMachineArn"
    ]
    execution = client.start_execution(stateMachineArn=machine, input=json.dumps({"role": f"{_ROLE}-2"}))
    clock.run(
        until=lambda: client.describe_execution(executionArn=execution["executionArn"])["status"] != "RUNNING"
    )
    service.close()
    own = Actor("states.amazonaws.com", ROLE_ARN, "m", external_id=machine)
    assumed = [
        Actor("states.amazonaws.com", role, "m", via=ROLE_ARN, external_id=machine)
        for role in (_ROLE, f"{_ROLE}-2")
    ]
    assert actors == [*assumed, own]
