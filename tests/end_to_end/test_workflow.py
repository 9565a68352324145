"""The workflow updater: developers who have only the developers' role, git, and the owner of the stack."""

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
from tests.waiting import wait_for

pytestmark = pytest.mark.xdist_group("systems")

UPDATER, SAMPLE = "stepline-workflow", "stepline-workflow-sample"
MACHINE = f"arn:aws:states:us-east-1:000000000000:stateMachine:{SAMPLE}"
TEMPLATE = Path(__file__).parents[2] / "statemachines/workflow"


def definition(state: str = "Only", **members: Any) -> str:
    """Return a definition with one state, which differs at each call."""
    only = {"Type": "Pass", "Comment": uuid.uuid4().hex, "End": True, **members}
    return json.dumps({"StartAt": state, "States": {state: only}})


@dataclass(frozen=True)
class Developer:
    """A user whose only permissions are those of the developers' role, by a profile."""

    aws: LocalAws
    client: Callable[[str], Any]
    outputs: dict[str, str]

    def deploy(self, file: Path, *options: str) -> subprocess.CompletedProcess[str]:
        return self.aws.stepline(
            "workflow", "deploy", str(file), "--stack", SAMPLE, "--profile", "developer", *options
        )

    def change_set(self, name: str = "stepline-workflow-test", **request: Any) -> str:
        """Create a change set and return its status and reason; `request` overrides its parameters."""
        template = {"TemplateURL": f"{self.outputs['TemplateUrlPrefix']}{SAMPLE}.template"}
        if "TemplateBody" in request or "UsePreviousTemplate" in request:
            template = {}
        parameters = {
            "StackName": SAMPLE,
            "RoleARN": self.outputs["UpdateRoleArn"],
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
            **template,
            **request,
        }
        self.client("cloudformation").create_change_set(ChangeSetName=name, **parameters)
        description = self.client("cloudformation").describe_change_set(
            ChangeSetName=name, StackName=parameters["StackName"]
        )
        return f"{description['Status']} {description.get('StatusReason', '')}"


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
def _delete_change_sets(systems: LocalAws) -> Iterator[None]:
    yield
    cloudformation = systems.client("cloudformation")
    for item in cloudformation.list_change_sets(StackName=SAMPLE)["Summaries"]:
        cloudformation.delete_change_set(StackName=SAMPLE, ChangeSetName=item["ChangeSetName"])


@pytest.fixture
def token_queue(systems: LocalAws) -> Iterator[str]:
    """A queue to which the workflow may send task tokens; its URL."""
    sqs, iam = systems.client("sqs"), systems.client("iam")
    url = str(sqs.create_queue(QueueName=f"tokens-{uuid.uuid4().hex}")["QueueUrl"])
    statement = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
    policy = {"RoleName": SAMPLE, "PolicyName": "send-task-tokens"}
    iam.put_role_policy(**policy, PolicyDocument=json.dumps({"Statement": [statement]}))
    yield url
    iam.delete_role_policy(**policy)
    sqs.delete_queue(QueueUrl=url)


def receive(systems: LocalAws, queue: str) -> str:
    """Wait for a message of the queue and return its body."""
    sqs = systems.client("sqs")
    messages = wait_for(
        lambda: sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages"),
        lambda: f"{queue} has no message",
    )
    return str(messages[0]["Body"])


def deployed(systems: LocalAws) -> str:
    """Return the definition of the state machine."""
    return str(systems.client("stepfunctions").describe_state_machine(stateMachineArn=MACHINE)["definition"])


def test_role_of_the_developers_suffices_to_deploy_a_definition(
    dev: Developer, systems: LocalAws, tmp_path: Path
) -> None:
    """The definition gets the substitutions of the template, and a second deployment changes nothing."""
    file, before, state = tmp_path / "flow.json", deployed(systems), uuid.uuid4().hex
    file.write_text(definition(state, Result="${GreetingParameterName}"))
    dry_run = dev.deploy(file, "--dry-run")
    assert (dry_run.returncode, f"+ {state}" in dry_run.stdout) == (0, True), dry_run.stderr
    assert deployed(systems) == before
    result = dev.deploy(file)
    assert result.returncode == 0, result.stderr
    assert deployed(systems) == file.read_text().replace("${GreetingParameterName}", f"{SAMPLE}-greeting")
    revision = systems.client("stepfunctions").describe_state_machine(stateMachineArn=MACHINE)["revisionId"]
    assert f"revision {revision}" in result.stdout
    second = dev.deploy(file)
    assert (second.returncode, "nothing to change" in second.stderr) == (0, True)


