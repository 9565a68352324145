"""The CDK example with more actions: one that reads a variable, a Lambda action, and all parameters."""

from __future__ import annotations

from typing import Any

from examples.cdk.app import app
from stepline.cdk import StateMachineAction, find_trigger

PARAMETERS: dict[str, Any] = {
    "state_machine": "migration",
    "input": {"tables": ["customers"]},
    "parameters": {"tables": ["customers", "orders", "prices"]},
    "output_variables": {"count": "rows"},
    "on_stop": "LeaveRunning",
    "timeout_minutes": 30,
}
REFUSED: tuple[tuple[dict[str, Any], str], ...] = (
    ({"input": {}, "input_file": "a.json"}, "only one of input, input_file can be given"),
    ({"input": {"text": "a" * 1_000}}, "Input would have 1,011 characters"),
)


def add_actions(stack: Any) -> None:
    stage = stack.node.find_child("Pipeline").stage("Migrate")
    trigger = find_trigger(stack, "Trigger")
    first = StateMachineAction(
        action_name="Custom", retry="Redrive", variables_namespace="Custom", run_order=2, **PARAMETERS
    )
    stage.add_action(first)
    stage.add_action(
        StateMachineAction(
            action_name="Lambda", trigger=trigger, variables_namespace="Lambda", run_order=2, **PARAMETERS
        )
    )
    stage.add_action(
        StateMachineAction(
            action_name="Reader",
            input={"tables": [first.variable("count")]},
            variables_namespace="Reader",
            run_order=3,
        )
    )
    for parameters, message in (*REFUSED, ({"retry": "Redrive", "trigger": trigger}, "retry belongs to")):
        check_refusal(parameters, message)


def check_refusal(parameters: dict[str, Any], message: str) -> None:
    try:
        StateMachineAction(action_name="Refused", **parameters)
    except ValueError as error:
        if message in str(error):
            return
        raise
    raise AssertionError(f"not refused: {message}")


add_actions(app.node.find_child("migration"))
app.synth(force=True)
