"""Pipelines of a user's own templates, on the local AWS."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.local_aws import LocalAws
from tests.waiting import wait_for

pytestmark = [pytest.mark.xdist_group("local_aws")]


def _template(**changes: Any) -> dict[str, Any]:
    """Return a template with a source and an approval that notifies a topic."""
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "codepipeline.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    return {
        "Resources": {
            "Bucket": {
                "Type": "AWS::S3::Bucket",
                "Properties": {"VersioningConfiguration": {"Status": "Enabled"}},
            },
            "Topic": {"Type": "AWS::SNS::Topic"},
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "AssumeRolePolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": changes.pop("trust", trust),
                    },
                    "Policies": [
                        {"PolicyName": "all", "PolicyDocument": {"Version": "2012-10-17", "Statement": allow}}
                    ],
                },
            },
            "Pipeline": {
                "Type": "AWS::CodePipeline::Pipeline",
                "Properties": {
                    "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                    "ArtifactStores": [
                        {
                            "Region": {"Ref": "AWS::Region"},
                            "ArtifactStore": {"Type": "S3", "Location": {"Ref": "Bucket"}},
                        }
                    ],
                    "Stages": [
                        _stage(
                            "Source",
                            "Source",
                            "S3",
                            {
                                "S3Bucket": {"Ref": "Bucket"},
                                "S3ObjectKey": "app.zip",
                                "PollForSourceChanges": "false",  # the tests start the executions
                            },
                        ),
                        _stage("Review", "Approval", "Manual", {"NotificationArn": {"Ref": "Topic"}}),
                    ],
                    **changes,
                },
            },
        },
        "Outputs": {name: {"Value": {"Ref": name}} for name in ("Bucket", "Topic", "Pipeline")},
    }


def _stage(name: str, category: str, provider: str, configuration: Any) -> dict[str, Any]:
    action = {
        "Name": name,
        "ActionTypeId": {"Category": category, "Owner": "AWS", "Provider": provider, "Version": "1"},
        "Configuration": configuration,
        "OutputArtifacts": [{"Name": "App"}] if category == "Source" else [],
    }
    return {"Name": name, "Actions": [action]}


class Stack:
    def __init__(self, local: LocalAws) -> None:
        self.name = f"pipelines-{uuid.uuid4().hex[:8]}"
        self._cloudformation = local.client("cloudformation")

    def create(self, template: dict[str, Any]) -> dict[str, str]:
        """Create the stack, wait, and return its outputs."""
        self._cloudformation.create_stack(**self._arguments(template))
        return self._outputs("CREATE_COMPLETE")

    def update(self, template: dict[str, Any]) -> None:
        self._cloudformation.update_stack(**self._arguments(template))
        self._outputs("UPDATE_COMPLETE")

    def delete(self) -> None:
        self._cloudformation.delete_stack(StackName=self.name)

    def failure(self, template: dict[str, Any]) -> str:
        """Create the stack, and return the reason of the pipeline's failure."""
        self._cloudformation.create_stack(**self._arguments(template))

        def find() -> str | None:
            events = self._cloudformation.describe_stack_events(StackName=self.name)["StackEvents"]
            failed = [event for event in events if event["ResourceStatus"] == "CREATE_FAILED"]
            return next(
                (e["ResourceStatusReason"] for e in failed if e["LogicalResourceId"] == "Pipeline"), None
            )

        return wait_for(find, lambda: "the pipeline was created")

    def _arguments(self, template: dict[str, Any]) -> dict[str, Any]:
        return {
            "StackName": self.name,
            "TemplateBody": json.dumps(template),
            "Capabilities": ["CAPABILITY_IAM"],
        }

    def _outputs(self, expected: str) -> dict[str, str]:
        def find() -> dict[str, Any] | None:
            stack: dict[str, Any] = self._cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]
            return None if stack["StackStatus"].endswith("IN_PROGRESS") else stack

        stack = wait_for(find, lambda: f"{self.name} is not ready")
        assert stack["StackStatus"] == expected, stack
        return {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}


@pytest.fixture
def stack(local_aws: LocalAws) -> Iterator[Stack]:
    stack = Stack(local_aws)
    yield stack
    stack.delete()


def test_role_that_codepipeline_may_not_assume_fails_the_stack(stack: Stack) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    reason = stack.failure(_template(trust=trust))
    assert "CodePipeline is not authorized to perform AssumeRole on role arn:aws:iam::" in reason


