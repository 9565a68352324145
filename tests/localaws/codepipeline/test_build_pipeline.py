"""A pipeline with builds, as a template: a push is built, and what was built is deployed."""

from __future__ import annotations

import io
import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.localaws.codepipeline.remote import new_name
from tests.localaws.running_server import Server
from tests.waiting import wait_for

SECONDS = 60.0
BUILDSPEC = """
version: 0.2
env:
  variables: {SIZE: "1"}
  exported-variables: [VERSION]
phases:
  build:
    commands:
      - VERSION=$(cat version.txt)
      - sed "s/@size@/$SIZE/" template.json > packaged.json
artifacts:
  files: [packaged.json]
"""
DEPLOYED = {
    "Resources": {
        "Value": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "@size@"}}
    },
    "Outputs": {"Name": {"Value": {"Ref": "Value"}}},
}
LOGS = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]


def role(service: str, actions: list[str], resource: Any = "*") -> dict[str, Any]:
    trust = {
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    }
    statement = {"Effect": "Allow", "Action": actions, "Resource": resource}
    policy = {"PolicyName": "p", "PolicyDocument": {"Statement": [statement]}}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": trust, "Policies": [policy]},
    }


def action(name: str, action_type: str, **members: Any) -> dict[str, Any]:
    category, provider = action_type.split("/")
    identifier = {"Category": category, "Owner": "AWS", "Provider": provider, "Version": "1"}
    return {"Name": name, "ActionTypeId": identifier, **members}


def template(name: str, *, pipeline_actions: list[str]) -> dict[str, Any]:
    stages = [
        [
            action(
                "Source",
                "Source/CodeCommit",
                Configuration={
                    "RepositoryName": name,
                    "BranchName": "main",
                    "PollForSourceChanges": False,
                },
                OutputArtifacts=[{"Name": "SourceOutput"}],
                Namespace="Source",
            )
        ],
        [
            action(
                "Build",
                "Build/CodeBuild",
                Configuration={
                    "ProjectName": {"Ref": "Project"},
                    "EnvironmentVariables": '[{"name":"SIZE","value":"2"}]',
                },
                InputArtifacts=[{"Name": "SourceOutput"}],
                OutputArtifacts=[{"Name": "Built"}],
                Namespace="Built",
            )
        ],
        [
            action(
                "Check",
                "Compute/Commands",
                Commands=["grep -c Resources packaged.json > checked.txt", "CHECKED=#{Built.VERSION}"],
                InputArtifacts=[{"Name": "Built"}],
                OutputArtifacts=[{"Name": "Checked", "Files": ["checked.txt"]}],
                OutputVariables=["CHECKED"],
            )
        ],
        [
            action(
                "Deploy",
                "Deploy/CloudFormation",
                Configuration={
                    "ActionMode": "CREATE_UPDATE",
                    "StackName": f"{name}-deployed",
                    "TemplatePath": "Built::packaged.json",
                    "RoleArn": {"Fn::GetAtt": ["DeployRole", "Arn"]},
                },
                InputArtifacts=[{"Name": "Built"}],
            )
        ],
    ]
    return {
        "Resources": {
            "Repository": {"Type": "AWS::CodeCommit::Repository", "Properties": {"RepositoryName": name}},
            "Artifacts": {"Type": "AWS::S3::Bucket"},
            "BuildRole": role("codebuild", [*LOGS, "s3:GetObject", "s3:PutObject"]),
            "DeployRole": role("cloudformation", ["ssm:*"]),
            "PipelineRole": role("codepipeline", pipeline_actions),
            "RuleRole": role("events", ["codepipeline:StartPipelineExecution"]),
            "Project": {
                "Type": "AWS::CodeBuild::Project",
                "Properties": {
                    "ServiceRole": {"Fn::GetAtt": ["BuildRole", "Arn"]},
                    "Source": {"Type": "CODEPIPELINE", "BuildSpec": BUILDSPEC},
                    "Artifacts": {"Type": "CODEPIPELINE"},
                    "Environment": {
                        "Type": "LINUX_CONTAINER",
                        "ComputeType": "BUILD_GENERAL1_SMALL",
                        "Image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
                        "PrivilegedMode": True,
                    },
                    "TimeoutInMinutes": "15",
                    "Tags": [{"Key": "stage", "Value": "dev"}],
                },
            },
            "Pipeline": {
                "Type": "AWS::CodePipeline::Pipeline",
                "Properties": {
                    "Name": name,
                    "PipelineType": "V2",
                    "RoleArn": {"Fn::GetAtt": ["PipelineRole", "Arn"]},
                    "ArtifactStore": {"Type": "S3", "Location": {"Ref": "Artifacts"}},
                    "Stages": [
                        {"Name": f"Stage{number}", "Actions": actions}
                        for number, actions in enumerate(stages)
                    ],
                },
            },
            "Rule": {
                "Type": "AWS::Events::Rule",
                "Properties": {
                    "EventPattern": {
                        "source": ["aws.codecommit"],
                        "resources": [{"Fn::GetAtt": ["Repository", "Arn"]}],
                    },
                    "Targets": [
                        {
                            "Id": "pipeline",
                            "Arn": {
                                "Fn::Sub": "arn:aws:codepipeline:${AWS::Region}:${AWS::AccountId}:${Pipeline}"
                            },
                            "RoleArn": {"Fn::GetAtt": ["RuleRole", "Arn"]},
                        }
                    ],
                },
            },
        },
        "Outputs": {"Project": {"Value": {"Fn::GetAtt": ["Project", "Arn"]}}},
    }


