"""The action's link, and other ends: superseded, abandoned, expired, a wave that fails."""

from __future__ import annotations

import functools
import json
from typing import Any

from tests.acceptance.deployment import Deployer
from tests.acceptance.environment import PROJECT, Environment
from tests.acceptance.pushes import (
    commit_app,
    end_of,
    executions,
    find_stack,
    finished,
    name_queue,
    wait_for_request,
)
from tests.acceptance.steps import Step

_EXPIRES = "expires"
"""Name of the execution whose request for approval expires after a minute, while other steps run."""


def steps_of_the_action() -> list[Step]:
    """Return the steps that follow a refused replacement: it is asked for again."""
    return [
        Step("pipeline", "let a request expire", "RUNNING", _begin_expiry),
        Step("pipeline", "link", "InProgress, link to the execution, change set", _link),
        Step("pipeline", "supersede", "Superseded, nothing started", _supersede),
        Step("pipeline", "abandon", "ABORTED: ActionStopped, no change set, no template", _abandon),
        Step("pipeline", "next execution", "Succeeded", _next_execution),
    ]


def last_steps(deployer: Deployer) -> list[Step]:
    def deploy(environment: Environment) -> str:
        file = PROJECT / "statemachines/rollout/template.yaml"
        deployer.deploy(file, environment.stack_name("rollout"), {})
        return "deployed"

    expected_wave = "FAILED: WaveFailedError, CREATE_COMPLETE, no stack, no stack"
    return [
        Step("rollout", "deploy", "deployed", deploy),
        Step("rollout", "wave that fails", expected_wave, _failing_wave),
        Step(
            "rollout",
            "approved wave",
            "no stack; SUCCEEDED, CREATE_COMPLETE, approved wave 2",
            _approved_wave,
        ),
        Step("pipeline", "expired request", "FAILED: ApprovalExpiredError, no change set", _expired),
    ]


# ------------------------------------------------------------------------------- the custom action


def _link(environment: Environment) -> str:
    """See the link while the deployment waits for an approval, and so has a change set."""
    _set_execution_mode(environment, "SUPERSEDED")
    change = functools.partial(name_queue, environment)
    commit_app(environment, stack="app", change=change, inputs={"approval": {"timeoutMinutes": 60}})
    wait_for_request(environment)
    action = _action(environment)
    execution = action["externalExecutionId"]
    is_linked = action["externalExecutionUrl"].endswith(execution)
    link = "link to the execution" if is_linked else action["externalExecutionUrl"]
    return f"{action['status']}, {link}, {_change_set(environment, 'app')}"


def _supersede(environment: Environment) -> str:
    """Push twice while the stage is occupied: the later execution supersedes the earlier one."""
    execution_ids = []
    for _ in range(2):
        commit = commit_app(environment, stack="app")
        find = functools.partial(_execution_of, environment, commit)
        execution_ids.append(environment.wait_for(find, f"the pipeline execution of {commit[:8]}"))
    status = environment.wait_for(
        lambda: finished(environment, execution_ids[0]), "the superseded execution", seconds=300
    )
    details = environment.client("codepipeline").list_action_executions(
        pipelineName=environment.prefix, filter={"pipelineExecutionId": execution_ids[0]}
    )["actionExecutionDetails"]
    started = [each["actionName"] for each in details if each["stageName"] == "Deploy"]
    return f"{status}, {'started ' + str(started) if started else 'nothing started'}"


def _abandon(environment: Environment) -> str:
    """Abandon the execution that waits; its state machine is stopped, and its change set deleted."""
    action = _action(environment)
    environment.client("codepipeline").stop_pipeline_execution(
        pipelineName=environment.prefix,
        pipelineExecutionId=_occupant(environment),
        abandon=True,
        reason="abandoned by the acceptance run",
    )
    ended = environment.wait_for_execution(action["externalExecutionId"])
    environment.wait_for(
        lambda: _change_set(environment, "app") == "no change set" or None, "the clean-up", seconds=900
    )
    bucket = environment.outputs()["ArtifactBucketName"]
    found = environment.client("s3").list_objects_v2(Bucket=bucket, Prefix="templates/").get("Contents", [])
    templates = [item["Key"] for item in found] or "no template"
    return f"{ended['status']}: {ended.get('error')}, {_change_set(environment, 'app')}, {templates}"


def _next_execution(environment: Environment) -> str:
    """The execution that had superseded another one enters the stage."""
    commit = executions(environment)[0]["sourceRevisions"][0]["revisionId"]
    status, reason = end_of(environment, commit)
    _set_execution_mode(environment, "QUEUED")
    return f"{status} {reason}"


def _set_execution_mode(environment: Environment, mode: str) -> None:
    pipelines = environment.client("codepipeline")
    pipeline = pipelines.get_pipeline(name=environment.prefix)["pipeline"]
    pipelines.update_pipeline(pipeline={**pipeline, "executionMode": mode})


def _deploy_stage(environment: Environment) -> Any:
    state = environment.client("codepipeline").get_pipeline_state(name=environment.prefix)
    return next(stage for stage in state["stageStates"] if stage["stageName"] == "Deploy")


