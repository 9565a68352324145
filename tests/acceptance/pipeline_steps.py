"""The ways through the pipeline: what a user pushes, and how the Deploy action ends."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

from tests.acceptance import ending_steps, redrive_steps
from tests.acceptance.deployment import Deployer
from tests.acceptance.environment import PROJECT, Environment
from tests.acceptance.pushes import (
    commit_app,
    deploy,
    end_of,
    executions,
    find_stack,
    finished,
    name_queue,
    settled_stack,
    wait_for_request,
)
from tests.acceptance.steps import Step

_HANDLE: dict[str, Any] = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
_SIGNAL_SECONDS = "600"
_LARGE_CHARACTERS = 300_000


def steps(deployer: Deployer) -> list[Step]:
    def step(name: str, expected: str, run: Callable[[Environment], str]) -> Step:
        return Step("pipeline", name, expected, run)

    def deploy_stack(environment: Environment) -> str:
        deployer.deploy(PROJECT / "template.yaml", environment.stack_name(), parameters(environment))
        return "deployed"

    return [
        step("deploy", "deployed", deploy_stack),
        step("push", "Succeeded, CREATE_COMPLETE, QueueUrl", _push),
        step("update", "Succeeded, UPDATE_COMPLETE, 60", _update),
        step("nothing changed", "Succeeded, not updated", _nothing_changed),
        step("refused replacement", "Failed: ReplacementRefusedError: Queue", _refused_replacement),
        *ending_steps.steps_of_the_action(),
        step("rejected change", "Failed: ApprovalRejectedError", _rejected_change),
        step("approved change", "Succeeded, UPDATE_COMPLETE", _approved_change),
        step("broken template", "Failed, CloudFormation's reason, not updated", _broken_template),
        step("large input", "Failed, InvalidInputError, 1 object", _large_input),
        step("stop", "Failed: Aborted: stopped by the acceptance run", _stop),
        step("stack of another tool", "Failed: ForeignStackError", _foreign_stack),
        step("retry", "Succeeded, CREATE_COMPLETE", _retry),
        *redrive_steps.steps(deployer),
    ]


def parameters(environment: Environment) -> dict[str, str]:
    return {
        "PipelineName": environment.prefix,
        "RepositoryName": f"{environment.prefix}-app",
        "ApplicationStackNames": f"{environment.prefix}-*",
        "LargeData": "true",
        "PollSeconds": "1" if environment.is_local else "10",
        "OtherStateMachineArns": redrive_steps.machine_arn(environment),
    }


def application_stacks(environment: Environment) -> list[str]:
    """Return the stacks that the steps deploy."""
    return [f"{environment.prefix}-{name}" for name in ("app", "slow", "taken")]


def _push(environment: Environment) -> str:
    status, _ = deploy(environment)
    output = "QueueUrl" if "QueueUrl" in _outputs(environment) else "no output QueueUrl"
    return f"{status}, {_stack(environment)['StackStatus']}, {output}"


def _update(environment: Environment) -> str:
    status, reason = deploy(environment, configuration={"VisibilityTimeoutSeconds": "60"})
    values = {item["ParameterKey"]: item["ParameterValue"] for item in _stack(environment)["Parameters"]}
    stack_status = _stack(environment)["StackStatus"]
    return f"{status}, {stack_status}, {values.get('VisibilityTimeoutSeconds')} {reason}"


def _nothing_changed(environment: Environment) -> str:
    before = _stack(environment).get("LastUpdatedTime")
    status, reason = deploy(environment, configuration={"VisibilityTimeoutSeconds": "60"})
    return (
        f"{status}, {'not ' if _stack(environment).get('LastUpdatedTime') == before else ''}updated {reason}"
    )


def _refused_replacement(environment: Environment) -> str:
    status, reason = deploy(environment, change=functools.partial(name_queue, environment))
    return f"{status}: {reason.partition(': ')[2]}"


def _rejected_change(environment: Environment) -> str:
    status, reason = _answered(environment, "reject")
    return f"{status}: {reason.partition(': ')[2]}"


def _approved_change(environment: Environment) -> str:
    status, reason = _answered(environment, "approve")
    return f"{status}, {_stack(environment)['StackStatus']} {reason}"


def _answered(environment: Environment, command: str) -> tuple[str, str]:
    """Push a replacement that waits for an approval, and answer as soon as `stepline status` shows it."""
    change = functools.partial(name_queue, environment)
    commit = commit_app(environment, stack="app", change=change, inputs={"approval": {"timeoutMinutes": 60}})
    approval = wait_for_request(environment)
    environment.stepline(command, approval, "--reason", "the acceptance run")
    return end_of(environment, commit)


def _broken_template(environment: Environment) -> str:
    def add_unknown_type(document: dict[str, Any]) -> None:
        document["Resources"]["Broken"] = {"Type": "AWS::SQS::NoSuchType"}

    before = _stack(environment).get("LastUpdatedTime")
    status, reason = deploy(environment, change=add_unknown_type)
    named = "CloudFormation's reason" if "AWS::SQS::NoSuchType" in reason else reason
    return (
        f"{status}, {named}, {'not ' if _stack(environment).get('LastUpdatedTime') == before else ''}updated"
    )


def _large_input(environment: Environment) -> str:
    """Push an input above 256 KB: it travels through S3, and Deploy, which needs it itself, refuses it."""
    status, reason = deploy(environment, inputs={"parameters": {"Text": "x" * _LARGE_CHARACTERS}})
    bucket = environment.outputs()["LargeDataBucketName"]
    count = environment.client("s3").list_objects_v2(Bucket=bucket, Prefix="inputs/")["KeyCount"]
    error = "InvalidInputError" if "InvalidInputError: The input has more than" in reason else ""
    return f"{status}, {error}, {count} object {reason}"


def _stop(environment: Environment) -> str:
    """Stop the state machine's execution while it waits for a stack that is never signalled."""

    def wait_for_signal(document: dict[str, Any]) -> None:
        signal = {"Handle": {"Ref": "Handle"}, "Timeout": _SIGNAL_SECONDS}
        document["Resources"] = {
            "Handle": _HANDLE,
            "Signal": {"Type": "AWS::CloudFormation::WaitCondition", "Properties": signal},
        }
        document.pop("Outputs")

    commit = commit_app(environment, stack="slow", change=wait_for_signal)
    slow = f"{environment.prefix}-slow"
    environment.wait_for(lambda: find_stack(environment, slow), f"the stack {slow}")
    states = environment.client("stepfunctions")
    machine = environment.outputs()["StateMachineArn"]
    running = states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]
    for execution in running:
        if not execution["name"].startswith("codepipeline-"):
            continue  # a step has started it without the pipeline
        states.stop_execution(executionArn=execution["executionArn"], cause="stopped by the acceptance run")
    status, reason = end_of(environment, commit)
    return f"{status}: {reason.partition(': ')[2]}"


