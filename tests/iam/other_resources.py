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
_KEY_ALIAS = "alias/iam-inputs"
_ROLE = "iam-other-machines"
_STATES: dict[str, Any] = {
    "STANDARD": {"Type": "Wait", "Seconds": 60, "End": True},
    "EXPRESS": {"Type": "Pass", "End": True},
}


def create_other_resources(system: System) -> dict[str, str]:
    """Create the state machines, the bucket and its key, unless they exist. Return the key's parameter."""
    key_arn = _key(system)
    s3 = system.client("s3")
    s3.create_bucket(Bucket=INPUT_BUCKET)
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key_arn}
    s3.put_bucket_encryption(
        Bucket=INPUT_BUCKET,
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]},
    )
    role_arn = _role(system)
    for name, machine_type in OTHER_MACHINES.items():
        definition = {"StartAt": "Only", "States": {"Only": _STATES[machine_type]}}
        system.client("stepfunctions").create_state_machine(
            name=name, type=machine_type, roleArn=role_arn, definition=json.dumps(definition)
        )
    return {"InputBucketKeyArn": key_arn}


def _key(system: System) -> str:
    """Return the ARN of the key, whose use the account's IAM policies decide."""
    kms = system.client("kms")
    try:
        found: str = kms.describe_key(KeyId=_KEY_ALIAS)["KeyMetadata"]["Arn"]
    except kms.exceptions.NotFoundException:
        found = kms.create_key()["KeyMetadata"]["Arn"]
        kms.create_alias(AliasName=_KEY_ALIAS, TargetKeyId=found)
    return found


def _role(system: System) -> str:
    principal = {"Service": "states.amazonaws.com"}
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    iam = system.client("iam")
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=_ROLE, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    return f"arn:aws:iam::{ACCOUNT}:role/{_ROLE}"
