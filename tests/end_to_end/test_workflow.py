"""The workflow updater as its users see it: a developer with one role, git, and who is in charge."""

from __future__ import annotations

import configparser
import json
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.end_to_end.local_aws import LocalAws
from tests.git.repositories import WorkingTree
from tests.iam.scenarios_workflow import developer
from tests.iam.system import System

pytestmark = pytest.mark.xdist_group("systems")

UPDATER, SAMPLE = "stepline-workflow", "stepline-workflow-sample"
MACHINE = f"arn:aws:states:us-east-1:000000000000:stateMachine:{SAMPLE}"
TEMPLATE = Path(__file__).parents[2] / "statemachines/workflow"


def definition(state: str = "Only", **members: Any) -> str:
    """A new one with each call."""
    only = {"Type": "Pass", "Comment": uuid.uuid4().hex, "End": True, **members}
    return json.dumps({"StartAt": state, "States": {state: only}})


@dataclass(frozen=True)
class Developer:
    """Whoever has the developers' role, by a profile, and nothing else."""

    aws: LocalAws
    client: Callable[[str], Any]
    outputs: dict[str, str]

    def deploy(self, file: Path, *words: str) -> subprocess.CompletedProcess[str]:
        return self.aws.stepline(
            "workflow", "deploy", str(file), "--stack", SAMPLE, "--profile", "developer", *words
        )

    def change_set(self, name: str = "stepline-workflow-test", **request: Any) -> str:
        """Make one; its status and why. `request` is merged over what the command asks for."""
        template = {"TemplateURL": f"{self.outputs['TemplateUrlPrefix']}{SAMPLE}.template"}
        if "TemplateBody" in request or "UsePreviousTemplate" in request:
            template = {}
        asked = {
            "StackName": SAMPLE,
            "RoleARN": self.outputs["UpdateRoleArn"],
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
            **template,
            **request,
        }
        self.client("cloudformation").create_change_set(ChangeSetName=name, **asked)
        found = self.client("cloudformation").describe_change_set(
            ChangeSetName=name, StackName=asked["StackName"]
        )
        return f"{found['Status']} {found.get('StatusReason', '')}"


