"""The combinations of docs/combinations.md: systems that start each other, and a pipeline that runs them."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from stepline.deployment.stack import deploy
from tests.end_to_end.local_aws import PROJECT, LocalAws
from tests.waiting import wait_for

pytestmark = pytest.mark.xdist_group("systems")

BATCH, TRIGGER, PIPELINE = "stepline-batch", "combined-trigger", "combinations"


def outputs(local: LocalAws, stack: str) -> dict[str, str]:
    (found,) = local.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return {item["OutputKey"]: item["OutputValue"] for item in found["Outputs"]}


def deploy_stack(local: LocalAws, template: str, name: str, **parameters: str) -> None:
    deploy(
        PROJECT / template,
        stack_name=name,
        session=local.session,
        endpoint_url=local.endpoint_url,
        parameters=parameters,
        report=lambda _line: None,
    )


def batch_parameters(*items: str) -> dict[str, Any]:
    return {"parameters": {"step1_parameter": "one", "step2_parameters": items, "step3_parameters": []}}


def test_upload_starts_the_batch_workflow(systems: LocalAws) -> None:
    machine = outputs(systems, BATCH)["StateMachineArn"]
    deploy_stack(systems, "statemachines/s3_trigger/template.yaml", TRIGGER, StateMachineArn=machine)
    created = outputs(systems, TRIGGER)
    bucket, key_arn = created["TargetBucketName"], created["TargetBucketKeyArn"]
    access = {"InputBucketName": bucket, "InputBucketKeyArn": key_arn}
    deploy_stack(systems, "statemachines/batch/template.yaml", BATCH, **access)
    key = f"{uuid.uuid4().hex}.json"
    systems.client("s3").put_object(Bucket=bucket, Key=key, Body=json.dumps(batch_parameters("a", "b")))
    states = systems.client("stepfunctions")

    def started() -> Any:
        found = states.list_executions(stateMachineArn=machine)["executions"]
        return next((item for item in found if item["name"].startswith(key.replace(".", "-"))), None)

    ended = systems.wait_for_execution(wait_for(started)["executionArn"])
    assert ended["status"] == "SUCCEEDED", ended.get("cause")
    assert len(json.loads(ended["output"])["step2"]) == 2


def test_pipeline_deploys_tests_and_runs_the_batch_workflow(systems: LocalAws) -> None:
    deploy_stack(
        systems,
        "examples/combinations/template.yaml",
        PIPELINE,
        ProcessStateMachineArn=outputs(systems, "stepline-process")["ProcessStateMachineArn"],
        BatchStateMachineArn=outputs(systems, BATCH)["StateMachineArn"],
        PollSeconds="1",
    )
    inputs = {
        "process_input.json": {"processInput": {"order": 4711}},
        "batch_input.json": batch_parameters("a", "b"),
        "state_machine_input.json": {
            "environmentName": "combined",
            "stackName": "app",
            "templatePath": "template.yaml",
        },
    }
    files = {name: json.dumps(document) for name, document in inputs.items()}
    files["template.yaml"] = (PROJECT / "app/template.yaml").read_text()
    systems.client("codecommit").create_commit(
        repositoryName=PIPELINE,
        branchName="main",
        putFiles=[{"filePath": path, "fileContent": content} for path, content in files.items()],
    )
    pipelines = systems.client("codepipeline")

    def ended() -> Any:
        found = pipelines.list_pipeline_executions(pipelineName=PIPELINE)["pipelineExecutionSummaries"]
        return next((item for item in found if item["status"] != "InProgress"), None)

    execution = wait_for(ended)["pipelineExecutionId"]
    details = pipelines.list_action_executions(
        pipelineName=PIPELINE, filter={"pipelineExecutionId": execution}
    )["actionExecutionDetails"]
    actions = {item["actionName"]: item for item in details}
    assert {name: item["status"] for name, item in actions.items()} == dict.fromkeys(
        ["Source", "Deploy", "Test", "Load"], "Succeeded"
    )
    load = actions["Load"]
    assert load["output"]["outputVariables"] == {"log": "/aws/batch/stepline-batch", "jobs": "2"}
    queue = actions["Deploy"]["output"]["outputVariables"]["QueueUrl"]
    described = systems.client("stepfunctions").describe_execution(
        executionArn=load["output"]["executionResult"]["externalExecutionId"]
    )
    assert json.loads(described["input"])["parameters"]["step1_parameter"] == {
        "queue": queue,
        "tested": actions["Test"]["output"]["outputVariables"]["transaction"],
    }
