"""pipeline/template.yaml, added to pipelines that know nothing of stepline: those of examples/."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stepline.deployment import stack as deployment
from stepline.deployment.template import read_template
from tests.end_to_end.action_alone.terraform import Module
from tests.end_to_end.local_aws import PROJECT, LocalAws
from tests.waiting import wait_for

pytestmark = [pytest.mark.xdist_group("local_aws")]

NAME = "alone"
PIPELINE = "migration"
ROWS = json.dumps({"tables": ["customers", "orders"]})
MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:migration"
REDRIVEN = "arn:aws:states:us-east-1:000000000000:stateMachine:redrive"
LARGE = "arn:aws:states:us-east-1:000000000000:stateMachine:large-data"
MARKED = re.compile(r"^ *# begin of stepline.*?# end of stepline[^\n]*\n", re.DOTALL | re.MULTILINE)
"""The lines of the CloudFormation example that a pipeline without stepline lacks."""

CLOUDFORMATION = (PROJECT / "examples/cloudformation/pipeline.yaml").read_text()
CDK = (Path(__file__).parent / "action_alone/cdk.template.json").read_text()
"""What examples/cdk/ synthesizes with more actions, which `make cdk` checks."""

SUCCEEDED = {"Source": "Succeeded", "Migrate": "Succeeded"}


@dataclass(frozen=True)
class World:
    """A local AWS with the action. Stacks import the outputs of the action that is called `alone`."""

    aws: LocalAws
    name: str = PIPELINE

    def deploy(self, template: str) -> None:
        """Create or update the stack of the pipeline."""
        cloudformation = self.aws.client("cloudformation")
        change_set = cloudformation.create_change_set(
            StackName=self.name,
            ChangeSetName=f"c-{uuid.uuid4()}",
            ChangeSetType="UPDATE" if self._exists() else "CREATE",
            TemplateBody=re.sub(r"\bstepline-(?=trigger-|action-|large-data-)", f"{NAME}-", template),
            Capabilities=["CAPABILITY_IAM"],
        )
        cloudformation.get_waiter("change_set_create_complete").wait(
            ChangeSetName=change_set["Id"], WaiterConfig={"Delay": 1}
        )
        cloudformation.execute_change_set(ChangeSetName=change_set["Id"])
        wait_for(lambda: not self._status().endswith("_IN_PROGRESS"))
        assert self._status() in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}

    def _exists(self) -> bool:
        stacks = self.aws.client("cloudformation").describe_stacks()["Stacks"]
        return any(stack["StackName"] == self.name for stack in stacks)

    def _status(self) -> str:
        stacks = self.aws.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        return str(stacks[0]["StackStatus"])

    def commit(self, name: str = "migration.json", content: str = ROWS) -> None:
        self.aws.client("codecommit").create_commit(
            repositoryName=self.name,
            branchName="main",
            putFiles=[{"filePath": name, "fileContent": content}],
        )

    def run(self) -> dict[str, str]:
        """Start the pipeline, wait for its end, and return the status of each action."""
        client = self.aws.client("codepipeline")
        execution = client.start_pipeline_execution(name=self.name)["pipelineExecutionId"]
        found = {"pipelineName": self.name, "pipelineExecutionId": execution}
        wait_for(
            lambda: client.get_pipeline_execution(**found)["pipelineExecution"]["status"] != "InProgress"
        )
        return {item["actionName"]: item["status"] for item in self._actions(execution)}

    def retry(self, stage: str) -> list[Any]:
        """Retry the stage of the latest execution; return the runs of its action, the newest first."""
        client = self.aws.client("codepipeline")
        last = client.list_pipeline_executions(pipelineName=self.name)["pipelineExecutionSummaries"][0]
        found = {"pipelineName": self.name, "pipelineExecutionId": last["pipelineExecutionId"]}
        client.retry_stage_execution(**found, stageName=stage, retryMode="FAILED_ACTIONS")
        wait_for(
            lambda: client.get_pipeline_execution(**found)["pipelineExecution"]["status"] != "InProgress"
        )
        return [item for item in self._actions(last["pipelineExecutionId"]) if item["stageName"] == stage]

    def _actions(self, execution: str) -> list[Any]:
        response = self.aws.client("codepipeline").list_action_executions(
            pipelineName=self.name, filter={"pipelineExecutionId": execution}
        )
        return list(response["actionExecutionDetails"])

    def variables(self, name: str = "Migrate") -> dict[str, str]:
        """Return the output variables of the action in the last execution."""
        client = self.aws.client("codepipeline")
        last = client.list_pipeline_executions(pipelineName=self.name)["pipelineExecutionSummaries"][0]
        actions = self._actions(last["pipelineExecutionId"])
        (action,) = (item for item in actions if item["actionName"] == name)
        variables: dict[str, str] = action["output"]["outputVariables"]
        return variables

    def clean_up(self) -> None:
        cloudformation = self.aws.client("cloudformation")
        if self._exists():
            stack_id = cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]["StackId"]
            cloudformation.delete_stack(StackName=self.name)
            cloudformation.get_waiter("stack_delete_complete").wait(
                StackName=stack_id, WaiterConfig={"Delay": 1}
            )
        else:
            self.aws.client("codepipeline").delete_pipeline(name=self.name)
            self.aws.client("stepfunctions").delete_state_machine(stateMachineArn=MACHINE)
        self.aws.client("codecommit").delete_repository(repositoryName=self.name)


@pytest.fixture(scope="module")
def action(local_aws: LocalAws) -> LocalAws:
    """The local AWS with the action, deployed alone, and with what `cdk bootstrap` creates."""
    deployment.deploy(
        PROJECT / "pipeline/template.yaml",
        stack_name=NAME,
        session=local_aws.session,
        endpoint_url=local_aws.endpoint_url,
        parameters={
            "Name": NAME,
            "StateMachineArn": MACHINE,
            "OtherStateMachineArns": f"{MACHINE},{REDRIVEN},{LARGE}",
            "LargeData": "true",
        },
        report=lambda _line: None,
    )
    local_aws.client("ssm").put_parameter(
        Name="/cdk-bootstrap/hnb659fds/version", Type="String", Value="30", Overwrite=True
    )
    return local_aws


@pytest.fixture
def world(action: LocalAws) -> Iterator[World]:
    world = World(action)
    yield world
    world.clean_up()


def test_action_is_added_to_a_pipeline_in_cloudformation(world: World) -> None:
    world.deploy(MARKED.sub("", CLOUDFORMATION))
    world.commit()
    assert "stepline" not in MARKED.sub("", CLOUDFORMATION).partition("Resources:")[2]
    assert world.run() == {"Source": "Succeeded", "Test": "Succeeded"}
    world.deploy(CLOUDFORMATION)
    assert world.run() == {"Test": "Succeeded", **SUCCEEDED}
    assert world.variables() == {"rows": "2"}


def test_action_runs_an_alias(world: World) -> None:
    """The alias runs the version that it names, also after the state machine has changed."""
    template = CLOUDFORMATION.replace(
        "InputFile: migration.json",
        "InputFile: migration.json\n                StateMachine: migration:live",
    )
    assert template != CLOUDFORMATION
    world.deploy(template)
    world.commit()
    client = world.aws.client("stepfunctions")
    version = client.publish_state_machine_version(stateMachineArn=MACHINE)["stateMachineVersionArn"]
    routes = [{"stateMachineVersionArn": version, "weight": 100}]
    alias = client.create_state_machine_alias(name="live", routingConfiguration=routes)[
        "stateMachineAliasArn"
    ]
    failing = {"StartAt": "Fail", "States": {"Fail": {"Type": "Fail"}}}
    client.update_state_machine(stateMachineArn=MACHINE, definition=json.dumps(failing))
    assert world.run() == {"Test": "Succeeded", **SUCCEEDED}
    executions = client.list_executions(stateMachineArn=alias)["executions"]  # the commit started one, too
    assert {(each["stateMachineVersionArn"], each["status"]) for each in executions} == {
        (version, "SUCCEEDED")
    }


def test_retried_stage_redrives_the_execution_from_the_state_that_failed(action: LocalAws) -> None:
    world = World(action, name="redrive")
    text = (PROJECT / "examples/redrive/pipeline.yaml").read_text()
    world.deploy(text.replace("Default: stepline\n", f"Default: {NAME}\n"))
    try:
        world.commit()
        assert world.run() == {"Source": "Succeeded", "Migrate": "Failed"}
        action.client("ssm").put_parameter(Name="/redrive/switch", Type="String", Value="on", Overwrite=True)
        attempts = world.retry("Migrate")
        assert [attempt["status"] for attempt in attempts] == ["Succeeded", "Failed"]
        (execution,) = {attempt["output"]["executionResult"]["externalExecutionId"] for attempt in attempts}
        events = action.client("stepfunctions").get_execution_history(executionArn=execution)["events"]
        entered = [
            event["stateEnteredEventDetails"]["name"]
            for event in events
            if "stateEnteredEventDetails" in event
        ]
        assert entered.count("Copy Rows") == 1
    finally:
        action.client("ssm").delete_parameters(Names=["/redrive/switch"])
        world.clean_up()


def test_large_input_and_output_travel_through_s3(action: LocalAws) -> None:
    world = World(action, name="large-data")
    world.deploy((PROJECT / "examples/large-data/pipeline.yaml").read_text())
    orders: list[dict[str, Any]] = [
        {"id": number, "count": number % 7, "text": "x" * 100} for number in range(3000)
    ]
    try:
        world.commit("orders.json", json.dumps({"orders": orders}))
        assert world.run() == {"Source": "Succeeded", "Import": "Succeeded"}
        total = sum(10 * order["count"] for order in orders)
        assert world.variables("Import") == {"Orders": "3000", "Total": str(total)}
        client = action.client("stepfunctions")
        arn = client.list_executions(stateMachineArn=LARGE)["executions"][0]["executionArn"]
        reference = json.loads(client.describe_execution(executionArn=arn)["input"])["s3Reference"]
        found = action.client("s3").get_object(
            Bucket=reference["bucket"], Key=reference["key"], VersionId=reference["versionId"]
        )
        assert json.loads(found["Body"].read())["orders"] == orders
    finally:
        world.clean_up()


def test_action_is_added_to_a_pipeline_in_cdk(world: World) -> None:
    world.deploy(CDK)
    world.commit()
    others = dict.fromkeys(("Custom", "File", "Lambda", "Reader"), "Succeeded")
    assert world.run() == {**SUCCEEDED, **others}
    assert world.variables() == {"rows": "2"}
    assert world.variables("Custom") == world.variables("Lambda") == {"count": "3"}


def test_action_is_added_to_a_pipeline_in_terraform(world: World) -> None:
    provider = Provider(world.aws)
    variables = {
        "pipeline_role_name": provider.role("codepipeline.amazonaws.com", "codecommit:*", "s3:*"),
        "state_machine_role_arn": provider.arn(provider.role("states.amazonaws.com")),
    }
    assert Module(PROJECT / "examples/terraform", variables, provider.attributes).outputs == {}
    world.commit()
    assert world.run() == SUCCEEDED
    assert world.variables() == {"rows": "2"}


STACK_OUTPUTS = {
    "ActionProvider": "Stepline",
    "ActionVersion": "0a1b2c3d",
    "PipelinePolicyArn": "policy",
    "TriggerFunctionArn": "arn",
    "TriggerFunctionName": "trigger",
}


def module(created: list[str] | None = None, **variables: Any) -> Module:
    """Return the Terraform module; `created` gets the types of what it creates and reads."""

    def attributes(kind: str, _name: str, _arguments: Mapping[str, Any]) -> Any:
        if created is not None:
            created.append(kind)
        return {"outputs": STACK_OUTPUTS}

    return Module(PROJECT / "pipeline/terraform", variables, attributes)


def test_terraform_module_has_the_lambda_action_too() -> None:
    created: list[str] = []
    outputs = module(created, user_parameters={"inputFile": "a"}, pipeline_role_name="role").outputs
    assert "aws_iam_role_policy_attachment" in created
    assert outputs["action_type"] == {
        "category": "Invoke",
        "owner": "AWS",
        "provider": "Lambda",
        "version": "1",
    }
    assert outputs["configuration"] == {
        "FunctionName": "trigger",
        "UserParameters": '{"inputFile":"a","pipelineExecutionId":"#{codepipeline.PipelineExecutionId}"}',
    }


@pytest.mark.parametrize("variables", [{}, {"properties": {"StateMachine": "other", "Retry": "Redrive"}}])
def test_terraform_module_has_the_custom_action_by_default(variables: Any) -> None:
    """It needs no permission."""
    created: list[str] = []
    outputs = module(created, pipeline_role_name="role", **variables).outputs
    assert created == ["aws_cloudformation_stack"]
    assert outputs["configuration"] == variables.get("properties", {})
    assert outputs["action_type"] == {
        "category": "Invoke",
        "owner": "Custom",
        "provider": "Stepline",
        "version": "0a1b2c3d",
    }


def test_terraform_and_cdk_know_all_properties() -> None:
    template = read_template(PROJECT / "pipeline/template.yaml")
    properties = template["Resources"]["ActionType"]["Properties"]["ConfigurationProperties"]
    names = {item["Name"] for item in properties}
    for left_out in ("Input", "InputFile"):  # only one of them can be given
        assert module(properties=dict.fromkeys(names - {left_out}, "x")).outputs
    (pipeline,) = (
        item["Properties"]
        for item in json.loads(CDK)["Resources"].values()
        if item["Type"] == "AWS::CodePipeline::Pipeline"
    )
    actions = [action for stage in pipeline["Stages"] for action in stage["Actions"]]
    custom = [action for action in actions if action["ActionTypeId"]["Owner"] == "Custom"]
    assert {key for action in custom for key in action["Configuration"]} == names


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"user_parameters": {"inputfile": "a.json"}}, "The keys are input, inputFile, "),
        (
            {"user_parameters": {"inputFile": "a.json", "input": {}}},
            "Only one of input, inputFile and inputS3",
        ),
        ({"user_parameters": {"input": {"text": "a" * 1000}}}, "at most 1,000 characters"),
        ({"properties": {"inputFile": "a.json"}}, "The properties are Input, InputFile, "),
        ({"properties": {"InputFile": "a.json", "Input": "{}"}}, "Only one of Input and InputFile"),
        ({"properties": {"Input": "a" * 1001}}, "at most 1,000 characters"),
        ({"properties": {"Input": "{}"}, "user_parameters": {}}, "Only one of properties, "),
    ],
)
def test_terraform_module_refuses_invalid_parameters(variables: Any, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        assert module(**variables).outputs


class Provider:
    """Creates the resources of the Terraform example by the API, and reads its data sources."""

    def __init__(self, aws: LocalAws) -> None:
        self._aws = aws

    def attributes(self, kind: str, _name: str, arguments: Mapping[str, Any]) -> Any:
        match kind:
            case "aws_cloudformation_stack":
                outputs = self._aws.client("cloudformation").describe_stacks(StackName=NAME)["Stacks"][0][
                    "Outputs"
                ]
                return {"outputs": {item["OutputKey"]: item["OutputValue"] for item in outputs}}
            case "aws_iam_role":
                return {"arn": self.arn(arguments["name"])}
            case "aws_iam_role_policy_attachment":
                self._aws.client("iam").attach_role_policy(
                    RoleName=arguments["role"], PolicyArn=arguments["policy_arn"]
                )
            case "aws_codecommit_repository":
                self._aws.client("codecommit").create_repository(repositoryName=arguments["repository_name"])
            case "aws_s3_bucket":
                bucket = f"{arguments['bucket_prefix']}{uuid.uuid4().hex}"
                self._aws.client("s3").create_bucket(Bucket=bucket)
                return {"bucket": bucket}
            case "aws_sfn_state_machine":
                self._aws.client("stepfunctions").create_state_machine(**_api_names(arguments))
            case "aws_codepipeline":
                self._aws.client("codepipeline").create_pipeline(pipeline=_pipeline(arguments))
            case _:
                raise AssertionError(f"unknown type: {kind}")
        return arguments

    def role(self, service: str, *actions: str) -> str:
        """Create a role that the service may assume, and return its name."""
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        name = f"role-{uuid.uuid4()}"
        iam = self._aws.client("iam")
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
        if actions:
            statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
            policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
            iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy)
        return name

    def arn(self, role: str) -> str:
        return str(self._aws.client("iam").get_role(RoleName=role)["Role"]["Arn"])


def _pipeline(arguments: Mapping[str, Any]) -> dict[str, Any]:
    stages = [
        {"name": stage["name"], "actions": [_action(action) for action in stage["action"]]}
        for stage in arguments["stage"]
    ]
    return {
        "name": arguments["name"],
        "pipelineType": arguments["pipeline_type"],
        "roleArn": arguments["role_arn"],
        "artifactStore": arguments["artifact_store"][0],
        "stages": stages,
    }


def _action(arguments: Mapping[str, Any]) -> dict[str, Any]:
    type_keys = ("category", "owner", "provider", "version")
    artifact_keys = {"input_artifacts": "inputArtifacts", "output_artifacts": "outputArtifacts"}
    other_keys = arguments.keys() & {"name", "namespace", "configuration"}
    return {
        "actionTypeId": {key: arguments[key] for key in type_keys},
        **{key: arguments[key] for key in other_keys},
        **{
            name: [{"name": artifact} for artifact in arguments.get(key, [])]
            for key, name in artifact_keys.items()
        },
    }


def _api_names(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {{"role_arn": "roleArn"}.get(key, key): value for key, value in arguments.items()}