@pytest.fixture(scope="module")
def dev(systems: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Developer:
    system = System(systems.endpoint_url, UPDATER)
    profile = configparser.ConfigParser()
    profile["profile developer"] = {
        "role_arn": system.outputs["DeveloperRoleArn"],
        "credential_source": "Environment",
    }
    config = tmp_path_factory.mktemp("aws") / "config"
    with config.open("w") as file:
        profile.write(file)
    environment = systems.environment | {
        "AWS_CONFIG_FILE": str(config),
        "AWS_ENDPOINT_URL": systems.endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    aws = LocalAws(port=systems.port, environment=environment, project=systems.project)
    published = aws.stepline("workflow", "publish", "--stack", SAMPLE)
    assert published.returncode == 0, published.stderr
    return Developer(aws, developer(system), system.outputs)


@pytest.fixture(autouse=True)
def _no_change_set_stays(systems: LocalAws) -> Iterator[None]:
    yield
    cloudformation = systems.client("cloudformation")
    for item in cloudformation.list_change_sets(StackName=SAMPLE)["Summaries"]:
        cloudformation.delete_change_set(StackName=SAMPLE, ChangeSetName=item["ChangeSetName"])


def deployed(systems: LocalAws) -> str:
    return str(systems.client("stepfunctions").describe_state_machine(stateMachineArn=MACHINE)["definition"])


def test_a_developer_deploys_with_nothing_but_the_role(
    dev: Developer, systems: LocalAws, tmp_path: Path
) -> None:
    file, before, state = tmp_path / "flow.json", deployed(systems), uuid.uuid4().hex
    file.write_text(definition(state, Result="${GreetingParameterName}"))
    looked = dev.deploy(file, "--dry-run")
    assert (looked.returncode, f"+ {state}" in looked.stdout) == (0, True), looked.stderr
    assert deployed(systems) == before
    done = dev.deploy(file)
    assert done.returncode == 0, done.stderr
    assert deployed(systems) == file.read_text().replace("${GreetingParameterName}", f"{SAMPLE}-greeting")
    revision = systems.client("stepfunctions").describe_state_machine(stateMachineArn=MACHINE)["revisionId"]
    assert f"revision {revision}" in done.stdout
    again = dev.deploy(file)
    assert (again.returncode, "nothing to change" in again.stderr) == (0, True)


def test_a_running_execution_goes_on_as_it_began(dev: Developer, systems: LocalAws, tmp_path: Path) -> None:
    file, stepfunctions = tmp_path / "flow.json", systems.client("stepfunctions")
    file.write_text(definition(Type="Wait", Seconds=2))
    assert dev.deploy(file).returncode == 0
    execution = stepfunctions.start_execution(stateMachineArn=MACHINE, input="{}")["executionArn"]
    file.write_text(definition(Result={"from": "the new one"}))
    assert dev.deploy(file).returncode == 0
    assert stepfunctions.describe_execution(executionArn=execution)["status"] == "RUNNING"
    running = stepfunctions.describe_state_machine_for_execution(executionArn=execution)["definition"]
    assert '"Wait"' in running
    stepfunctions.stop_execution(executionArn=execution)


def test_a_broken_definition_is_refused_with_the_macros_reason(
    dev: Developer, systems: LocalAws, tmp_path: Path
) -> None:
    before = deployed(systems)
    file = tmp_path / "flow.json"
    file.write_text(definition(Type="Pas"))
    told = dev.deploy(file)
    assert told.returncode == 1
    assert "Transform 000000000000::WorkflowDefinition failed with: The object" in told.stderr
    assert "Step Functions refuses it: SCHEMA_VALIDATION_FAILED" in told.stderr
    assert deployed(systems) == before


TEXT = json.dumps({"Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}})


@pytest.mark.parametrize(
    "request_",
    [
        {"TemplateBody": TEXT},
        {"UsePreviousTemplate": True},
        {"TemplateURL": f"https://s3.us-east-1.amazonaws.com/elsewhere/{SAMPLE}.template"},
        {"RoleARN": "arn:aws:iam::000000000000:role/stepline-ApplicationRole"},
        {"name": "my-own"},
        {"StackName": "stepline"},
        {"Tags": [{"Key": "a", "Value": "b"}]},
    ],
    ids=["a template", "without macro", "elsewhere", "another role", "another name", "another stack", "tags"],
)
def test_no_change_set_is_made_of_anything_else(dev: Developer, request_: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as caught:
        dev.change_set(**request_)
    assert caught.value.response["Error"]["Code"] == "AccessDenied"


def test_a_change_set_without_role_would_use_that_of_the_stack(dev: Developer) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        dev.client("cloudformation").create_change_set(
            StackName=SAMPLE,
            ChangeSetName="stepline-workflow-x",
            TemplateURL=f"{dev.outputs['TemplateUrlPrefix']}{SAMPLE}.template",
        )


def test_another_parameter_changes_nothing(dev: Developer, systems: LocalAws) -> None:
    """The change set may be made, and is executed in vain: its role may not touch the greeting."""
    values = [
        {"ParameterKey": "Greeting", "ParameterValue": "Hi"},
        {"ParameterKey": "DefinitionKey", "UsePreviousValue": True},
        {"ParameterKey": "DefinitionVersion", "UsePreviousValue": True},
    ]
    assert dev.change_set(Parameters=values).startswith("CREATE_COMPLETE")
    dev.client("cloudformation").execute_change_set(ChangeSetName="stepline-workflow-test", StackName=SAMPLE)
    assert System(systems.endpoint_url, SAMPLE).wait_for_stack(SAMPLE) == "UPDATE_ROLLBACK_COMPLETE"
    greeting = systems.client("ssm").get_parameter(Name=f"{SAMPLE}-greeting")["Parameter"]["Value"]
    assert greeting == "Hello"
    events = dev.client("cloudformation").describe_stack_events(StackName=SAMPLE)["StackEvents"]
    assert any("ssm:PutParameter" in event.get("ResourceStatusReason", "") for event in events)


def test_what_others_made_is_not_executed(dev: Developer, systems: LocalAws) -> None:
    """Even a template of one's own, made by somebody who may, needs the role's name on it."""
    systems.client("cloudformation").create_change_set(
        StackName=SAMPLE, ChangeSetName="of-somebody-else", TemplateBody=TEXT
    )
    with pytest.raises(ClientError, match="cloudformation:ExecuteChangeSet"):
        dev.client("cloudformation").execute_change_set(ChangeSetName="of-somebody-else", StackName=SAMPLE)


@pytest.mark.parametrize(
    "resource",
    [
        {"Queue": {"Type": "AWS::SQS::Queue"}},
        {"Topic": {"Type": "AWS::SNS::Topic"}},
        {"Network": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}},
    ],
    ids=lambda resource: next(iter(resource)),
)
def test_the_role_can_do_nothing_else_whoever_made_the_change_set(
    dev: Developer, systems: LocalAws, resource: dict[str, Any]
) -> None:
    """The second lock, without the first: somebody who may give CloudFormation any template."""
    cloudformation = systems.client("cloudformation")
    text = cloudformation.get_template(StackName=SAMPLE, TemplateStage="Processed")["TemplateBody"]
    template = json.loads(text) if isinstance(text, str) else text
    template["Resources"].update(resource)
    cloudformation.update_stack(
        StackName=SAMPLE,
        TemplateBody=json.dumps(template),
        RoleARN=dev.outputs["UpdateRoleArn"],
        Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    assert System(systems.endpoint_url, SAMPLE).wait_for_stack(SAMPLE) == "UPDATE_ROLLBACK_COMPLETE"
    assert next(iter(resource)) not in str(cloudformation.list_stack_resources(StackName=SAMPLE))


def test_a_change_of_the_template_must_be_published(
    dev: Developer, systems: LocalAws, tmp_path: Path
) -> None:
    cloudformation = systems.client("cloudformation")
    text = (TEMPLATE / "sample.yaml").read_text()
    cloudformation.update_stack(
        StackName=SAMPLE,
        TemplateBody=text + "  Another: { Value: an output }\n",
        Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    System(systems.endpoint_url, SAMPLE).assert_stack_status(SAMPLE, "UPDATE_COMPLETE")
    file = tmp_path / "flow.json"
    file.write_text(definition())
    told = dev.deploy(file)
    assert (told.returncode, "has changed since it was published" in told.stderr) == (1, True)
    assert dev.aws.stepline("workflow", "publish", "--stack", SAMPLE).returncode == 0
    assert dev.deploy(file).returncode == 0


def test_a_push_deploys_what_it_pushes_or_is_stopped(
    dev: Developer, systems: LocalAws, tmp_path: Path
) -> None:
    git = WorkingTree(tmp_path)
    git.environment = git.environment | dev.aws.environment | {"PYTHONPATH": str(systems.project)}
    git.commit(flow_json=definition(), other_json="1")
    installed = subprocess.run(
        [
            *(sys.executable, "-m", "stepline", "workflow", "hook", "install", "flow.json"),
            *("--stack", SAMPLE, "--endpoint-url", systems.endpoint_url, "--profile", "developer"),
        ],
        cwd=git.folder,
        env=git.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert installed.returncode == 0, installed.stderr
    first = git.run("push", "origin", "main")
    assert first.returncode == 0, first.stderr
    assert json.loads(deployed(systems)) == json.loads((git.folder / "flow.json").read_text())
    git.commit(other_json="2")
    second = git.run("push", "origin", "main")
    assert (second.returncode, "deploying" in second.stderr) == (0, False)
    git.commit(flow_json=definition(Type="Pas"))
    third = git.run("push", "origin", "main")
    assert third.returncode != 0
    assert "Step Functions refuses it" in third.stderr
    assert git.git("rev-parse", "origin/main") == git.git("rev-parse", "HEAD~1")
