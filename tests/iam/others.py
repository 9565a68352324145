"""The same application, deployed with other state machines and an input bucket among its parameters."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from stepline.deployment import stack
from tests.iam.permissions import TEMPLATE
from tests.iam.system import ACCOUNT, REGION, STACK, System
from tests.iam.ways import INPUT_BUCKET, OTHER_MACHINES

_ROLE = "iam-other-machines"
_STATES: dict[str, Any] = {
    "STANDARD": {"Type": "Wait", "Seconds": 60, "End": True},
    "EXPRESS": {"Type": "Pass", "End": True},
}


def deploy_with_others(system: System) -> None:
    """Make the machines and the bucket, and update the stack. May be done again."""
    system.client("s3").create_bucket(Bucket=INPUT_BUCKET)
    role_arn = _role(system)
    for name, kind in OTHER_MACHINES.items():
        definition = {"StartAt": "Only", "States": {"Only": _STATES[kind]}}
        system.client("stepfunctions").create_state_machine(
            name=name, type=kind, roleArn=role_arn, definition=json.dumps(definition)
        )
    arns = ",".join(f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{name}" for name in OTHER_MACHINES)
    stack.deploy(
        TEMPLATE,
        stack_name=STACK,
        session=system.session,
        endpoint_url=system.endpoint_url,
        parameters={"OtherStateMachineArns": arns, "InputBucketName": INPUT_BUCKET},
        report=lambda _line: None,
    )
    system.__dict__.pop("resources", None)  # there are more now


def _role(system: System) -> str:
    principal = {"Service": "states.amazonaws.com"}
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    iam = system.client("iam")
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=_ROLE, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    return f"arn:aws:iam::{ACCOUNT}:role/{_ROLE}"
