"""Measures the time from the end of an execution to the end of its action, on one local AWS.

Three pipelines run the same state machine: as a Lambda action, as a custom action, and by CodePipeline's own
action. Their executions end at different times of the interval in which two of them poll.
"""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

import boto3

from benchmarks.load.calls import ACCESS_KEY
from benchmarks.load.local_aws import PROJECT, DeployedLocalAws, deployed
from benchmarks.waiting.hour import CUSTOM, HELD, LAMBDA, NATIVE
from benchmarks.waiting.measured_local_aws import PATH
from pipeline.limits import MAX_HOLD_MINUTES
from stepline.core.local_aws import ACCOUNT_ID, DEFAULT_REGION
from stepline.deployment.stack import deploy
from tests.pipeline.world import zip_of
from tests.ports import free_port

EXECUTION_SECONDS = (20, 24, 28, 32, 36, 40, 44)
"""Of the runs of each action."""

_TEMPLATE = PROJECT / "pipeline/template.yaml"
_NAME = "waiting"
_HOLDING = "waiting-held"
_BUCKET = "waiting-artifacts"
_SERVICES = ["codepipeline.amazonaws.com", "states.amazonaws.com"]
_MACHINE = f"arn:aws:states:{DEFAULT_REGION}:{ACCOUNT_ID}:stateMachine:{_NAME}"
_ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/{_NAME}"
_TIME_LIMIT_SECONDS = 300.0
_PARAMETERS = '{"seconds": #{variables.seconds}}'


@dataclass(frozen=True)
class Latency:
    """`delays_seconds`: from the stopDate of each execution to the end of its action.

    Rounded to hundredths. `invocation_seconds`: the average duration of the function, with its cold starts.
    """

    delays_seconds: tuple[float, ...]
    invocation_seconds: float = 0.0

    @property
    def median_seconds(self) -> float:
        return median(self.delays_seconds)

    @property
    def longest_seconds(self) -> float:
        return max(self.delays_seconds)


def measure() -> dict[str, Latency]:
    """Return the latency by the name of the action."""
    with deployed(
        free_port(),
        template=_TEMPLATE,
        parameters={"Name": _NAME, "StateMachineArn": _MACHINE},
        module="benchmarks.waiting.measured_local_aws",
    ) as aws:
        held = _deploy_holding(aws)
        _create_resources(aws)
        pipelines = {
            _create_pipeline(aws, number, action): name for number, (name, action) in _actions(aws, held)
        }
        started = [
            (pipeline, _start(aws, pipeline, seconds))
            for seconds in EXECUTION_SECONDS
            for pipeline in pipelines
        ]
        delays: dict[str, list[float]] = {name: [] for name in pipelines.values()}
        for pipeline, execution_id in started:
            delays[pipelines[pipeline]].append(_delay_seconds(aws, pipeline, execution_id))
        seconds = _invocation_seconds(aws)
    functions = {LAMBDA: f"{_NAME}-trigger", HELD: f"{_HOLDING}-trigger", CUSTOM: f"{_NAME}-worker"}
    return {
        name: Latency(tuple(found), seconds.get(functions.get(name, ""), 0)) for name, found in delays.items()
    }


def _create_resources(aws: DeployedLocalAws) -> None:
    iam = aws.client("iam")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": _SERVICES}}
    iam.create_role(RoleName=_NAME, AssumeRolePolicyDocument=_policy(trust))
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    iam.put_role_policy(RoleName=_NAME, PolicyName="all", PolicyDocument=_policy(statement))
    wait = {"Type": "Wait", "SecondsPath": "$.seconds", "End": True}
    aws.client("stepfunctions").create_state_machine(
        name=_NAME,
        roleArn=_ROLE,
        definition=json.dumps({"StartAt": "Wait", "States": {"Wait": wait}}),
    )
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=_BUCKET)
    s3.put_bucket_versioning(Bucket=_BUCKET, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=_BUCKET, Key="source.zip", Body=zip_of({"state_machine_input.json": b"{}"}))


def _deploy_holding(aws: DeployedLocalAws) -> str:
    """Install the action once more, with a trigger that holds jobs open, and return its name."""
    deployed_stack = deploy(
        _TEMPLATE,
        stack_name=_HOLDING,
        session=boto3.Session(ACCESS_KEY, "load", region_name=DEFAULT_REGION),
        endpoint_url=aws.server.endpoint_url,
        parameters={
            "Name": _HOLDING,
            "StateMachineArn": _MACHINE,
            "ActionProvider": "Holding",
            "HoldMinutes": str(MAX_HOLD_MINUTES),
        },
        report=lambda _text: None,
    )
    return dict(deployed_stack.outputs)["TriggerFunctionName"]


