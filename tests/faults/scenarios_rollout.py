"""The rollout: two waves, a wave that fails, an alarm after a wave, an input that is refused."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from typing import Any

from stepline.core.local_aws import ACCOUNT_ID, DEFAULT_REGION
from tests.fakes.clients import client_of
from tests.faults.pipeline_parts import ROLE
from tests.faults.system_scenario import SystemScenario
from tests.faults.system_world import SystemWorld
from tests.faults.world import Service
from tests.statemachines.rollout.machine import BASE_INPUT, FakeAlarms
from tests.statemachines.rollout.machine import DEPLOY as DEPLOY_DEFINITION

_MACHINE, _DEPLOY = "StateMachine", "deploy"
_BUCKET, _KEY = "artifacts", "pipeline/source/abc.zip"
_SECRET = "S3CR3T-PARAMETER"
_ALARM = "errors"
_PARAMETERS = {
    "DeployStateMachineArn": f"arn:aws:states:{DEFAULT_REGION}:{ACCOUNT_ID}:stateMachine:{_DEPLOY}"
}


def _start(world: SystemWorld, **members: Any) -> None:
    """Deploy to stacks of the rollout's own account."""
    world.stepfunctions.create_state_machine(
        {"name": _DEPLOY, "definition": json.dumps(DEPLOY_DEFINITION), "roleArn": ROLE}
    )
    world.start(_MACHINE, {**BASE_INPUT, "capabilities": ["CAPABILITY_IAM"], **members})


def _target(name: str, **parameters: str) -> dict[str, Any]:
    return {"name": name, "stackName": name, "parameters": {"Secret": _SECRET, **parameters}}


def _deployments(world: SystemWorld) -> Iterator[str]:
    """Yield the inputs of the deployments, without what names the execution."""
    client = client_of(world.stepfunctions)
    arn = _PARAMETERS["DeployStateMachineArn"]
    for item in client.list_executions(stateMachineArn=arn)["executions"]:
        described = client.describe_execution(executionArn=item["executionArn"])
        yield f"{json.loads(described['input'])['stackName']} {described['status']}"


def _stored(world: SystemWorld) -> list[str]:
    return sorted(_deployments(world))


def _no_deployment_runs_or_is_repeated(world: SystemWorld) -> Iterator[str]:
    """One deployment for each target; a rollout that was stopped stops its deployments."""
    found = list(_deployments(world))
    stacks = [text.split()[0] for text in found]
    yield from (f"{stack} was deployed twice" for stack in set(stacks) if stacks.count(stack) > 1)
    yield from (f"a deployment still runs: {text}" for text in found if text.endswith("RUNNING"))


def _alarms(world: SystemWorld, *, raised: Mapping[str, float]) -> Mapping[str, Service]:
    return {"cloudwatch": FakeAlarms(clock=world.clock, alarms=[_ALARM], raised=raised)}


def _scenario(
    case: str, *, raised: Mapping[str, float] | None = None, is_resilient: bool = True, **members: Any
) -> SystemScenario:
    return SystemScenario(
        "rollout",
        case,
        functools.partial(_start, **members),
        _stored,
        _no_deployment_runs_or_is_repeated,
        parameters=_PARAMETERS,
        services=functools.partial(_alarms, raised=raised or {}),
        task_clients={"stepfunctions": lambda world: client_of(world.stepfunctions)},
        secrets=(_SECRET,),
        is_resilient=is_resilient,
    )


SCENARIOS = (
    _scenario(
        "two_waves",
        targets=[_target("a"), _target("b"), _target("c")],
        bakeMinutes=2,
        alarms=[_ALARM],
    ),
    _scenario("wave_fails", targets=[_target("a", Failure="no queue"), _target("b")]),
    # A fault can delay the rollout until the alarm has gone off.
    _scenario(
        "alarm",
        targets=[_target("a"), _target("b")],
        bakeMinutes=2,
        alarms=[_ALARM],
        raised={_ALARM: 0},
    ),
    _scenario("refused", targets=[_target("a"), _target("a")]),
)