def _foreign_stack(environment: Environment) -> str:
    """A person has created a stack with the name that the push wants."""
    taken = f"{environment.prefix}-taken"
    cloudformation = environment.client("cloudformation")
    body = json.dumps({"Resources": {"Handle": _HANDLE}})
    cloudformation.create_stack(StackName=taken, TemplateBody=body)
    environment.wait_for(lambda: settled_stack(environment, taken), f"the stack {taken}")
    status, reason = deploy(environment, stack="taken")
    return f"{status}: {reason.partition(': ')[2]}"


def _retry(environment: Environment) -> str:
    """The person deletes that stack, and retries the stage of the last execution."""
    taken = f"{environment.prefix}-taken"
    environment.client("cloudformation").delete_stack(StackName=taken)
    environment.wait_for(lambda: find_stack(environment, taken) is None or None, f"the deletion of {taken}")
    pipelines = environment.client("codepipeline")
    execution = executions(environment)[0]["pipelineExecutionId"]
    pipelines.retry_stage_execution(
        pipelineName=environment.prefix,
        stageName="Deploy",
        pipelineExecutionId=execution,
        retryMode="FAILED_ACTIONS",
    )
    status = environment.wait_for(lambda: finished(environment, execution), "the retried stage")
    found = find_stack(environment, taken)
    return f"{status}, {found['StackStatus'] if found else 'no stack'}"


def _stack(environment: Environment) -> dict[str, Any]:
    return find_stack(environment, f"{environment.prefix}-app") or {
        "StackStatus": "no stack",
        "Parameters": [],
    }


def _outputs(environment: Environment) -> set[str]:
    return {item["OutputKey"] for item in _stack(environment).get("Outputs", [])}
