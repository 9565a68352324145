"""The ways through the pipeline: what a user pushes, and how the Deploy action ends."""

from __future__ import annotations

import functools
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from stepline.deployment import template
from tests.acceptance.deployment import Deployer
from tests.acceptance.environment import PROJECT, Environment
from tests.acceptance.steps import Step

_FINISHED = ("Succeeded", "Failed", "Stopped", "Superseded", "Cancelled")
_HANDLE: dict[str, Any] = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
_SIGNAL_SECONDS = "600"
Change = Callable[[dict[str, Any]], None]


def steps(deployer: Deployer) -> list[Step]:
    def step(name: str, expected: str, run: Callable[[Environment], str]) -> Step:
        return Step("pipeline", name, expected, run)

    def deploy(environment: Environment) -> str:
        deployer.deploy(PROJECT / "template.yaml", environment.stack_name(), parameters(environment))
        return "deployed"

    return [
        step("deploy", "deployed", deploy),
        step("push", "Succeeded, CREATE_COMPLETE, QueueUrl", _push),
        step("update", "Succeeded, UPDATE_COMPLETE, 60", _update),
        step("nothing changed", "Succeeded, not updated", _nothing_changed),
        step("refused replacement", "Failed: ReplacementRefusedError: Queue", _refused_replacement),
        step("rejected change", "Failed: ApprovalRejectedError", _rejected_change),
        step("approved change", "Succeeded, UPDATE_COMPLETE", _approved_change),
        step("broken template", "Failed, CloudFormation's reason, not updated", _broken_template),
        step("stop", "Failed: Aborted: stopped by the acceptance run", _stop),
        step("stack of another tool", "Failed: ForeignStackError", _foreign_stack),
        step("retry", "Succeeded, CREATE_COMPLETE", _retry),
    ]


def parameters(environment: Environment) -> dict[str, str]:
    return {
        "PipelineName": environment.prefix,
        "RepositoryName": f"{environment.prefix}-app",
        "ApplicationStackNames": f"{environment.prefix}-*",
        "PollSeconds": "1" if environment.is_local else "10",
    }


def application_stacks(environment: Environment) -> list[str]:
    """Return the stacks that the steps deploy."""
    return [f"{environment.prefix}-{name}" for name in ("app", "slow", "taken")]


def _push(environment: Environment) -> str:
    status, _ = _deploy(environment)
    output = "QueueUrl" if "QueueUrl" in _outputs(environment) else "no output QueueUrl"
    return f"{status}, {_stack(environment)['StackStatus']}, {output}"


def _update(environment: Environment) -> str:
    status, reason = _deploy(environment, configuration={"VisibilityTimeoutSeconds": "60"})
    values = {item["ParameterKey"]: item["ParameterValue"] for item in _stack(environment)["Parameters"]}
    stack_status = _stack(environment)["StackStatus"]
    return f"{status}, {stack_status}, {values.get('VisibilityTimeoutSeconds')} {reason}"


def _nothing_changed(environment: Environment) -> str:
    before = _stack(environment).get("LastUpdatedTime")
    status, reason = _deploy(environment, configuration={"VisibilityTimeoutSeconds": "60"})
    return (
        f"{status}, {'not ' if _stack(environment).get('LastUpdatedTime') == before else ''}updated {reason}"
    )


def _name_queue(environment: Environment, document: dict[str, Any]) -> None:
    document["Resources"]["Queue"]["Properties"]["QueueName"] = f"{environment.prefix}-app-orders"


def _refused_replacement(environment: Environment) -> str:
    status, reason = _deploy(environment, change=functools.partial(_name_queue, environment))
    return f"{status}: {reason.partition(': ')[2]}"


def _rejected_change(environment: Environment) -> str:
    status, reason = _answered(environment, "reject")
    return f"{status}: {reason.partition(': ')[2]}"


def _approved_change(environment: Environment) -> str:
    status, reason = _answered(environment, "approve")
    return f"{status}, {_stack(environment)['StackStatus']} {reason}"


def _answered(environment: Environment, command: str) -> tuple[str, str]:
    """Push a replacement that waits for an approval, and answer as soon as `stepline status` shows it."""
    change = functools.partial(_name_queue, environment)
    commit = _commit(environment, stack="app", change=change, approval={"timeoutMinutes": 60})

    def find() -> str | None:
        waiting = json.loads(environment.stepline("status", "--json"))["approvals"]
        name = f"{environment.prefix}-app"
        return next((str(each["id"]) for each in waiting if each["stackName"] == name), None)

    approval = environment.wait_for(find, "the request for approval")
    environment.stepline(command, approval, "--reason", "the acceptance run")
    return _end_of(environment, commit)


def _broken_template(environment: Environment) -> str:
    def add_unknown_type(document: dict[str, Any]) -> None:
        document["Resources"]["Broken"] = {"Type": "AWS::SQS::NoSuchType"}

    before = _stack(environment).get("LastUpdatedTime")
    status, reason = _deploy(environment, change=add_unknown_type)
    named = "CloudFormation's reason" if "AWS::SQS::NoSuchType" in reason else reason
    return (
        f"{status}, {named}, {'not ' if _stack(environment).get('LastUpdatedTime') == before else ''}updated"
    )


