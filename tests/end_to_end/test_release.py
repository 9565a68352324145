"""The pipelines of docs/release.md and docs/cross-account.md: dev, an approval, prod."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stepline.deployment.stack import deploy
from tests.end_to_end.local_aws import PROJECT, LocalAws
from tests.waiting import wait_for

pytestmark = [pytest.mark.xdist_group("local_aws")]

PIPELINE = "release"
EXAMPLE, CROSS_ACCOUNT = PROJECT / "examples/release", PROJECT / "examples/cross-account"
EVERYONE = {
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}]
}


STACKS = {"dev": "dev-release-app", "prod": "prod-release-app"}
"""Other tests of the local AWS deploy `dev-app`."""


def application(folder: Path, name: str = "release-app") -> list[dict[str, str]]:
    """Return the files of the example, for these stacks, as CreateCommit takes them."""
    files = {f"{file.relative_to(folder)}": file.read_text() for file in folder.rglob("*") if file.is_file()}
    document = json.loads(files["state_machine_input.json"])
    files["state_machine_input.json"] = json.dumps({**document, "stackName": name})
    return [{"filePath": path, "fileContent": content} for path, content in files.items()]


def test_artifact_is_deployed_to_dev_and_after_an_approval_to_prod(local_aws: LocalAws) -> None:
    _deploy(local_aws, EXAMPLE / "template.yaml", PIPELINE)
    queue = _subscribed_queue(local_aws)
    commit = local_aws.client("codecommit").create_commit(
        repositoryName=PIPELINE, branchName="main", putFiles=application(EXAMPLE / "app")
    )["commitId"]
    approval = json.loads(_next_message(local_aws, queue))["approval"]
    assert approval["customData"] == f"Deploy commit {commit} to prod?"
    assert _retention(local_aws) == {"dev": "3600"}
    local_aws.client("codepipeline").put_approval_result(
        pipelineName=PIPELINE,
        stageName="Prod",
        actionName="Approve",
        token=approval["token"],
        result={"status": "Approved", "summary": "tested"},
    )
    wait_for(lambda: _execution(local_aws)["status"] != "InProgress")
    assert _retention(local_aws) == {"dev": "3600", "prod": "1209600"}
    assert len(_deployed_artifacts(local_aws)) == 1
    for stack in STACKS.values():
        local_aws.client("cloudformation").delete_stack(StackName=stack)


def test_prod_of_another_account_is_deployed_to_with_a_role_of_that_account(local_aws: LocalAws) -> None:
    """The local AWS has one account, which is both."""
    name, account, prod = "cross-account", "000000000000", "release-prod"
    _deploy(local_aws, CROSS_ACCOUNT / "pipeline.yaml", name, ProdAccountId=account)
    _deploy(local_aws, CROSS_ACCOUNT / "prod.yaml", prod, **_outputs(local_aws, name))
    local_aws.client("codecommit").create_commit(
        repositoryName=name, branchName="main", putFiles=application(EXAMPLE / "app", "account-app")
    )
    codepipeline = local_aws.client("codepipeline")

    def waiting() -> Any:
        stages = codepipeline.get_pipeline_state(name=name)["stageStates"]
        return stages[2]["actionStates"][0].get("latestExecution", {}).get("token")

    codepipeline.put_approval_result(
        pipelineName=name,
        stageName="Prod",
        actionName="Approve",
        token=wait_for(waiting, lambda: f"no approval waits: {_execution(local_aws, name)}"),
        result={"status": "Approved", "summary": "tested"},
    )
    wait_for(lambda: _execution(local_aws, name)["status"] != "InProgress")
    assert _execution(local_aws, name)["status"] == "Succeeded"
    machine = f"arn:aws:states:us-east-1:{account}:stateMachine:{prod}-deploy"
    (execution,) = local_aws.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    assert execution["status"] == "SUCCEEDED"
    for stack in ("dev-account-app", "prod-account-app"):
        local_aws.client("cloudformation").delete_stack(StackName=stack)


def _deploy(local: LocalAws, template: Path, name: str, **parameters: str) -> None:
    deploy(
        template,
        stack_name=name,
        session=local.session,
        endpoint_url=local.endpoint_url,
        parameters={"PollSeconds": "1", **parameters},
        report=lambda _line: None,
    )


def _outputs(local: LocalAws, stack_name: str) -> dict[str, str]:
    (stack,) = local.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"]
    return {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}


def _subscribed_queue(local: LocalAws) -> str:
    """Subscribe a new queue to the approvals, and return its URL."""
    sqs = local.client("sqs")
    url = sqs.create_queue(QueueName="approvers", Attributes={"Policy": json.dumps(EVERYONE)})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = _outputs(local, PIPELINE)["ApprovalTopicArn"]
    local.client("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"}
    )
    return str(url)


def _next_message(local: LocalAws, queue: str) -> str:
    def receive() -> str:
        messages = local.client("sqs").receive_message(QueueUrl=queue).get("Messages", [])
        return str(messages[0]["Body"]) if messages else ""

    return wait_for(receive, lambda: f"no approval waits: {_execution(local)}")


def _execution(local: LocalAws, pipeline: str = PIPELINE) -> Any:
    client = local.client("codepipeline")
    return client.list_pipeline_executions(pipelineName=pipeline)["pipelineExecutionSummaries"][0]


def _deployed_artifacts(local: LocalAws) -> set[str]:
    """Return the keys of the artifacts that the Deploy actions had."""
    details = local.client("codepipeline").list_action_executions(
        pipelineName=PIPELINE,
        filter={"pipelineExecutionId": _execution(local)["pipelineExecutionId"]},
    )["actionExecutionDetails"]
    deployments = [item for item in details if item["actionName"].startswith("DeployTo")]
    assert [item["status"] for item in deployments] == ["Succeeded", "Succeeded"]
    return {item["input"]["inputArtifacts"][0]["s3location"]["key"] for item in deployments}


def _retention(local: LocalAws) -> dict[str, str]:
    """Return the parameter of the stack of each stage that has deployed one."""
    stacks = {item["StackName"]: item for item in local.client("cloudformation").describe_stacks()["Stacks"]}
    return {
        stage: stacks[name]["Parameters"][0]["ParameterValue"]
        for stage, name in STACKS.items()
        if name in stacks
    }
