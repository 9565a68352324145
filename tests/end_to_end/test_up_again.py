"""`stepline up` on a running local AWS: its stacks are updated, and what it has stays."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.local_aws import LocalAws

pytestmark = [pytest.mark.xdist_group("local_aws")]

STACK = "own"
FUNCTION = {
    "Type": "AWS::Serverless::Function",
    "Properties": {
        "FunctionName": "own-greet",
        "Runtime": "python3.13",
        "Handler": "greet.handler",
        "CodeUri": "code",
    },
}


class Project:
    """A template of the user's own with a repository and a function, deployed as the stack `own`."""

    def __init__(self, local_aws: LocalAws, folder: Path) -> None:
        self.local_aws = local_aws
        self.folder = folder
        self.template: dict[str, Any] = {
            "Transform": "AWS::Serverless-2016-10-31",
            "Parameters": {"Greeting": {"Type": "String", "Default": "hello"}},
            "Resources": {
                "Repository": {
                    "Type": "AWS::CodeCommit::Repository",
                    "Properties": {"RepositoryName": "own-repository"},
                },
                "Setting": _setting({"Ref": "Greeting"}),
                "Greet": FUNCTION,
            },
            "Outputs": {"Greeting": {"Value": {"Fn::GetAtt": ["Setting", "Value"]}}},
        }
        (folder / "code").mkdir()
        self.write_handler("hello")

    def write_handler(self, answer: str) -> None:
        (self.folder / "code" / "greet.py").write_text(
            f"def handler(event, context):\n    return {answer!r}\n"
        )

    def add_system(self, name: str) -> None:
        folder = self.folder / "statemachines" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "template.yaml").write_text(json.dumps({"Resources": {"Setting": _setting(name)}}))

    def up(self, *options: str, exit_code: int = 0) -> str:
        """Deploy, and return the output of the command."""
        (self.folder / "template.yaml").write_text(json.dumps(self.template))
        command = [sys.executable, "-m", "stepline", "up", "--no-check", "--stack-name", STACK, *options]
        result = subprocess.run(
            [*command, "--port", str(self.local_aws.port)],
            cwd=self.folder,
            env=self.local_aws.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert result.returncode == exit_code, result.stdout + result.stderr
        return result.stdout + result.stderr

    def invoke(self) -> Any:
        response = self.local_aws.client("lambda").invoke(FunctionName="own-greet")
        return json.loads(response["Payload"].read())

    def output(self, stack_name: str = STACK) -> dict[str, str]:
        (stack,) = self.local_aws.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}

    def commit_file(self) -> str:
        response = self.local_aws.client("codecommit").put_file(
            repositoryName="own-repository", branchName="main", filePath="a", fileContent=b"a"
        )
        return str(response["commitId"])


def _setting(value: object) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}


@pytest.fixture
def project(local_aws: LocalAws, tmp_path: Path) -> Project:
    return Project(local_aws, tmp_path)


def test_stacks_are_updated_and_keep_what_they_have(project: Project) -> None:
    assert f"Stack {STACK} is created" in project.up()
    commit = project.commit_file()
    assert project.invoke() == "hello"
    assert f"Stack {STACK} is unchanged" in project.up()

    project.write_handler("changed")
    assert project.invoke() == "changed"  # without any command

    project.template["Resources"]["Other"] = _setting("b")
    output = project.up("--parameter", "Greeting=good morning")
    changes = [line.strip() for line in output.splitlines() if line.startswith("    ")]
    assert changes == [
        "~ Greet (AWS::Lambda::Function)",
        "+ Other (AWS::SSM::Parameter)",
        "~ Setting (AWS::SSM::Parameter)",
    ]
    assert project.invoke() == "changed"

    project.template["Parameters"]["Greeting"]["Default"] = "good night"
    del project.template["Resources"]["Other"]
    assert "    - Other (AWS::SSM::Parameter)" in project.up()
    assert project.output() == {"Greeting": "good morning"}

    project.template["Resources"].pop("Repository")
    assert "the update would remove Repository (AWS::CodeCommit::Repository)" in project.up(exit_code=1)
    branch = project.local_aws.client("codecommit").get_branch(
        repositoryName="own-repository", branchName="main"
    )
    assert branch["branch"]["commitId"] == commit


def test_new_default_of_a_parameter_is_used(project: Project) -> None:
    project.template["Resources"] = {"Setting": _setting({"Ref": "Greeting"})}
    project.up("--stack-name", "own-defaults")
    project.template["Parameters"]["Greeting"]["Default"] = "good night"
    project.up("--stack-name", "own-defaults")
    assert project.output("own-defaults") == {"Greeting": "good night"}


def test_systems_are_added_and_updated(project: Project) -> None:
    project.template["Resources"] = {"Setting": _setting("a")}
    project.template["Outputs"] = {}
    options = ("--stack-name", "own-systems")
    project.up(*options)
    project.add_system("one")
    project.add_system("two")
    output = project.up(*options, "--with", "one")
    assert "Stack own-systems is unchanged" in output
    assert "Stack own-systems-one is created" in output
    output = project.up(*options, "--with", "two")
    assert "Stack own-systems-one is unchanged" in output
    assert "Stack own-systems-two is created" in output


def test_stack_whose_creation_failed_is_created_again(project: Project) -> None:
    project.template["Resources"] = {"Setting": {"Type": "AWS::SSM::Parameter", "Properties": {}}}
    project.template["Outputs"] = {}
    options = ("--stack-name", "own-failed")
    project.up(*options, exit_code=1)
    project.template["Resources"] = {"Setting": _setting("a")}
    assert "Stack own-failed is created" in project.up(*options)


def test_region_of_the_running_local_aws_is_not_changed(project: Project) -> None:
    output = project.up("--region", "eu-west-1", exit_code=1)
    assert "has the region us-east-1: leave out --region, or use another --port" in output