def test_running_execution_ends_with_its_old_definition_after_an_update(
    dev: Developer, systems: LocalAws, tmp_path: Path, token_queue: str
) -> None:
    """The execution waits for its task token, which is returned after the update."""
    file, stepfunctions = tmp_path / "flow.json", systems.client("stepfunctions")
    old = definition(
        Type="Task",
        Resource="arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        Parameters={"QueueUrl": token_queue, "MessageBody.$": "$$.Task.Token"},
        ResultSelector={"from": "the old definition"},
    )
    file.write_text(old)
    assert dev.deploy(file).returncode == 0
    execution = stepfunctions.start_execution(stateMachineArn=MACHINE, input="{}")["executionArn"]
    token = receive(systems, token_queue)
    new = definition(Result={"from": "the new definition"})
    file.write_text(new)
    assert dev.deploy(file).returncode == 0
    assert deployed(systems) == new
    assert stepfunctions.describe_execution(executionArn=execution)["status"] == "RUNNING"
    running = stepfunctions.describe_state_machine_for_execution(executionArn=execution)["definition"]
    assert running == old
    stepfunctions.send_task_success(taskToken=token, output="{}")
    description = systems.wait_for_execution(execution)
    assert description["status"] == "SUCCEEDED", description
    assert json.loads(description["output"]) == {"from": "the old definition"}


def test_invalid_definition_is_refused_with_the_reason_of_the_macro(
    dev: Developer, systems: LocalAws, tmp_path: Path
) -> None:
    before = deployed(systems)
    file = tmp_path / "flow.json"
    file.write_text(definition(Type="Pas"))
    result = dev.deploy(file)
    assert result.returncode == 1
    assert "Transform 000000000000::WorkflowDefinition failed with: The object" in result.stderr
    assert "Step Functions refuses it: SCHEMA_VALIDATION_FAILED" in result.stderr
    assert deployed(systems) == before


TEXT = json.dumps({"Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}})


@pytest.mark.parametrize(
    "request_",
    [
        {"TemplateBody": TEXT},
        {"UsePreviousTemplate": True},
        {"TemplateURL": f"https://s3.us-east-1.amazonaws.com/another-bucket/{SAMPLE}.template"},
        {"RoleARN": "arn:aws:iam::000000000000:role/stepline-ApplicationRole"},
        {"name": "another-name"},
        {"StackName": "stepline"},
        {"Tags": [{"Key": "a", "Value": "b"}]},
    ],
    ids=[
        "template body",
        "previous template",
        "another bucket",
        "another role",
        "another name",
        "another stack",
        "tags",
    ],
)
def test_developer_may_not_create_a_change_set_with_other_parameters(
    dev: Developer, request_: dict[str, Any]
) -> None:
    with pytest.raises(ClientError) as caught:
        dev.change_set(**request_)
    assert caught.value.response["Error"]["Code"] == "AccessDenied"


def test_developer_may_not_create_a_change_set_without_a_role(dev: Developer) -> None:
    """CloudFormation would use the role of the stack's last operation, or the developer's permissions."""
    with pytest.raises(ClientError, match="AccessDenied"):
        dev.client("cloudformation").create_change_set(
            StackName=SAMPLE,
            ChangeSetName="stepline-workflow-x",
            TemplateURL=f"{dev.outputs['TemplateUrlPrefix']}{SAMPLE}.template",
        )


def test_change_of_another_parameter_is_rolled_back(dev: Developer, systems: LocalAws) -> None:
    """A developer may create and execute the change set, but its role may not change the greeting."""
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


def test_developer_may_not_execute_a_change_set_without_the_update_role(
    dev: Developer, systems: LocalAws
) -> None:
    """A user with more permissions created it, with a template of their choice."""
    systems.client("cloudformation").create_change_set(
        StackName=SAMPLE, ChangeSetName="of-another-user", TemplateBody=TEXT
    )
    with pytest.raises(ClientError, match="cloudformation:ExecuteChangeSet"):
        dev.client("cloudformation").execute_change_set(ChangeSetName="of-another-user", StackName=SAMPLE)


@pytest.mark.parametrize(
    "resource",
    [
        {"Queue": {"Type": "AWS::SQS::Queue"}},
        {"Topic": {"Type": "AWS::SNS::Topic"}},
        {"Network": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}},
    ],
    ids=lambda resource: next(iter(resource)),
)
def test_update_role_cannot_create_other_resources(
    dev: Developer, systems: LocalAws, resource: dict[str, Any]
) -> None:
    """This restricts even a user who may update the stack with any template."""
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


def test_changed_template_must_be_published_before_a_deployment(
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
    result = dev.deploy(file)
    assert (result.returncode, "has changed since it was published" in result.stderr) == (1, True)
    assert dev.aws.stepline("workflow", "publish", "--stack", SAMPLE).returncode == 0
    assert dev.deploy(file).returncode == 0


def test_push_hook_deploys_a_changed_definition_and_stops_the_push_if_it_is_invalid(
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
