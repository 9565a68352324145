"""Pushes of the changed sample application, and how their pipeline executions end."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from stepline.deployment import template
from tests.acceptance.environment import PROJECT, Environment

_FINISHED = ("Succeeded", "Failed", "Stopped", "Superseded", "Cancelled")
Change = Callable[[dict[str, Any]], None]


def name_queue(environment: Environment, document: dict[str, Any]) -> None:
    document["Resources"]["Queue"]["Properties"]["QueueName"] = f"{environment.prefix}-app-orders"


def wait_for_request(environment: Environment) -> str:
    """Wait until a change of the sample application waits for an approval, and return the request's id."""

    def find() -> str | None:
        waiting = json.loads(environment.stepline("status", "--json"))["approvals"]
        name = f"{environment.prefix}-app"
        return next((str(each["id"]) for each in waiting if each["stackName"] == name), None)

    return environment.wait_for(find, "the request for approval")


def deploy(
    environment: Environment,
    *,
    stack: str = "app",
    change: Change | None = None,
    configuration: Mapping[str, str] | None = None,
    inputs: Mapping[str, Any] | None = None,
) -> tuple[str, str]:
    """Push the changed sample application, and return how its pipeline execution ended, and why."""
    commit = commit_app(environment, stack=stack, change=change, configuration=configuration, inputs=inputs)
    return end_of(environment, commit)


def commit_app(
    environment: Environment,
    *,
    stack: str,
    change: Change | None = None,
    configuration: Mapping[str, str] | None = None,
    inputs: Mapping[str, Any] | None = None,
) -> str:
    """Commit the sample application; `inputs` are further members of the input."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(shutil.copytree(PROJECT / "app", Path(temporary) / "app"))
        _edit(folder / "state_machine_input.json", environmentName=environment.prefix, stackName=stack)
        if inputs:
            _edit(folder / "state_machine_input.json", **inputs)
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


def end_of(environment: Environment, commit: str) -> tuple[str, str]:
    """Wait for the pipeline execution of the commit; return its status and the Deploy action's message."""

    def find() -> str | None:
        for summary in executions(environment):
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


def finished(environment: Environment, execution_id: str) -> str | None:
    execution = environment.client("codepipeline").get_pipeline_execution(
        pipelineName=environment.prefix, pipelineExecutionId=execution_id
    )["pipelineExecution"]
    return str(execution["status"]) if execution["status"] in _FINISHED else None


def executions(environment: Environment) -> list[Any]:
    response = environment.client("codepipeline").list_pipeline_executions(pipelineName=environment.prefix)
    return list(response["pipelineExecutionSummaries"])


def settled_stack(environment: Environment, name: str) -> dict[str, Any] | None:
    stack = find_stack(environment, name)
    return stack if stack and not stack["StackStatus"].endswith("_IN_PROGRESS") else None


def find_stack(environment: Environment, name: str) -> dict[str, Any] | None:
    cloudformation = environment.client("cloudformation")
    try:
        found: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except cloudformation.exceptions.ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return found
