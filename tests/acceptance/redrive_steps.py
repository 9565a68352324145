"""Retry of a stage whose failed execution is redriven: examples/redrive/, as docs/retry.md uses it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from tests.acceptance.deployment import Deployer
from tests.acceptance.environment import PROJECT, Environment
from tests.acceptance.steps import Step

_STAGE = _ACTION = "Migrate"
_FIRST_STATE = "Copy Rows"


def steps(deployer: Deployer) -> list[Step]:
    def deploy(environment: Environment) -> str:
        parameters = {"Name": name_of(environment), "ActionStackName": environment.stack_name()}
        deployer.deploy(PROJECT / "examples/redrive/pipeline.yaml", name_of(environment), parameters)
        return "deployed"

    redriven = "Succeeded, the same execution, redriven 1 time, Copy Rows ran 1 time"
    return [
        Step("pipeline", "deploy a pipeline that redrives", "deployed", deploy),
        Step("pipeline", "failed custom action", "Failed", _fail),
        Step("pipeline", "redrive", redriven, _redrive),
    ]


def name_of(environment: Environment) -> str:
    return f"{environment.prefix}-redrive"


def machine_arn(environment: Environment) -> str:
    caller = environment.client("sts").get_caller_identity()
    place = f"{environment.target.region}:{caller['Account']}"
    return f"arn:{caller['Arn'].split(':')[1]}:states:{place}:stateMachine:{name_of(environment)}"


def switch_name(environment: Environment) -> str:
    """Return the name of the parameter without which the state machine fails."""
    return f"/{name_of(environment)}/switch"


def _fail(environment: Environment) -> str:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "rows.json").write_text("{}")
        environment.stepline("push", folder, "--pipeline", name_of(environment), "--no-check")
    return environment.wait_for(lambda: _ended(environment, 1), "the failed action")


def _redrive(environment: Environment) -> str:
    """Mend the cause, and retry the stage."""
    environment.client("ssm").put_parameter(Name=switch_name(environment), Value="on", Type="String")
    failed = _attempts(environment)[0]
    environment.client("codepipeline").retry_stage_execution(
        pipelineName=name_of(environment),
        stageName=_STAGE,
        pipelineExecutionId=failed["pipelineExecutionId"],
        retryMode="FAILED_ACTIONS",
    )
    status = environment.wait_for(lambda: _ended(environment, 2), "the retried action")
    arns = {each["output"]["executionResult"]["externalExecutionId"] for each in _attempts(environment)}
    states = environment.client("stepfunctions")
    (arn, *others) = sorted(arns)
    redrives = states.describe_execution(executionArn=arn)["redriveCount"]
    history = states.get_execution_history(executionArn=arn, includeExecutionData=False)["events"]
    entered = [each.get("stateEnteredEventDetails", {}).get("name") for each in history]
    same = "other executions" if others else "the same execution"
    runs = entered.count(_FIRST_STATE)
    return f"{status}, {same}, redriven {_times(redrives)}, {_FIRST_STATE} ran {_times(runs)}"


def _attempts(environment: Environment) -> list[Any]:
    """Return the executions of the action, of all pipeline executions."""
    pages = environment.client("codepipeline").get_paginator("list_action_executions")
    found = [
        each
        for page in pages.paginate(pipelineName=name_of(environment))
        for each in page["actionExecutionDetails"]
    ]
    return [each for each in found if each["actionName"] == _ACTION]


def _ended(environment: Environment, attempts: int) -> str | None:
    """Return the status of the latest of so many attempts, when it has ended."""
    found = sorted(_attempts(environment), key=lambda each: each["startTime"])
    if len(found) < attempts or found[-1]["status"] == "InProgress":
        return None
    return str(found[-1]["status"])


def _times(count: int) -> str:
    return f"{count} time{'s' * (count != 1)}"
