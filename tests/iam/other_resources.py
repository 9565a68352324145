"""State machines and an input bucket that parameters of the application name."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from tests.iam.system import ACCOUNT, REGION, System

INPUT_BUCKET = "iam-inputs"
OTHER_MACHINES = {"iam-standard": "STANDARD", "iam-express": "EXPRESS"}
PARAMETERS = {
    "OtherStateMachineArns": ",".join(
        f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{name}" for name in OTHER_MACHINES
    ),
    "InputBucketName": INPUT_BUCKET,
}
_ROLE = "iam-other-machines"
_STATES: dict[str, Any] = {
    "STANDARD": {"Type": "Wait", "Seconds": 60, "End": True},
    "EXPRESS": {"Type": "Pass", "End": True},
}


def create_other_resources(system: System) -> None:
    """Create the state machines and the bucket, unless they exist."""
    system.client("s3").create_bucket(Bucket=INPUT_BUCKET)
    role_arn = _role(system)
    for name, machine_type in OTHER_MACHINES.items():
        definition = {"StartAt": "Only", "States": {"Only": _STATES[machine_type]}}
        system.client("stepfunctions").create_state_machine(
            name=name, type=machine_type, roleArn=role_arn, definition=json.dumps(definition)
        )


def _role(system: System) -> str:
    principal = {"Service": "states.amazonaws.com"}
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    iam = system.client("iam")
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=_ROLE, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    return f"arn:aws:iam::{ACCOUNT}:role/{_ROLE}"
