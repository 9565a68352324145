"""Log delivery of a state machine: asked for when a machine of the role is made, changed and deleted."""

from __future__ import annotations

import json
import uuid
from typing import Any

from tests.iam.proofs import Way
from tests.iam.system import ACCOUNT, REGION, System


def logged_machine_of(role: str, *, sample: bool = False) -> Way:
    """A way: a machine under the role, which in the system's own stack is only made."""

    def logged_machine_lives_and_goes(system: System) -> None:
        of_role = system.sample if sample else system
        name = f"iam-{uuid.uuid4().hex[:12]}"
        role_arn = f"arn:aws:iam::{ACCOUNT}:role/{of_role.resources[role]}"
        stack_id = system.stack(name, _template(role_arn, "first"))
        system.stack_must_be(stack_id, "CREATE_COMPLETE")
        cloudformation = system.client("cloudformation")
        cloudformation.update_stack(StackName=name, TemplateBody=json.dumps(_template(role_arn, "second")))
        system.stack_must_be(stack_id, "UPDATE_COMPLETE")
        cloudformation.delete_stack(StackName=name)
        system.stack_must_be(stack_id, "DELETE_COMPLETE")

    return logged_machine_lives_and_goes


def _template(role_arn: str, comment: str) -> dict[str, Any]:
    definition = {"Comment": comment, "StartAt": "End", "States": {"End": {"Type": "Succeed"}}}
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/iam:*"
    logging = {"Level": "ALL", "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": group}}]}
    properties = {
        "RoleArn": role_arn,
        "DefinitionString": json.dumps(definition),
        "LoggingConfiguration": logging,
    }
    return {"Resources": {"Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}}}
