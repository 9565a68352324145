"""The rollout: waves, one that fails, an alarm after a wave, approvals, an input that is refused."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stepline.core.local_aws import ACCOUNT_ID, DEFAULT_REGION
from tests.fakes.clients import client_of
from tests.fakes.codepipeline import FakeCodePipeline
from tests.fakes.dynamodb import FakeDynamoDb
from tests.fakes.notifications import FakeSns
from tests.fakes.sts import FakeSts
from tests.faults.pipeline_parts import ROLE
from tests.faults.system_scenario import SystemScenario
from tests.faults.system_world import SystemWorld
from tests.faults.world import Service
from tests.statemachines.approvals.approvers import PROOF, Approvers
from tests.statemachines.rollout.machine import BASE_INPUT, FakeAlarms
from tests.statemachines.rollout.machine import DEPLOY as DEPLOY_DEFINITION

_MACHINE, _DEPLOY = "StateMachine", "deploy"
_BUCKET, _KEY = "artifacts", "pipeline/source/abc.zip"
_SECRET = "S3CR3T-PARAMETER"
_ALARM = "errors"
_TABLE = "WaveApprovalsTable"
_PIPELINE = {"pipelineName": "app", "pipelineExecutionId": "11111111-2222-3333-4444-555555555555"}
_PARAMETERS = {
    "DeployStateMachineArn": f"arn:aws:states:{DEFAULT_REGION}:{ACCOUNT_ID}:stateMachine:{_DEPLOY}",
    "ApprovalTopicArn": f"arn:aws:sns:{DEFAULT_REGION}:{ACCOUNT_ID}:approvals",
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


def _wave_is_deployed_only_when_approved(world: SystemWorld) -> Iterator[str]:
    """A request is answered once; the same answer can be repeated, and then has the same status."""
    yield from _no_deployment_runs_or_is_repeated(world)
    requests = world.notes["requests"].items(_TABLE)
    statuses = {item["id"]["S"]: item["status"]["S"] for item in requests}
    stacks = {text.split()[0] for text in _deployments(world)}
    if "b" in stacks and set(statuses.values()) != {"APPROVED"}:
        yield f"the second wave was deployed, and its requests are {statuses}"
    for request_id, accepted in world.notes["approvers"].accepted.items():
        if accepted != {statuses[request_id]}:
            yield f"the answers {sorted(accepted)} were accepted, and {statuses[request_id]} is stored"


def _services(
    world: SystemWorld, *, raised: Mapping[str, float], answers: Sequence[Mapping[str, Any]]
) -> Mapping[str, Service]:
    sns, sts = FakeSns(), FakeSts(clock=world.clock)
    approvers = Approvers(world.clock, sts, world.functions, function="AnswerWaveApprovalFunction")
    approvers.answers = answers
    approvers.attach(sns)
    requests = FakeDynamoDb(tables=[(_TABLE, "id")])
    world.notes |= {"approvers": approvers, "requests": requests}
    return {
        "cloudwatch": FakeAlarms(clock=world.clock, alarms=[_ALARM], raised=raised),
        "dynamodb": requests,
        "sns": sns,
        "sts": sts,
        "codepipeline": FakeCodePipeline(),
    }


def _scenario(
    case: str,
    *,
    raised: Mapping[str, float] | None = None,
    answers: Sequence[Mapping[str, Any]] = (),
    is_resilient: bool = True,
    **members: Any,
) -> SystemScenario:
    asks = "waveApproval" in members
    return SystemScenario(
        "rollout",
        case,
        functools.partial(_start, **members),
        _stored,
        _wave_is_deployed_only_when_approved if asks else _no_deployment_runs_or_is_repeated,
        parameters=_PARAMETERS,
        services=functools.partial(_services, raised=raised or {}, answers=answers),
        task_clients={"stepfunctions": lambda world: client_of(world.stepfunctions)},
        secrets=(_SECRET, PROOF["securityToken"]),
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
    *(
        _scenario(
            f"wave_{case}",
            targets=[_target("a"), _target("b")],
            waveApproval={"timeoutMinutes": 60},
            answers=answers,
            codepipeline=_PIPELINE,
        )
        for case, answers in (
            ("approved", [{"after": 600, "decision": "approve", "reason": "no errors"}]),
            ("rejected", [{"after": 600, "decision": "reject"}]),
            ("expires", []),
        )
    ),
    _scenario("refused", targets=[_target("a"), _target("a")]),
)