def test_tags_and_transitions_of_a_pipeline_are_updated(local_aws: LocalAws, stack: Stack) -> None:
    pipelines = local_aws.client("codepipeline")
    off = [{"StageName": "Review", "Reason": "not yet"}]
    tags = [{"Key": "team", "Value": "a"}, {"Key": "old", "Value": "1"}]
    name = stack.create(_template(Tags=tags, DisableInboundStageTransitions=off))["Pipeline"]
    first = pipelines.get_pipeline(name=name)
    (_, review) = pipelines.get_pipeline_state(name=name)["stageStates"]
    assert review["inboundTransitionState"]["disabledReason"] == "not yet"

    stack.update(_template(Tags=[{"Key": "team", "Value": "b"}]))

    arn = first["metadata"]["pipelineArn"]
    listed = {tag["key"]: tag["value"] for tag in pipelines.list_tags_for_resource(resourceArn=arn)["tags"]}
    assert (listed["team"], "old" in listed) == ("b", False)
    (_, review) = pipelines.get_pipeline_state(name=name)["stageStates"]
    assert review["inboundTransitionState"]["enabled"]
    assert pipelines.get_pipeline(name=name)["pipeline"]["version"] == first["pipeline"]["version"]


def test_pipeline_restarts_on_update_and_notifies_the_reviewers(local_aws: LocalAws, stack: Stack) -> None:
    pipelines, sqs = local_aws.client("codepipeline"), local_aws.client("sqs")
    outputs = stack.create(_template())
    name = outputs["Pipeline"]
    archive = {"Bucket": outputs["Bucket"], "Key": "app.zip", "Body": b"PK\x05\x06" + bytes(18)}
    written = local_aws.client("s3").put_object(**archive, ServerSideEncryption="aws:kms")
    assert written["SSEKMSKeyId"].endswith(":alias/aws/s3")  # the role may read it without a key
    queue = sqs.create_queue(QueueName=stack.name)["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    local_aws.client("sns").subscribe(TopicArn=outputs["Topic"], Protocol="sqs", Endpoint=queue_arn)

    template = _template(RestartExecutionOnUpdate=True)
    template["Resources"]["Pipeline"]["Properties"]["Stages"][1]["Actions"][0]["Configuration"][
        "CustomData"
    ] = "look"
    stack.update(template)

    def message() -> dict[str, Any] | None:
        messages = sqs.receive_message(QueueUrl=queue).get("Messages")
        return json.loads(json.loads(messages[0]["Body"])["Message"]) if messages else None

    approval = wait_for(message, lambda: "no message")["approval"]
    assert (approval["pipelineName"], approval["customData"]) == (name, "look")
    pipelines.put_approval_result(
        pipelineName=name,
        stageName="Review",
        actionName="Review",
        result={"summary": "fine", "status": "Approved"},
        token=approval["token"],
    )
    (execution,) = pipelines.list_pipeline_executions(pipelineName=name)["pipelineExecutionSummaries"]
    assert execution["status"] == "Succeeded"
    sqs.delete_queue(QueueUrl=queue)


def test_approval_is_answered_by_the_shown_command(local_aws: LocalAws, stack: Stack) -> None:
    outputs = stack.create(_template())
    name = outputs["Pipeline"]
    local_aws.client("s3").put_object(Bucket=outputs["Bucket"], Key="app.zip", Body=b"PK\x05\x06" + bytes(18))
    local_aws.client("codepipeline").start_pipeline_execution(name=name)

    def shown() -> list[str]:
        lines = local_aws.stepline("status", name).stdout.splitlines()
        return [line for line in lines if f" reject {name} " in line]

    (command,) = wait_for(shown, lambda: "no approval waits")
    _, arguments = command.split(" reject ")
    result = local_aws.stepline("reject", *arguments.split(), "--comment", "not now")
    assert result.stdout == f"✓ Rejected Review / Review of pipeline {name}\n", result.stderr
    assert "not now" in local_aws.stepline("watch", name).stdout
    assert "no approval waits in pipeline" in local_aws.stepline("approve", name).stderr


def test_git_shows_which_pipeline_a_push_starts(local_aws: LocalAws, tmp_path: Path) -> None:
    repository = local_aws.client("codecommit").get_repository(repositoryName="stepline-app")
    url = repository["repositoryMetadata"]["cloneUrlHttp"]
    local_aws.git("init", "--quiet", "--initial-branch=topic", cwd=tmp_path)
    local_aws.git("commit", "--quiet", "--allow-empty", "--message", "a change", cwd=tmp_path)
    result = subprocess.run(
        ["git", "push", url, "topic"],
        cwd=tmp_path,
        env=local_aws.environment,
        capture_output=True,
        check=True,
    )
    message = b"remote: Branch topic starts no pipeline; branch main starts pipeline stepline."
    assert message in result.stderr