def _action(environment: Environment) -> Any:
    """Return what the pipeline's page shows of the Deploy action."""
    actions = _deploy_stage(environment)["actionStates"]
    return next(action for action in actions if action["actionName"] == "Deploy")["latestExecution"]


def _occupant(environment: Environment) -> str:
    """Return the pipeline execution that is in the Deploy stage."""
    return str(_deploy_stage(environment)["latestExecution"]["pipelineExecutionId"])


def _execution_of(environment: Environment, commit: str) -> str | None:
    for summary in executions(environment):
        if commit in [revision.get("revisionId") for revision in summary.get("sourceRevisions", [])]:
            return str(summary["pipelineExecutionId"])
    return None


def _change_set(environment: Environment, stack: str) -> str:
    """Return whether the stack has a change set that can be executed."""
    stack_name = f"{environment.prefix}-{stack}"
    found = environment.client("cloudformation").list_change_sets(StackName=stack_name)["Summaries"]
    return "change set" if any(item["ExecutionStatus"] == "AVAILABLE" for item in found) else "no change set"


# ------------------------------------------------------------------------ executions without a pipeline


def _begin_expiry(environment: Environment) -> str:
    """Create a stack from the first revision, and ask for the replacement that was refused last."""
    inputs = _inputs(environment)
    first, refused = inputs[-1] | {"stackName": "expiring"}, inputs[0] | {"stackName": "expiring"}
    created = environment.wait_for_execution(_start(environment, "", "expiring", first))
    if created["status"] != "SUCCEEDED":
        return f"{created['status']}: {created.get('cause')}"
    arn = _start(environment, "", _EXPIRES, refused | {"approval": {"timeoutMinutes": 1}})
    return str(environment.client("stepfunctions").describe_execution(executionArn=arn)["status"])


def _expired(environment: Environment) -> str:
    machine = environment.outputs()["StateMachineArn"]
    ended = environment.wait_for_execution(f"{machine.replace(':stateMachine:', ':execution:')}:{_EXPIRES}")
    return f"{ended['status']}: {ended.get('error')}, {_change_set(environment, 'expiring')}"


def _failing_wave(environment: Environment) -> str:
    """Deploy to three stacks, one after the other; the second one has no template."""
    names = ("wave-1", "wave-2", "wave-3")
    targets: list[dict[str, str]] = [{"name": name, "stackName": name} for name in names]
    targets[1]["templatePath"] = "missing.yaml"
    document = {**_inputs(environment)[-1], "targets": targets, "waves": [1, 1, "rest"]}
    ended = environment.wait_for_execution(_start(environment, "rollout", "failing-wave", document))
    stacks = [find_stack(environment, f"{environment.prefix}-{name}") for name in names]
    statuses = [stack["StackStatus"] if stack else "no stack" for stack in stacks]
    return f"{ended['status']}: {ended.get('error')}, {', '.join(statuses)} {ended.get('cause')}"


def _approved_wave(environment: Environment) -> str:
    """Deploy to two stacks in two waves, and approve the second one when `stepline status` shows it."""
    targets = [{"name": name, "stackName": name} for name in ("wave-1", "wave-4")]
    asks = {"targets": targets, "waves": [1, "rest"], "waveApproval": {"timeoutMinutes": 60}}
    arn = _start(environment, "rollout", "approved-wave", _inputs(environment)[-1] | asks)

    def find() -> str | None:
        waiting = json.loads(environment.stepline("status", "--json"))["approvals"]
        return next((str(each["id"]) for each in waiting if each["executionArn"] == arn), None)

    def stack() -> str:
        found = find_stack(environment, f"{environment.prefix}-wave-4")
        return str(found["StackStatus"]) if found else "no stack"

    approval, before = environment.wait_for(find, "the request for approval"), stack()
    environment.stepline("approve", approval, "--reason", "the acceptance run")
    ended = environment.wait_for_execution(arn)
    approved = [item["wave"] for item in json.loads(ended.get("output", "{}")).get("approvals", [])]
    waves = f"approved wave {', '.join(map(str, approved))}" if approved else "nothing approved"
    return f"{before}; {ended['status']}, {stack()}, {waves} {ended.get('cause', '')}"


def _inputs(environment: Environment) -> list[dict[str, Any]]:
    """Return the inputs of the Deploy executions, without their pipeline; the newest first.

    A machine of this name that an earlier run deleted may still have executions, whose artifacts are gone.
    """
    states = environment.client("stepfunctions")
    machine = environment.outputs()["StateMachineArn"]
    found = states.list_executions(stateMachineArn=machine)["executions"]
    documents = [
        json.loads(states.describe_execution(executionArn=item["executionArn"])["input"]) for item in found
    ]
    bucket = environment.outputs()["ArtifactBucketName"]
    return [
        {key: value for key, value in document.items() if key != "codepipeline"}
        for document in documents
        if document["revisionS3Bucket"] == bucket
    ]


def _start(environment: Environment, system: str, name: str, document: dict[str, Any]) -> str:
    started = environment.client("stepfunctions").start_execution(
        stateMachineArn=environment.outputs(system)["StateMachineArn"], name=name, input=json.dumps(document)
    )
    return str(started["executionArn"])
