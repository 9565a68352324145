"""Executions of the Deploy state machine, each described in a file of `cases/`.

{
  "why":            what the case shows
  "stack":          {"status", "resources"?, "protected"?} that exists; none by default. "then": the status
                    that another process gives it after "seconds" (25). "name"; "tags" and "roleArn": by
                    default those of a stack that this pipeline deploys
  "resources":      changes to BASE's resources in the template that is pushed (null removes one)
  "template":       the text of the pushed template, instead
  "padding":        characters that the template is longer: above 51,200 bytes it goes through S3
  "input":          further members of the input (null removes one)
  "configuration":  content of the template configuration
  "cloudformation": attributes of FakeCloudFormation, for example {"hangs": true}
  "faults":         [{"operation", "on": [1], "code", "message", "status"?, "acted"?}] of an AWS service
  "functionFaults": [{"function", "on": [1], "error", "acted"?}] of Lambda functions
  "interference":   [{"before": operation, "on"?: number of its call, "change", "status"?}] by another
  process;
                    "change" is "create", "update", "delete", "set status", "delete change sets" or "hang"
  "missingFunction": a function that is not deployed
  "environment":    variables of the functions
  "trigger":        that of the pipeline execution, {"triggerType", "triggerDetail"}
  "answers":        [{"after": seconds, "decision": "approve" or "reject", "by"?: ARN, "reason"?,
                    "once"?: true}] to each request for approval, or only to the first message
  "path":           the states, as `path.py` writes them
  "expected":       {"output": {...}} or {"error": name, "cause": [parts of it]}
  "answered":       what the approvers are answered, statuses or the beginnings of errors
  "after":          {"status"?, "stacks"?, "changeSets"?, "policy"?, "tags"?, "calls"?: {operation: count}}
}
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol
from unittest import mock

from statemachines.deploy.ownership import OWNER_TAG
from stepline.localaws.clock import VirtualClock
from stepline.localaws.protocol import AwsError
from tests.cases import merged, read_case
from tests.fakes.cloudformation.change_sets import FakeCloudFormation
from tests.fakes.dynamodb import FakeDynamoDb
from tests.fakes.notifications import FakeCloudWatch, FakeSns
from tests.fakes.s3 import FakeS3
from tests.fakes.service import Calls, Fault
from tests.statemachines.approvals.approvers import Approvers
from tests.statemachines.deploy.machine import ENVIRONMENT, INPUT, DeployExecution, Machine

CASES = Path(__file__).parent / "cases"
STACK_NAME = "dev-app"
OWN_TAGS = {OWNER_TAG: ENVIRONMENT["PIPELINE_STACK_NAME"]}
OWN_ROLE_ARN = ENVIRONMENT["CLOUDFORMATION_ROLE_ARN"]
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
"""The template that the cases change."""


class Deployment(Protocol):
    """What a case is arranged in: a `Machine`, or the simulation of a whole pipeline."""

    clock: VirtualClock
    s3: FakeS3
    cloudformation: FakeCloudFormation
    sns: FakeSns
    codepipeline: Any
    approvers: Approvers
    dynamodb: FakeDynamoDb
    cloudwatch: FakeCloudWatch
    function_calls: Calls

    def push(self, files: Mapping[str, str | bytes]) -> None: ...
    def remove_function(self, name: str) -> None: ...


def names() -> list[str]:
    return sorted(path.stem for path in CASES.glob("*.json"))


def load(name: str) -> dict[str, Any]:
    case: dict[str, Any] = read_case(CASES / f"{name}.json")
    return case


def template(resources: Any) -> dict[str, Any]:
    result: dict[str, Any] = merged(BASE, {"Resources": resources or {}})
    return result


def stack_name(case: dict[str, Any]) -> str:
    return _name_of(case.get("stack", {}))


def _name_of(stack: dict[str, Any]) -> str:
    name: str = stack.get("name", STACK_NAME)
    return name


def run(machine: Machine, case: dict[str, Any]) -> DeployExecution:
    with mock.patch.dict(os.environ, case.get("environment", {})):
        return machine.run(prepare(machine, case))


def prepare(deployment: Deployment, case: dict[str, Any]) -> dict[str, Any]:
    """Arrange what the case describes, and return the execution's input."""
    _add_stack(deployment, case.get("stack"))
    _plan_faults(deployment, case)
    deployment.approvers.answers = case.get("answers", ())
    if "trigger" in case:
        deployment.codepipeline.trigger = case["trigger"]
    for item in case.get("interference", []):
        moment = item["before"], item.get("on", 1)
        change = functools.partial(_interfere, deployment.cloudformation, item)
        _service_of(deployment, item["before"]).interference[moment] = change
    for name, value in case.get("cloudformation", {}).items():
        assert hasattr(deployment.cloudformation, name), name
        setattr(deployment.cloudformation, name, value)
    files = {"template.json": case.get("template") or json.dumps(_pushed_template(case))}
    document: dict[str, Any] = merged(INPUT, case.get("input", {}))
    if "configuration" in case:
        files["configuration.json"] = json.dumps(case["configuration"])
        document["templateConfigurationPath"] = "configuration.json"
    deployment.push(files)
    return document


