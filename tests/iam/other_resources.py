"""State machines, an input bucket, a role and a macro that parameters of the application name."""

from __future__ import annotations

import contextlib
import json
import uuid
from typing import Any

from tests.iam.system import ACCOUNT, REGION, System

INPUT_BUCKET = "iam-inputs"
MACRO = "IamMacro"
OTHER_ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/iam-other-application"
_MACRO_FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:iam-macro"
TARGET_ACCOUNT = "222222222222"
TARGET_ROLE_ARN = f"arn:aws:iam::{TARGET_ACCOUNT}:role/iam-target"
OTHER_MACHINES = {"iam-standard": "STANDARD", "iam-express": "EXPRESS"}
PARAMETERS = {
    "OtherStateMachineArns": ",".join(
        f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{name}" for name in OTHER_MACHINES
    ),
    "InputBucketName": INPUT_BUCKET,
    "OtherApplicationRoleArns": OTHER_ROLE_ARN,
    "TargetRoleArns": TARGET_ROLE_ARN,
    "MacroFunctionArns": _MACRO_FUNCTION_ARN,
}
_KEY_ALIAS = "alias/iam-inputs"
_ROLE = "iam-other-machines"
_MACRO_TEMPLATE: dict[str, Any] = {
    "Resources": {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {
                    "Statement": {
                        "Effect": "Allow",
                        "Principal": {"Service": "lambda.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                    }
                },
                "ManagedPolicyArns": ["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"],
            },
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": _MACRO_FUNCTION_ARN.rpartition(":")[2],
                "Runtime": "python3.13",
                "Handler": "index.handler",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Code": {
                    "ZipFile": "def handler(event, context):\n    return event | {'status': 'success'}\n"
                },
            },
        },
        "Macro": {
            "Type": "AWS::CloudFormation::Macro",
            "Properties": {"Name": MACRO, "FunctionName": {"Fn::GetAtt": ["Function", "Arn"]}},
        },
    }
}
_STATES: dict[str, Any] = {
    "STANDARD": {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}},
    # The output is the input, or what the input has as its output.
    "EXPRESS": {
        "Has Output?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.output", "IsPresent": True, "Next": "Output"}],
            "Default": "Input",
        },
        "Output": {"Type": "Pass", "OutputPath": "$.output", "End": True},
        "Input": {"Type": "Pass", "End": True},
    },
}


def create_input_bucket(system: System) -> dict[str, str]:
    """Create the bucket, unless it exists. Return the parameter with its key."""
    key_arn = _key(system)
    s3 = system.client("s3")
    s3.create_bucket(Bucket=INPUT_BUCKET)
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key_arn}
    s3.put_bucket_encryption(
        Bucket=INPUT_BUCKET,
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]},
    )
    return {"InputBucketKeyArn": key_arn}


def create_other_resources(system: System) -> dict[str, str]:
    """Create them, unless they exist. Return the parameter with the key of the bucket."""
    created = create_input_bucket(system)
    role_arn = _role(system, _ROLE, "states")
    _role(system, OTHER_ROLE_ARN.rpartition("/")[2], "cloudformation", "PowerUserAccess")
    create_target_role(system)
    _create_macro(system)
    for name, machine_type in OTHER_MACHINES.items():
        states = _STATES[machine_type]
        definition = {"StartAt": next(iter(states)), "States": states}
        system.client("stepfunctions").create_state_machine(
            name=name, type=machine_type, roleArn=role_arn, definition=json.dumps(definition)
        )
    return created


def create_target_role(system: System) -> dict[str, str]:
    """Create a role of another account with all permissions, unless it exists. Return no parameters."""
    iam = system.client_of(TARGET_ACCOUNT, "iam")
    principal = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    trust = {"Effect": "Allow", "Principal": principal, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    name = TARGET_ROLE_ARN.rpartition("/")[2]
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    document = json.dumps({"Statement": [everything]})
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=document)
    return {}


def target() -> dict[str, Any]:
    """Return a target of its own: functions keep the credentials of a role with the same session tags."""
    tags = {"Run": uuid.uuid4().hex}
    return {"target": {"region": "eu-west-1", "roleArn": TARGET_ROLE_ARN, "sessionTags": tags}}


def _key(system: System) -> str:
    """Return the ARN of the key, whose use the account's IAM policies decide."""
    kms = system.client("kms")
    try:
        found: str = kms.describe_key(KeyId=_KEY_ALIAS)["KeyMetadata"]["Arn"]
    except kms.exceptions.NotFoundException:
        found = kms.create_key()["KeyMetadata"]["Arn"]
        kms.create_alias(AliasName=_KEY_ALIAS, TargetKeyId=found)
    return found


def _role(system: System, name: str, service: str, policy: str = "") -> str:
    principal = {"Service": f"{service}.amazonaws.com"}
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    iam = system.client("iam")
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    if policy:
        iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def _create_macro(system: System) -> None:
    """Create a macro that returns the template as it is."""
    cloudformation = system.client("cloudformation")
    with contextlib.suppress(cloudformation.exceptions.AlreadyExistsException):
        system.stack("macro", _MACRO_TEMPLATE)