def _actions(aws: DeployedLocalAws, held: str) -> Iterator[tuple[int, tuple[str, dict[str, Any]]]]:
    """Yield a number, the name in the table, and the type and configuration of each action."""
    amazon = {"category": "Invoke", "owner": "AWS", "version": "1"}
    parameters = {
        "UserParameters": f'{{"parameters": {_PARAMETERS}}}',
    }
    custom = {
        "category": "Invoke",
        "owner": "Custom",
        "provider": aws.outputs["ActionProvider"],
        "version": aws.outputs["ActionVersion"],
    }
    own_configuration = {"StateMachineArn": _MACHINE, "Input": _PARAMETERS}
    yield from enumerate(
        [
            *(
                (name, _action({**amazon, "provider": "Lambda"}, {"FunctionName": function, **parameters}))
                for name, function in ((LAMBDA, aws.outputs["TriggerFunctionName"]), (HELD, held))
            ),
            (CUSTOM, _action(custom, {"Parameters": _PARAMETERS})),
            (NATIVE, _action({**amazon, "provider": "StepFunctions"}, own_configuration)),
        ]
    )


def _action(type_id: dict[str, str], configuration: dict[str, str]) -> dict[str, Any]:
    return {
        "name": "Run",
        "actionTypeId": type_id,
        "configuration": configuration,
        "inputArtifacts": [{"name": "Source"}],
    }


def _create_pipeline(aws: DeployedLocalAws, number: int, action: dict[str, Any]) -> str:
    name = f"{_NAME}-{number}"
    source = {
        "name": "Source",
        "actionTypeId": {"category": "Source", "owner": "AWS", "provider": "S3", "version": "1"},
        "configuration": {"S3Bucket": _BUCKET, "S3ObjectKey": "source.zip", "PollForSourceChanges": "false"},
        "outputArtifacts": [{"name": "Source"}],
    }
    aws.client("codepipeline").create_pipeline(
        pipeline={
            "name": name,
            "roleArn": _ROLE,
            "artifactStore": {"type": "S3", "location": _BUCKET},
            "pipelineType": "V2",
            "executionMode": "PARALLEL",
            "variables": [{"name": "seconds", "defaultValue": "1"}],
            "stages": [{"name": "Source", "actions": [source]}, {"name": "Run", "actions": [action]}],
        }
    )
    return name


def _start(aws: DeployedLocalAws, pipeline: str, seconds: int) -> str:
    response = aws.client("codepipeline").start_pipeline_execution(
        name=pipeline, variables=[{"name": "seconds", "value": str(seconds)}]
    )
    return str(response["pipelineExecutionId"])


def _delay_seconds(aws: DeployedLocalAws, pipeline: str, execution_id: str) -> float:
    """Wait for the end of the pipeline's execution. Raise RuntimeError if it fails."""
    codepipeline = aws.client("codepipeline")
    deadline = time.monotonic() + _TIME_LIMIT_SECONDS
    while True:
        response = codepipeline.list_action_executions(
            pipelineName=pipeline, filter={"pipelineExecutionId": execution_id}
        )
        found = [item for item in response["actionExecutionDetails"] if item["actionName"] == "Run"]
        if found and found[0]["status"] != "InProgress":
            break
        if time.monotonic() > deadline:
            raise TimeoutError(f"the action of {pipeline} does not end")
        time.sleep(0.5)
    result = found[0]["output"]["executionResult"]
    if found[0]["status"] != "Succeeded":
        raise RuntimeError(f"the action of {pipeline} has failed: {result}")
    arn = found[0]["output"]["executionResult"]["externalExecutionId"]
    execution = aws.client("stepfunctions").describe_execution(executionArn=arn)
    delay = found[0]["lastUpdateTime"] - execution["stopDate"]
    return round(float(delay.total_seconds()), 2)


def _invocation_seconds(aws: DeployedLocalAws) -> dict[str, float]:
    """Return the average duration of an invocation, by function."""
    with urllib.request.urlopen(aws.server.endpoint_url + PATH) as response:
        found = json.loads(response.read())
    return {name: round(sum(seconds) / len(seconds), 2) for name, seconds in found.items()}


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