def _pushed_template(case: dict[str, Any]) -> dict[str, Any]:
    padding = {"Metadata": {"Padding": "x" * case["padding"]}} if "padding" in case else {}
    return template(case.get("resources")) | padding


def _add_stack(deployment: Deployment, stack: dict[str, Any] | None) -> None:
    if stack is None:
        return
    body = template(stack.get("resources")) if stack["status"] != "REVIEW_IN_PROGRESS" else {}
    cloudformation = deployment.cloudformation
    name = _name_of(stack)
    added = cloudformation.add_stack(
        name,
        stack["status"],
        body,
        {"EnvironmentName": "dev"} if body else None,
        tags=stack.get("tags", OWN_TAGS),
        role_arn=stack.get("roleArn", OWN_ROLE_ARN),
    )
    added.protected = stack.get("protected", False)
    if "then" in stack:
        change = functools.partial(_set_status, cloudformation, name, stack["then"])
        deployment.clock.call_later(stack.get("seconds", 25), change)


def _set_status(cloudformation: FakeCloudFormation, name: str, status: str) -> None:
    if cloudformation.stack_named(name):  # a simulation may have deleted it
        cloudformation.set_stack_status(name, status)


def _plan_faults(deployment: Deployment, case: dict[str, Any]) -> None:
    for fault in case.get("faults", []):
        error: Exception = AwsError(
            fault.get("message", "no message"), code=fault["code"], status=fault.get("status", 400)
        )
        service = _service_of(deployment, fault["operation"])
        service.faults.append(Fault(fault["operation"], fault["on"], error, fault.get("acted", False)))
    for fault in case.get("functionFaults", []):
        error = type(fault["error"], (Exception,), {})("the function broke")
        deployment.function_calls.faults.append(
            Fault(fault["function"], fault["on"], error, fault.get("acted", False))
        )
    if "missingFunction" in case:
        deployment.remove_function(case["missingFunction"])


def _service_of(deployment: Deployment, operation: str) -> Calls:
    services: dict[str, Calls] = {
        "Publish": deployment.sns,
        "PutMetricData": deployment.cloudwatch,
        "GetPipelineExecution": deployment.codepipeline,
        **dict.fromkeys(("UpdateItem", "GetItem"), deployment.dynamodb),
    }
    default = deployment.s3 if operation.endswith("Object") else deployment.cloudformation
    return services.get(operation, default)


def _interfere(cloudformation: FakeCloudFormation, item: dict[str, Any]) -> None:
    match item["change"]:
        case "create":
            if cloudformation.stack_named(STACK_NAME):
                cloudformation.set_stack_status(STACK_NAME, "DELETE_COMPLETE")
            cloudformation.add_stack(
                STACK_NAME,
                item["status"],
                template({}),
                {"EnvironmentName": "dev"},
                tags=item.get("tags", OWN_TAGS),
                role_arn=item.get("roleArn", OWN_ROLE_ARN),
            )
        case "update":
            cloudformation.update_by_another_process(STACK_NAME)
        case "delete":
            cloudformation.set_stack_status(STACK_NAME, "DELETE_COMPLETE")
        case "set status":
            stack = cloudformation.existing_stack(STACK_NAME)
            if not stack.template:  # its first change set is executed
                stack.template, stack.parameters = template({}), {"EnvironmentName": "dev", "Size": "1"}
            cloudformation.set_stack_status(STACK_NAME, item["status"])
        case "delete change sets":
            cloudformation.delete_change_sets()
        case "hang":
            cloudformation.hangs = True
        case unknown:
            raise AssertionError(f"unknown change: {unknown}")