def _stop(environment: Environment) -> str:
    """Stop the state machine's execution while it waits for a stack that is never signalled."""

    def wait_for_signal(document: dict[str, Any]) -> None:
        signal = {"Handle": {"Ref": "Handle"}, "Timeout": _SIGNAL_SECONDS}
        document["Resources"] = {
            "Handle": _HANDLE,
            "Signal": {"Type": "AWS::CloudFormation::WaitCondition", "Properties": signal},
        }
        document.pop("Outputs")

    commit = _commit(environment, stack="slow", change=wait_for_signal)
    slow = f"{environment.prefix}-slow"
    environment.wait_for(lambda: _find_stack(environment, slow), f"the stack {slow}")
    states = environment.client("stepfunctions")
    machine = environment.outputs()["StateMachineArn"]
    running = states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]
    for execution in running:
        states.stop_execution(executionArn=execution["executionArn"], cause="stopped by the acceptance run")
    status, reason = _end_of(environment, commit)
    return f"{status}: {reason.partition(': ')[2]}"


def _foreign_stack(environment: Environment) -> str:
    """A person has created a stack with the name that the push wants."""
    taken = f"{environment.prefix}-taken"
    cloudformation = environment.client("cloudformation")
    body = json.dumps({"Resources": {"Handle": _HANDLE}})
    cloudformation.create_stack(StackName=taken, TemplateBody=body)
    environment.wait_for(lambda: _settled_stack(environment, taken), f"the stack {taken}")
    status, reason = _deploy(environment, stack="taken")
    return f"{status}: {reason.partition(': ')[2]}"


def _retry(environment: Environment) -> str:
    """The person deletes that stack, and retries the stage of the last execution."""
    taken = f"{environment.prefix}-taken"
    environment.client("cloudformation").delete_stack(StackName=taken)
    environment.wait_for(lambda: _find_stack(environment, taken) is None or None, f"the deletion of {taken}")
    pipelines = environment.client("codepipeline")
    execution = _executions(environment)[0]["pipelineExecutionId"]
    pipelines.retry_stage_execution(
        pipelineName=environment.prefix,
        stageName="Deploy",
        pipelineExecutionId=execution,
        retryMode="FAILED_ACTIONS",
    )
    status = environment.wait_for(lambda: _finished(environment, execution), "the retried stage")
    found = _find_stack(environment, taken)
    return f"{status}, {found['StackStatus'] if found else 'no stack'}"


# --- what the steps share


def _deploy(
    environment: Environment,
    *,
    stack: str = "app",
    change: Change | None = None,
    configuration: Mapping[str, str] | None = None,
) -> tuple[str, str]:
    """Push the changed sample application, and return how its pipeline execution ended, and why."""
    return _end_of(environment, _commit(environment, stack=stack, change=change, configuration=configuration))


def _commit(
    environment: Environment,
    *,
    stack: str,
    change: Change | None = None,
    configuration: Mapping[str, str] | None = None,
    approval: Mapping[str, Any] | None = None,
) -> str:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(shutil.copytree(PROJECT / "app", Path(temporary) / "app"))
        _edit(folder / "state_machine_input.json", environmentName=environment.prefix, stackName=stack)
        if approval:
            _edit(folder / "state_machine_input.json", approval=dict(approval))
        if configuration:
            _edit(folder / "template_configuration.json", Parameters=dict(configuration))
        if change is not None:
            document = template.read_template(folder / "template.yaml")
            change(document)
            (folder / "template.yaml").write_text(json.dumps(document, default=str))
            if stack == "slow":
                _edit(folder / "template_configuration.json", Parameters={})
        # One of the templates is broken: CloudFormation must refuse it.
        options = ["--pipeline", environment.prefix, "--allow-empty", "--no-check"]
        environment.stepline("push", str(folder), *options)
    branch = environment.client("codecommit").get_branch(
        repositoryName=f"{environment.prefix}-app", branchName="main"
    )
    return str(branch["branch"]["commitId"])


def _edit(file: Path, **values: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def _end_of(environment: Environment, commit: str) -> tuple[str, str]:
    """Wait for the pipeline execution of the commit; return its status and the Deploy action's message."""

    def find() -> str | None:
        for summary in _executions(environment):
            if commit in [revision.get("revisionId") for revision in summary.get("sourceRevisions", [])]:
                return str(summary["pipelineExecutionId"]) if summary["status"] in _FINISHED else None
        return None

    execution = environment.wait_for(find, f"the pipeline execution of {commit[:8]}")
    details = environment.client("codepipeline").list_action_executions(
        pipelineName=environment.prefix, filter={"pipelineExecutionId": execution}
    )["actionExecutionDetails"]
    action = next(detail for detail in details if detail["actionName"] == "Deploy")
    result = action["output"]["executionResult"]
    message = result.get("errorDetails", {}).get("message", "")
    return action["status"], message


def _finished(environment: Environment, execution_id: str) -> str | None:
    execution = environment.client("codepipeline").get_pipeline_execution(
        pipelineName=environment.prefix, pipelineExecutionId=execution_id
    )["pipelineExecution"]
    return str(execution["status"]) if execution["status"] in _FINISHED else None


def _executions(environment: Environment) -> list[Any]:
    response = environment.client("codepipeline").list_pipeline_executions(pipelineName=environment.prefix)
    return list(response["pipelineExecutionSummaries"])


def _stack(environment: Environment) -> dict[str, Any]:
    return _find_stack(environment, f"{environment.prefix}-app") or {
        "StackStatus": "no stack",
        "Parameters": [],
    }


def _outputs(environment: Environment) -> set[str]:
    return {item["OutputKey"] for item in _stack(environment).get("Outputs", [])}


def _settled_stack(environment: Environment, name: str) -> dict[str, Any] | None:
    stack = _find_stack(environment, name)
    return stack if stack and not stack["StackStatus"].endswith("_IN_PROGRESS") else None


def _find_stack(environment: Environment, name: str) -> dict[str, Any] | None:
    cloudformation = environment.client("cloudformation")
    try:
        found: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except cloudformation.exceptions.ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return found