ALLOWED = [
    "s3:*",
    "codecommit:*",
    "codebuild:StartBuild",
    "codebuild:BatchGetBuilds",
    *LOGS,
    "cloudformation:*",
    "iam:PassRole",
]


class Application:
    """A stack with a pipeline, and a clone of its repository."""

    def __init__(self, server: Server, folder: Path, *, without: str = "") -> None:
        self.server = server
        self.name = new_name("build")
        self.folder = folder
        allowed = [action for action in ALLOWED if action != without]
        text = json.dumps(template(self.name, pipeline_actions=allowed))
        client = server.client("cloudformation")
        client.create_stack(StackName=self.name, TemplateBody=text, Capabilities=["CAPABILITY_IAM"])
        client.get_waiter("stack_create_complete").wait(
            StackName=self.name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )

    def push(self) -> None:
        url = f"http://127.0.0.1:{self.server.port}/v1/repos/{self.name}"
        (self.folder / "version.txt").write_text("1.2.3\n")
        (self.folder / "template.json").write_text(json.dumps(DEPLOYED))
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        self._git("init", "-q", "-b", "main")
        self._git("add", ".")
        self._git(*identity, "commit", "-q", "-m", "First")
        self._git("push", "-q", url, "main")

    def result(self) -> str:
        """Wait for the end of the latest execution, and return its status."""
        client = self.server.client("codepipeline")

        def status() -> str | None:
            found = client.list_pipeline_executions(pipelineName=self.name)["pipelineExecutionSummaries"]
            return found[0]["status"] if found and found[0]["status"] != "InProgress" else None

        return wait_for(status, self.actions, seconds=SECONDS)

    def actions(self) -> dict[str, dict[str, Any]]:
        details = self.server.client("codepipeline").list_action_executions(pipelineName=self.name)
        return {item["actionName"]: item["output"] for item in details["actionExecutionDetails"]}

    def _git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.folder, check=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "clone").mkdir()
    return tmp_path / "clone"


def test_push_is_built_checked_and_deployed(server: Server, folder: Path) -> None:
    application = Application(server, folder)
    application.push()
    assert application.result() == "Succeeded", application.actions()

    actions = application.actions()
    assert actions["Build"]["outputVariables"] == {"VERSION": "1.2.3"}
    assert actions["Check"]["outputVariables"] == {"CHECKED": "1.2.3"}
    stack = server.client("cloudformation").describe_stacks(StackName=f"{application.name}-deployed")
    parameter = stack["Stacks"][0]["Outputs"][0]["OutputValue"]
    assert server.client("ssm").get_parameter(Name=parameter)["Parameter"]["Value"] == "2"
    assert read_artifact(server, actions["Check"]) == {"checked.txt": b"1\n"}

    build_id = actions["Build"]["executionResult"]["externalExecutionId"]
    (build,) = server.client("codebuild").batch_get_builds(ids=[build_id])["builds"]
    assert build["initiator"] == f"codepipeline/{application.name}"
    assert build["source"]["type"] == "CODEPIPELINE"
    assert len(build["resolvedSourceVersion"]) == 40
    assert (build["timeoutInMinutes"], build["environment"]["privilegedMode"]) == (15, True)
    logs = server.client("logs")
    group = f"/aws/codepipeline/{application.name}"
    (stream,) = logs.describe_log_streams(logGroupName=group)["logStreams"]
    assert actions["Check"]["executionResult"]["logStreamARN"].endswith(stream["logStreamName"])
    events = logs.get_log_events(
        logGroupName=build["logs"]["groupName"], logStreamName=build["logs"]["streamName"]
    )["events"]
    assert any("Entering phase BUILD" in event["message"] for event in events)


@pytest.mark.parametrize("missing", ["codebuild:StartBuild", "codebuild:BatchGetBuilds"])
def test_pipeline_without_permission_fails(server: Server, folder: Path, missing: str) -> None:
    application = Application(server, folder, without=missing)
    application.push()
    assert application.result() == "Failed"
    details = application.actions()["Build"]["executionResult"]["errorDetails"]
    assert details["code"] == "PermissionError"
    assert missing in details["message"]


def test_project_of_a_stack_is_updated_and_deleted(server: Server) -> None:
    name = new_name("project")
    client = server.client("cloudformation")
    resources = template(name, pipeline_actions=ALLOWED)["Resources"]
    kept = {key: resources[key] for key in ("BuildRole", "Project")}
    text = json.dumps({"Resources": kept})
    client.create_stack(StackName=name, TemplateBody=text, Capabilities=["CAPABILITY_IAM"])
    client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    project = client.describe_stack_resource(StackName=name, LogicalResourceId="Project")
    project_name = project["StackResourceDetail"]["PhysicalResourceId"]
    client.update_stack(
        StackName=name, TemplateBody=text.replace('"15"', '"30"'), Capabilities=["CAPABILITY_IAM"]
    )
    client.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    codebuild = server.client("codebuild")
    (found,) = codebuild.batch_get_projects(names=[project_name])["projects"]
    assert (found["timeoutInMinutes"], found["tags"]) == (30, [{"key": "stage", "value": "dev"}])
    client.delete_stack(StackName=name)
    client.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    assert codebuild.batch_get_projects(names=[project_name])["projectsNotFound"] == [project_name]


def read_artifact(server: Server, output: dict[str, Any]) -> dict[str, bytes]:
    place = output["outputArtifacts"][0]["s3location"]
    body = server.client("s3").get_object(Bucket=place["bucket"], Key=place["key"])["Body"].read()
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
