"""The page of a deployment: what an execution of Deploy changes, the events and the outputs of its stack."""

from __future__ import annotations

from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from stepline.aws.deployments import Deployment, DeploymentReader
from stepline.aws.times import iso_time
from stepline.console.pages import Console, Document, Page, PageNotFoundError, Query, Read
from stepline.core.aws_errors import error_code
from stepline.core.executions.arns import ExecutionArn


def _open(console: Console, query: Query) -> Read:
    execution = ExecutionArn.parse(query.path["arn"])
    if execution is None or execution.is_express:
        raise PageNotFoundError(
            f"{query.path['arn']} is not the ARN of a Standard execution, and only those deploy stacks"
        )
    target = console.target
    reader = DeploymentReader(
        target.client("stepfunctions", execution.region), partial(target.client, "cloudformation"), execution
    )
    return partial(_read, reader, execution)


def _read(reader: DeploymentReader, execution: ExecutionArn) -> Document:
    try:
        deployment = reader.read()
    except ClientError as error:
        if error_code(error) != "ExecutionDoesNotExist":
            raise
        raise PageNotFoundError(f"the execution {execution.name} does not exist") from error
    return {
        "title": f"Deployment by {execution.name}",
        "isLive": not reader.has_ended,
        "execution": {"arn": str(execution), "name": execution.name, "stateMachine": execution.machine},
        "deployment": _deployment(deployment) if deployment else None,
    }


def _deployment(deployment: Deployment) -> dict[str, Any]:
    changes = deployment.changes
    return {
        "stackId": deployment.stack_id,
        "stackName": deployment.stack_name,
        "status": deployment.status or None,
        "reason": deployment.reason or None,
        "changeSet": deployment.change_set or None,
        "changes": None
        if changes is None
        else [
            {
                "path": each.path,
                "type": each.type,
                "action": each.action,
                "replacement": each.replacement or None,
                "causes": list(each.causes),
            }
            for each in changes
        ],
        "events": [
            {
                "time": iso_time(each.moment),
                "resource": each.logical_id,
                "type": each.resource_type,
                "status": each.status,
                "reason": each.reason or None,
            }
            for each in deployment.events
        ],
        "outputs": dict(deployment.outputs),
    }


PAGES = (Page("/executions/{arn}/deployment", "deployment.html", _open),)
