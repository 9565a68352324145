"""GetTemplateSummary returns the capabilities that CreateStack requires."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localaws.running_server import Server

ROLE = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}}
POLICY = {"Type": "AWS::IAM::Policy", "Properties": {"PolicyName": "p", "PolicyDocument": {}, "Roles": ["r"]}}
QUEUE = {"Type": "AWS::SQS::Queue"}
NAMED = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "r", "AssumeRolePolicyDocument": {}}}
EMBEDDED = {"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": "s3://bucket/key"}}}


def refusal(client: Any, template: str, capabilities: list[str]) -> str:
    """Return why CreateStack refuses the template; blank if not for its capabilities."""
    try:
        client.create_stack(StackName="capabilities", TemplateBody=template, Capabilities=capabilities)
    except ClientError as error:
        if error.response["Error"]["Code"] == "InsufficientCapabilitiesException":
            return str(error.response["Error"]["Message"])
    return ""


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (QUEUE, []),
        (ROLE, ["CAPABILITY_IAM"]),
        (POLICY, ["CAPABILITY_IAM"]),  # its name is not that of a resource
        (NAMED, ["CAPABILITY_NAMED_IAM"]),
    ],
)
def test_summary_has_the_capabilities_that_a_creation_requires(
    server: Server, resource: dict[str, Any], expected: list[str]
) -> None:
    client, template = server.client("cloudformation"), json.dumps({"Resources": {"A": resource}})
    summary = client.get_template_summary(TemplateBody=template)
    validated = client.validate_template(TemplateBody=template)
    assert summary.get("Capabilities", []) == validated.get("Capabilities", []) == expected
    for capability in expected:
        reason = f"The following resource(s) require capabilities: [{resource['Type']}]"
        assert summary["CapabilitiesReason"] == reason
        assert refusal(client, template, []) == f"Requires capabilities : [{capability}]"


@pytest.mark.parametrize("section", [{"Transform": "AWS::Include"}, {"Metadata": EMBEDDED}])
def test_macro_requires_its_capability(server: Server, section: dict[str, Any]) -> None:
    client, template = server.client("cloudformation"), json.dumps({"Resources": {"A": QUEUE}, **section})
    assert client.get_template_summary(TemplateBody=template)["Capabilities"] == ["CAPABILITY_AUTO_EXPAND"]


def test_named_iam_includes_iam(server: Server) -> None:
    template = json.dumps({"Resources": {"A": ROLE}})
    assert refusal(server.client("cloudformation"), template, ["CAPABILITY_NAMED_IAM"]) == ""
