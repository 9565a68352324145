"""Scenario of log delivery, which is authorized when a state machine is created, updated and deleted."""

from __future__ import annotations

import json
import uuid
from typing import Any

from tests.iam.suites import Scenario
from tests.iam.system import ACCOUNT, System


def logged_machine_scenario(role: str, *, sample: bool = False) -> Scenario:
    """Return the scenario for a role: the system's own stack only creates its state machine."""

    def logged_machine_is_created_updated_and_deleted(system: System) -> None:
        role_stack = system.sample if sample else system
        name = f"iam-{uuid.uuid4().hex[:12]}"
        role_arn = f"arn:aws:iam::{ACCOUNT}:role/{role_stack.resources[role]}"
        stack_id = system.stack(name, _template(role_arn, "first"))
        system.assert_stack_status(stack_id, "CREATE_COMPLETE")
        cloudformation = system.client("cloudformation")
        cloudformation.update_stack(StackName=name, TemplateBody=json.dumps(_template(role_arn, "second")))
        system.assert_stack_status(stack_id, "UPDATE_COMPLETE")
        cloudformation.delete_stack(StackName=name)
        system.assert_stack_status(stack_id, "DELETE_COMPLETE")

    return logged_machine_is_created_updated_and_deleted


def _template(role_arn: str, comment: str) -> dict[str, Any]:
    definition = {"Comment": comment, "StartAt": "End", "States": {"End": {"Type": "Succeed"}}}
    group = {"LogGroupArn": {"Fn::GetAtt": ["Group", "Arn"]}}
    logging = {"Level": "ALL", "Destinations": [{"CloudWatchLogsLogGroup": group}]}
    properties = {
        "RoleArn": role_arn,
        "DefinitionString": json.dumps(definition),
        "LoggingConfiguration": logging,
    }
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    return {"Resources": {"Group": {"Type": "AWS::Logs::LogGroup"}, "Machine": machine}}
