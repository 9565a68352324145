"""One way through the Deploy state machine, described in a file of `deploy_cases/`.

{
  "why":            what the case shows
  "stack":          {"status", "resources"?} as somebody left it; absent: there is none
  "resources":      changes to BASE's resources in the template that is pushed (null removes one)
  "template":       instead: the pushed template's text
  "padding":        so many characters more in the template: above 51,200 it goes through S3
  "input":          more members of the input (null removes one)
  "configuration":  content of the template configuration
  "cloudformation": attributes of FakeCloudFormation, for example {"hangs": true}
  "faults":         [{"operation", "on": [1], "code", "message", "status"?, "acted"?}] of CloudFormation or S3
  "functionFaults": [{"function", "on": [1], "error", "acted"?}]
  "interference":   [{"before": an operation, "on"?: its how-manieth call, "somebody": "updates" | "deletes" |
                      "creates" | "sets" | "deletes change sets" | "never ends", "status"?}]
  "missingFunction": a function that is not deployed
  "path":           the states, as `machine.Run.path` writes them
  "outcome":        {"output": {...}} or {"error": name, "cause": [parts of it], "end": the Fail state}
  "after":          {"status"?, "stacks"?, "changeSets"?, "policy"?, "tags"?, "calls"?: {operation: count}}
}
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from tests.statemachines.fake_client import FakeAwsError, Fault
from tests.statemachines.machine import INPUT, FunctionFault, Machine, Run

CASES = Path(__file__).parent / "deploy_cases"
STACK_NAME = "dev-app"
BASE: dict[str, Any] = {
    "Parameters": {"EnvironmentName": {}, "Size": {"Default": "1"}},
    "Resources": {
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"Name": "q", "Size": {"Ref": "Size"}}},
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"Name": "t"}},
    },
    "Outputs": {
        "Environment": {"Value": {"Ref": "EnvironmentName"}},
        "Size": {"Value": {"Ref": "Size"}},
    },
}
_S3_OPERATIONS = {"GetObject", "PutObject", "DeleteObject"}


def names() -> list[str]:
    return sorted(path.stem for path in CASES.glob("*.json"))


def load(name: str) -> dict[str, Any]:
    case: dict[str, Any] = json.loads((CASES / f"{name}.json").read_text())
    return case


def merged(base: Any, patch: Any) -> Any:
    """`base` with the members of `patch`; null removes one."""
    if not isinstance(base, dict) or not isinstance(patch, dict):
        return patch
    keys = [*base, *(key for key in patch if key not in base)]
    return {
        key: merged(base.get(key), patch[key]) if key in patch else base[key]
        for key in keys
        if not (key in patch and patch[key] is None)
    }


def template(resources: Any) -> dict[str, Any]:
    result: dict[str, Any] = merged(BASE, {"Resources": resources or {}})
    return result


def _pushed(case: dict[str, Any]) -> dict[str, Any]:
    padding = {"Metadata": {"Padding": "x" * case["padding"]}} if "padding" in case else {}
    return template(case.get("resources")) | padding


def prepare(machine: Machine, case: dict[str, Any]) -> dict[str, Any]:
    """Set the scene; the execution's input."""
    _set_up_stack(machine, case)
    _set_up_faults(machine, case)
    for name, value in case.get("cloudformation", {}).items():
        assert hasattr(machine.cloudformation, name), name
        setattr(machine.cloudformation, name, value)
    files = {"template.json": case.get("template") or json.dumps(_pushed(case))}
    document: dict[str, Any] = merged(INPUT, case.get("input", {}))
    if "configuration" in case:
        files["configuration.json"] = json.dumps(case["configuration"])
        document["templateConfigurationPath"] = "configuration.json"
    machine.push(files)
    return document


def run(machine: Machine, case: dict[str, Any]) -> Run:
    return machine.run(prepare(machine, case))


def _set_up_stack(machine: Machine, case: dict[str, Any]) -> None:
    stack = case.get("stack")
    if stack is None:
        return
    body = template(stack.get("resources")) if stack["status"] != "REVIEW_IN_PROGRESS" else {}
    added = machine.cloudformation.add_stack(
        STACK_NAME, stack["status"], body, {"EnvironmentName": "dev"} if body else None
    )
    added.protected = stack.get("protected", False)
    if stack.get("then"):
        machine.clock.call_later(
            stack.get("seconds", 25),
            functools.partial(machine.cloudformation.somebody_sets, STACK_NAME, stack["then"]),
        )


def _set_up_faults(machine: Machine, case: dict[str, Any]) -> None:
    for fault in case.get("faults", []):
        service = machine.s3 if fault["operation"] in _S3_OPERATIONS else machine.cloudformation
        error = FakeAwsError(fault["code"], fault.get("message", "no message"), fault.get("status", 400))
        service.faults.append(
            Fault(fault["operation"], tuple(fault["on"]), error, acted=fault.get("acted", False))
        )
    for fault in case.get("functionFaults", []):
        machine.function_faults.append(
            FunctionFault(fault["function"], tuple(fault["on"]), fault["error"], fault.get("acted", False))
        )
    if "missingFunction" in case:
        machine.remove_function(case["missingFunction"])
    for item in case.get("interference", []):
        service = machine.s3 if item["before"] in _S3_OPERATIONS else machine.cloudformation
        moment = item["before"], item.get("on", 1)
        service.interference[moment] = functools.partial(_interfere, machine, item)


def _interfere(machine: Machine, item: dict[str, Any]) -> None:
    cloudformation = machine.cloudformation
    if item["somebody"] == "updates":
        cloudformation.somebody_updates(STACK_NAME)
    elif item["somebody"] == "deletes":
        cloudformation.somebody_deletes(STACK_NAME)
    elif item["somebody"] == "creates":
        cloudformation.add_stack(STACK_NAME, item["status"], template({}), {"EnvironmentName": "dev"})
    elif item["somebody"] == "deletes change sets":
        cloudformation.change_sets.clear()
    elif item["somebody"] == "never ends":
        cloudformation.hangs = True
    else:
        cloudformation.somebody_sets(STACK_NAME, item["status"])
