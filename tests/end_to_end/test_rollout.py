"""A rollout on the local AWS, to two accounts and two regions of each."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from typing import Any

import pytest

from tests.end_to_end.local_aws import PROJECT, LocalAws
from tests.local_clients import local_client
from tests.waiting import wait_for

pytestmark = pytest.mark.xdist_group("systems")

HOME, ACCOUNTS, REGIONS = "000000000000", ("333333333333", "444444444444"), ("us-east-1", "eu-west-1")
PLACES = [(account, region) for account in ACCOUNTS for region in REGIONS]
EXTERNAL_ID = "rollout-test"
_CREATED = "CREATE_COMPLETE"
TEMPLATE = {
    "Parameters": {"Size": {"Type": "String", "Default": "1"}},
    "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "Size"}}}},
    "Outputs": {"Size": {"Value": {"Ref": "Size"}}},
    # above 51,200 bytes: CloudFormation in each account reads the template from the pipeline's bucket
    "Metadata": {"Filler": "x" * 52_000},
}


_WITHOUT_TOPIC = {
    "Parameters": TEMPLATE["Parameters"],
    "Resources": {"Other": {"Type": "AWS::SNS::Topic"}},
}


def client_of(systems: LocalAws, service: str, account: str, region: str = "us-east-1") -> Any:
    return local_client(systems.port, service, aws_access_key_id=account, region_name=region)


def outputs_of(systems: LocalAws, stack: str) -> dict[str, str]:
    described = systems.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {item["OutputKey"]: item["OutputValue"] for item in described["Outputs"]}


def create_targets(systems: LocalAws) -> list[str]:
    """Deploy examples/rollout/target.yaml to each account, and return the roles of the targets."""
    stacks = systems.client("cloudformation")
    resources = stacks.describe_stack_resources(StackName="stepline")["StackResources"]
    ids = {item["LogicalResourceId"]: item["PhysicalResourceId"] for item in resources}
    parameters = {
        "PipelineAccountId": HOME,
        "ExternalId": EXTERNAL_ID,
        "ApplicationPolicyArns": "arn:aws:iam::aws:policy/AmazonSNSFullAccess",
        "ArtifactBucketName": ids["ArtifactBucket"],
        "ArtifactKeyArn": f"arn:aws:kms:us-east-1:{HOME}:key/{ids['Key']}",
    }
    for account in ACCOUNTS:
        client = client_of(systems, "cloudformation", account)
        client.create_stack(
            StackName="target",
            TemplateBody=(PROJECT / "examples/rollout/target.yaml").read_text(),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        client.get_waiter("stack_create_complete").wait(StackName="target", WaiterConfig={"Delay": 1})
    return [f"arn:aws:iam::{account}:role/stepline-target" for account in ACCOUNTS]


@pytest.fixture(scope="module")
def machine(systems: LocalAws) -> str:
    """Deploy the rollout, with two accounts as targets, and return its state machine."""
    roles = ",".join(create_targets(systems))
    parameters = [f"TargetRoleArns={roles}", f"rollout.TargetRoleArns={roles}", "rollout.BakePollSeconds=1"]
    options = [option for parameter in parameters for option in ("--parameter", parameter)]
    port = str(systems.port)
    result = systems.stepline("up", "--port", port, "--with", "rollout", *options)
    assert result.returncode == 0, result.stderr
    return outputs_of(systems, "stepline-rollout")["StateMachineArn"]


def put_artifact(systems: LocalAws, template: Any = TEMPLATE) -> dict[str, str]:
    resources = systems.client("cloudformation").describe_stack_resources(StackName="stepline")
    ids = {item["LogicalResourceId"]: item["PhysicalResourceId"] for item in resources["StackResources"]}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("template.json", json.dumps(template))
    key = f"rollout/{hashlib.sha256(content.getvalue()).hexdigest()}.zip"
    systems.client("s3").put_object(Bucket=ids["ArtifactBucket"], Key=key, Body=content.getvalue())
    return {"revisionS3Bucket": ids["ArtifactBucket"], "revisionS3Key": key}


def run(systems: LocalAws, machine: str, document: dict[str, Any]) -> dict[str, Any]:
    states = systems.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=machine, input=json.dumps(document))["executionArn"]
    return systems.wait_for_execution(arn)


def document(systems: LocalAws, stack: str) -> dict[str, Any]:
    targets = [
        {
            "name": f"{account[0]}-{region}",
            "group": region,
            "target": {"region": region, "roleArn": f"arn:aws:iam::{account}:role/stepline-target"},
            "roleArn": f"arn:aws:iam::{account}:role/stepline-target-application",
            "parameters": {"Size": account[0]},
        }
        for account, region in PLACES
    ]
    return {
        **put_artifact(systems),
        "environmentName": stack,
        "stackName": "app",
        "templatePath": "template.json",
        "target": {"externalId": EXTERNAL_ID, "sessionTags": {"Pipeline": "rollout"}},
        "targets": targets,
        "waves": ["eu-west-1", "rest"],
    }


def stack_of(systems: LocalAws, name: str, account: str, region: str) -> dict[str, Any]:
    stacks = client_of(systems, "cloudformation", account, region).describe_stacks()["Stacks"]
    return next((stack for stack in stacks if stack["StackName"] == name), {})


def test_one_revision_is_deployed_to_two_accounts_and_regions(systems: LocalAws, machine: str) -> None:
    ended = run(systems, machine, document(systems, "all"))
    assert ended["status"] == "SUCCEEDED", ended.get("cause")
    assert json.loads(ended["output"])["stepline_summary"] == "Deployed to 4 targets in 2 waves."
    for account, region in PLACES:
        stack = stack_of(systems, "all-app", account, region)
        assert stack["StackId"].startswith(f"arn:aws:cloudformation:{region}:{account}:stack/all-app/")
        assert {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]} == {"Size": account[0]}
        assert {"Key": "stepline:deployed-by", "Value": "stepline"} in stack["Tags"]
        assert stack["RoleARN"] == f"arn:aws:iam::{account}:role/stepline-target-application"
    bucket = put_artifact(systems)["revisionS3Bucket"]
    assert "Contents" not in systems.client("s3").list_objects_v2(Bucket=bucket, Prefix="templates/")


def test_wave_that_fails_ends_the_rollout(systems: LocalAws, machine: str) -> None:
    """One account does not trust the external id of the input."""
    given = document(systems, "fails")
    given["targets"][1]["target"]["externalId"] = "another"
    ended = run(systems, machine, given)
    assert ended["status"] == "FAILED"
    assert ended["error"] == "WaveFailedError"
    assert 'wave 1 (eu-west-1) of 2: 1 of 2 targets failed. Failed: "3-eu-west-1"' in ended["cause"]
    assert 'Succeeded: "4-eu-west-1". Not started: "3-us-east-1", "4-us-east-1".' in ended["cause"]
    assert stack_of(systems, "fails-app", ACCOUNTS[0], "us-east-1") == {}


def test_alarm_of_a_target_stops_the_rollout(systems: LocalAws, machine: str) -> None:
    account, region = PLACES[1]
    alarms = client_of(systems, "cloudwatch", account, region)
    alarms.put_metric_alarm(
        AlarmName="rollout-errors",
        Namespace="rollout",
        MetricName="Errors",
        Statistic="Sum",
        Period=10,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
    )
    given = document(systems, "alarm")
    given["targets"][1]["alarms"] = ["rollout-errors"]
    given["bakeMinutes"] = 30
    states = systems.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=machine, input=json.dumps(given))["executionArn"]
    wait_for(lambda: stack_of(systems, "alarm-app", account, region).get("StackStatus") == "CREATE_COMPLETE")
    alarms.put_metric_data(Namespace="rollout", MetricData=[{"MetricName": "Errors", "Value": 1.0}])
    ended = systems.wait_for_execution(arn)
    assert ended["error"] == "AlarmError", ended["cause"]
    assert 'the alarm "rollout-errors" of the target "3-eu-west-1" is in ALARM' in ended["cause"]
    assert stack_of(systems, "alarm-app", account, "us-east-1") == {}


def test_stopped_deployment_in_a_target_is_cleaned_up(systems: LocalAws, machine: str) -> None:
    """The role of examples/rollout/target.yaml allows it. Its change waits for an approval meanwhile."""
    account, region = PLACES[1]
    given = document(systems, "stopped")
    target = next(item for item in given.pop("targets") if item["name"] == f"{account[0]}-{region}")
    given |= {"roleArn": target["roleArn"], "target": {**given["target"], **target["target"]}}
    del given["waves"]
    deploy = outputs_of(systems, "stepline")["StateMachineArn"]
    assert run(systems, deploy, given)["status"] == "SUCCEEDED"
    asks = given | {**put_artifact(systems, _WITHOUT_TOPIC), "approval": True}
    states, stacks = systems.client("stepfunctions"), client_of(systems, "cloudformation", account, region)
    arn = states.start_execution(stateMachineArn=deploy, input=json.dumps(asks))["executionArn"]

    def change_sets() -> list[str]:
        found = stacks.list_change_sets(StackName="stopped-app")["Summaries"]
        return [item["ExecutionStatus"] for item in found]

    wait_for(lambda: change_sets() == ["AVAILABLE"])
    states.stop_execution(executionArn=arn)
    wait_for(lambda: change_sets() == [])
