"""Who needs cloudformation:CreateChangeSet on a transform: the service role, or without one the caller."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.localaws.cloudformation.deployments import Deployment, resources
from tests.localaws.running_server import Server

TEMPLATE = {"Transform": "AWS::LanguageExtensions", **resources(Topic=("AWS::SNS::Topic", {}))}
TRANSFORM = "arn:aws:cloudformation:us-east-1:aws:transform/LanguageExtensions"


def allow(action: str | list[str], resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


CALLER = [allow("cloudformation:*", "arn:aws:cloudformation:*:*:stack/*"), allow("iam:PassRole", "*")]
WITHOUT_TRANSFORM = [allow("sns:*", "*")]


def create_role(server: Server, name: str, statements: list[dict[str, Any]], **principal: str) -> str:
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}],
    }
    iam = server.client("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy)
    return str(arn)


def change_set(server: Server, name: str, **arguments: str) -> Mapping[str, Any]:
    """Create a change set as a role that may do nothing with transforms, and return its description."""
    role = create_role(server, f"{name}-caller", CALLER, AWS="000000000000")
    keys = server.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    client = server.client(
        "cloudformation",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    client.create_change_set(
        StackName=name,
        ChangeSetName="c",
        ChangeSetType="CREATE",
        TemplateBody=json.dumps(TEMPLATE),
        Capabilities=["CAPABILITY_AUTO_EXPAND"],
        **arguments,
    )
    found: Mapping[str, Any] = client.describe_change_set(StackName=name, ChangeSetName="c")
    return found


def test_service_role_needs_the_permission_and_its_caller_does_not(
    server: Server, deployment: Deployment
) -> None:
    """As in the pipelines that `sam pipeline init` writes."""
    role = create_role(
        server, f"{deployment.name}-service", [allow("*", "*")], Service="cloudformation.amazonaws.com"
    )
    assert change_set(server, deployment.name, RoleARN=role)["Status"] == "CREATE_COMPLETE"


@pytest.mark.parametrize("with_role", [True, False])
def test_change_set_fails_without_the_permission(
    server: Server, deployment: Deployment, *, with_role: bool
) -> None:
    service = f"{deployment.name}-service"
    arguments = {}
    if with_role:
        principal = {"Service": "cloudformation.amazonaws.com"}
        arguments["RoleARN"] = create_role(server, service, WITHOUT_TRANSFORM, **principal)
    found = change_set(server, deployment.name, **arguments)
    denied = service if with_role else f"{deployment.name}-caller"
    assert found["Status"] == "FAILED"
    assert f"assumed-role/{denied}/" in found["StatusReason"]
    assert TRANSFORM in found["StatusReason"]
