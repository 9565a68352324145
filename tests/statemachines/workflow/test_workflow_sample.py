"""The sample's workflow: its definition, its executions, and what template and definition say twice."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from stepline.deployment.template import read_template
from stepline.localaws.clock import VirtualClock
from stepline.workflow.managed_machines import list_managed_machines
from tests.localaws.stepfunctions.service import build_stepfunctions
from tests.statemachines import asl_rules
from tests.statemachines.fake_client import FakeAwsError, FakeService, fake_client

FOLDER = Path(__file__).parents[3] / "statemachines/workflow"
ASL: dict[str, Any] = json.loads((FOLDER / "sample.asl.json").read_text())
SAMPLE = read_template(FOLDER / "sample.yaml")
UPDATER = read_template(FOLDER / "template.yaml")
MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:sample"


class Parameters(FakeService):
    def get_parameter(self, *, Name: str) -> dict[str, Any]:
        if Name != "the-greeting":
            raise FakeAwsError("ParameterNotFound", "", 400)
        return {"Parameter": {"Name": Name, "Value": "Hello"}}


def execution_of(parameter: str) -> Any:
    clock = VirtualClock()
    service = build_stepfunctions(clock, lambda name: fake_client(name, Parameters()))
    definition = json.dumps(ASL).replace("${GreetingParameterName}", parameter)
    service.create_state_machine(
        {"name": "sample", "definition": definition, "roleArn": "arn:aws:iam::000000000000:role/r"}
    )
    started = service.start_execution({"stateMachineArn": MACHINE, "name": "one", "input": '{"name": "you"}'})
    clock.run(max_steps=1_000)
    answer: Any = service.describe_execution({"executionArn": started["executionArn"]})
    service.close()
    return answer


def test_the_definition_keeps_the_rules() -> None:
    assert asl_rules.violations(ASL) == []


def test_it_greets() -> None:
    ended = execution_of("the-greeting")
    assert json.loads(ended["output"]) == {"message": "Hello, you"}


def test_it_tells_why_it_cannot() -> None:
    ended = execution_of("no-greeting")
    assert (ended["status"], "ParameterNotFound" in ended["error"]) == ("FAILED", True)


def test_the_template_has_what_the_macro_and_the_definition_ask_for() -> None:
    uses = list_managed_machines(SAMPLE, UPDATER["Parameters"]["MacroName"]["Default"])
    (use,) = uses.values()
    assert {use.key_parameter, use.version_parameter} <= SAMPLE["Parameters"].keys()
    properties = SAMPLE["Resources"][use.logical_id]["Properties"]
    assert set(re.findall(r"\$\{(\w+)\}", json.dumps(ASL))) <= properties["DefinitionSubstitutions"].keys()


@pytest.mark.parametrize("parameter", ["WorkflowStackNames", "StateMachineNames", "StateMachineRoleNames"])
def test_the_updater_is_made_for_the_sample(parameter: str) -> None:
    """Machine and role are named as the stack, and the stack as `stepline up --with workflow` names it."""
    assert UPDATER["Parameters"][parameter]["Default"] == "stepline-workflow-sample"
    stack = {"Ref": "AWS::StackName"}
    assert SAMPLE["Resources"]["Workflow"]["Properties"]["StateMachineName"] == stack
    assert SAMPLE["Resources"]["WorkflowRole"]["Properties"]["RoleName"] == stack
