"""The sample's workflow: its definition, its executions, and what its template and definition share."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, ClassVar

import pytest

from stepline.deployment.template import read_template
from stepline.localaws.clock import VirtualClock
from stepline.localaws.protocol import AwsError, Params
from stepline.workflow.managed_machines import list_managed_machines
from tests.fakes.clients import client_of
from tests.fakes.service import FakeService
from tests.localaws.stepfunctions.service import build_stepfunctions
from tests.statemachines import asl_rules

FOLDER = Path(__file__).parents[3] / "statemachines/workflow"
ASL: dict[str, Any] = json.loads((FOLDER / "sample.asl.json").read_text())
SAMPLE = read_template(FOLDER / "sample.yaml")
UPDATER = read_template(FOLDER / "template.yaml")
MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:sample"


class Parameters(FakeService):
    service_name: ClassVar[str] = "ssm"

    def get_parameter(self, *, Name: str) -> Params:
        if Name != "the-greeting":
            raise AwsError(code="ParameterNotFound", status=400)
        return {"Parameter": {"Name": Name, "Value": "Hello"}}


def run(parameter: str) -> Any:
    clock = VirtualClock()
    service = build_stepfunctions(clock, lambda _service: client_of(Parameters()))
    values = {"Partition": "aws", "GreetingParameterName": parameter}
    definition = re.sub(r"\$\{(\w+)\}", lambda match: values[match[1]], json.dumps(ASL))
    service.create_state_machine(
        {"name": "sample", "definition": definition, "roleArn": "arn:aws:iam::000000000000:role/r"}
    )
    started = service.start_execution({"stateMachineArn": MACHINE, "name": "one", "input": '{"name": "you"}'})
    clock.run(max_steps=1_000)
    execution: Any = service.describe_execution({"executionArn": started["executionArn"]})
    service.close()
    return execution


def test_definition_follows_the_rules() -> None:
    assert asl_rules.violations(ASL) == []


def test_execution_returns_the_greeting() -> None:
    execution = run("the-greeting")
    assert json.loads(execution["output"]) == {"message": "Hello, you"}


def test_execution_without_the_parameter_fails_with_the_error_of_systems_manager() -> None:
    execution = run("no-greeting")
    assert execution["status"] == "FAILED"
    assert "ParameterNotFound" in execution["error"]


def test_template_declares_all_parameters_and_substitutions() -> None:
    uses = list_managed_machines(SAMPLE, UPDATER["Parameters"]["MacroName"]["Default"])
    (use,) = uses.values()
    assert {use.key_parameter, use.version_parameter} <= SAMPLE["Parameters"].keys()
    properties = SAMPLE["Resources"][use.logical_id]["Properties"]
    assert set(re.findall(r"\$\{(\w+)\}", json.dumps(ASL))) <= properties["DefinitionSubstitutions"].keys()


@pytest.mark.parametrize("parameter", ["WorkflowStackNames", "StateMachineNames", "StateMachineRoleNames"])
def test_default_parameters_of_the_updater_are_those_of_the_sample(parameter: str) -> None:
    """Machine and role are named as the stack, and the stack as `stepline up --with workflow` names it."""
    assert UPDATER["Parameters"][parameter]["Default"] == "stepline-workflow-sample"
    stack = {"Ref": "AWS::StackName"}
    assert SAMPLE["Resources"]["Workflow"]["Properties"]["StateMachineName"] == stack
    assert SAMPLE["Resources"]["WorkflowRole"]["Properties"]["RoleName"] == stack
