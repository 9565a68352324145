"""Pipelines whose roles have the permissions of AWS's own samples, and no others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localaws.codepipeline.remote import RemotePipeline, action, new_name

DEFAULT_POLICY: list[dict[str, Any]] = [
    {
        "Effect": "Allow",
        "Action": [
            f"cloudformation:{name}"
            for name in (
                "CreateStack",
                "DeleteStack",
                "DescribeStacks",
                "UpdateStack",
                "CreateChangeSet",
                "DeleteChangeSet",
                "DescribeChangeSet",
                "ExecuteChangeSet",
                "SetStackPolicy",
                "ValidateTemplate",
            )
        ],
        "Resource": "*",
    },
    {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"},
    {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:GetObjectVersion", "s3:GetBucketVersioning", "s3:PutObject"],
        "Resource": "*",
    },
]
"""https://docs.aws.amazon.com/codepipeline/latest/userguide/how-to-custom-role.html, what CloudFormation and
S3 need of the policy that CodePipeline wrote until 2024."""


def template(resource_type: str = "AWS::SNS::Topic") -> dict[str, str]:
    return {"template.json": json.dumps({"Resources": {"Topic": {"Type": resource_type}}})}


def deploy(name: str, stack: str, mode: str, **changes: Any) -> dict[str, Any]:
    configuration = {"StackName": stack, "ActionMode": mode, **changes.pop("configuration", {})}
    return action(name, "Deploy/CloudFormation", configuration, **changes)


@pytest.fixture
def stack_role(remote: RemotePipeline) -> str:
    allow_topics = [{"Effect": "Allow", "Action": "sns:*", "Resource": "*"}]
    return remote.create_role(new_name("role"), "cloudformation", allow_topics)


def test_default_policy_deploys_stacks_and_change_sets(remote: RemotePipeline, stack_role: str) -> None:
    """It has neither cloudformation:DescribeStackEvents nor s3:GetBucketLocation and GetBucketAcl."""
    source = {"TemplatePath": "Source::template.json", "RoleArn": stack_role}
    change_set = {"ChangeSetName": "release"}
    stack = new_name("stack")
    remote.create(
        [
            deploy("Deploy", stack, "CREATE_UPDATE", configuration=source),
            deploy("Create", f"{stack}-2", "CHANGE_SET_REPLACE", configuration={**source, **change_set}),
        ],
        [deploy("Execute", f"{stack}-2", "CHANGE_SET_EXECUTE", configuration=change_set, inputArtifacts=[])],
        statements=DEFAULT_POLICY,
    )
    remote.run(template())

    stacks = remote.server.client("cloudformation").describe_stacks()["Stacks"]
    status = {item["StackName"]: item["StackStatus"] for item in stacks}
    assert status[stack] == "CREATE_COMPLETE"
    assert status[f"{stack}-2"] == "CREATE_COMPLETE"


def test_stack_that_fails_fails_the_action_without_its_events(
    remote: RemotePipeline, stack_role: str
) -> None:
    configuration = {"TemplatePath": "Source::template.json", "RoleArn": stack_role}
    declared = deploy("Deploy", new_name("stack"), "CREATE_UPDATE", configuration=configuration)
    remote.create([declared], statements=DEFAULT_POLICY)
    remote.run(template("AWS::SQS::Queue"), expected="Failed")
    assert "ROLLBACK_COMPLETE" in remote.error("Deploy")


def test_role_of_the_pipeline_as_role_of_an_action_is_not_assumed_again(remote: RemotePipeline) -> None:
    """Its trust policy names CodePipeline only, so it cannot assume itself."""
    own = f"arn:aws:iam::000000000000:role/{remote.name}"
    remote.create([deploy("Delete", new_name("stack"), "DELETE_ONLY", inputArtifacts=[], roleArn=own)])
    remote.run(template())


def test_another_role_that_does_not_trust_the_pipeline_is_refused(
    remote: RemotePipeline, stack_role: str
) -> None:
    declared = deploy("Delete", new_name("stack"), "DELETE_ONLY", inputArtifacts=[], roleArn=stack_role)
    with pytest.raises(ClientError, match="is not authorized to perform AssumeRole"):
        remote.create([declared])
