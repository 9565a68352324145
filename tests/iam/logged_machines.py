"""Scenario of log delivery, which is authorized when a state machine is created, updated and deleted."""

from __future__ import annotations

import json
import uuid
from typing import Any

from tests.iam.suites import Scenario
from tests.iam.system import ACCOUNT, System


def logged_machine_scenario(*roles: str, sample: bool = False) -> Scenario:
    """Return the scenario for these roles: the system's own stack only creates its state machines."""

    def logged_machine_is_created_updated_and_deleted(system: System) -> None:
        resources = (system.sample if sample else system).resources
        arns = [f"arn:aws:iam::{ACCOUNT}:role/{resources[role]}" for role in roles]
        name = f"iam-{uuid.uuid4().hex[:12]}"
        stack_id = system.stack(name, _template(arns, "first"))
        system.assert_stack_status(stack_id, "CREATE_COMPLETE")
        cloudformation = system.client("cloudformation")
        cloudformation.update_stack(StackName=name, TemplateBody=json.dumps(_template(arns, "second")))
        system.assert_stack_status(stack_id, "UPDATE_COMPLETE")
        cloudformation.delete_stack(StackName=name)
        system.assert_stack_status(stack_id, "DELETE_COMPLETE")

    return logged_machine_is_created_updated_and_deleted


def _template(role_arns: list[str], comment: str) -> dict[str, Any]:
    definition = {"Comment": comment, "StartAt": "End", "States": {"End": {"Type": "Succeed"}}}
    group = {"LogGroupArn": {"Fn::GetAtt": ["Log", "Arn"]}}
    logging = {"Level": "ALL", "Destinations": [{"CloudWatchLogsLogGroup": group}]}
    resources: dict[str, Any] = {"Log": {"Type": "AWS::Logs::LogGroup"}}
    for number, role_arn in enumerate(role_arns):
        resources[f"Machine{number}"] = {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {
                "RoleArn": role_arn,
                "DefinitionString": json.dumps(definition),
                "LoggingConfiguration": logging,
            },
        }
    return {"Resources": resources}
