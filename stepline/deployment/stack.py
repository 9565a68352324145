"""Deploys a template as a stack of the local AWS, by change set, and waits for it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from stepline.aws.polling import Poller, TimeoutPassedError
from stepline.aws.stack_waiters import (
    ChangeSetFailedError,
    OperationFailedError,
    wait_for_change_set,
    wait_for_operation,
)
from stepline.aws.stacks import describe_stack, stack_outputs
from stepline.core.aws_errors import error_message
from stepline.core.cloudformation.change_sets import ChangeSetState
from stepline.core.cloudformation.operations import Operation
from stepline.core.cloudformation.stack_events import StackEvent
from stepline.core.cloudformation.stack_status import StackStatus
from stepline.core.cloudformation.stacks import find_stack
from stepline.core.errors import UsageError
from stepline.deployment import template as templates
from stepline.deployment.package_bucket import PackageBucket
from stepline.deployment.stack_names import check_stack_name

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

Report = Callable[[str], None]

_BUCKET = "stepline-deployment"
_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_LOCAL_PARAMETERS = {"ApplicationStackNames": "*-*", "PollSeconds": "1"}
"""Values for templates that have these parameters: all local stacks are the user's own, and a local stack is
ready in a second, not in minutes."""

_POLL_SECONDS = 0.2  # a local deployment takes a few seconds in all
_TIMEOUT_SECONDS = 300


def deploy(
    template: Path,
    *,
    stack_name: str,
    session: boto3.Session,
    endpoint_url: str,
    parameters: Mapping[str, str],
    report: Report,
) -> dict[str, str]:
    """Create or update the stack from the SAM template, and return its outputs.

    `report` gets a line for each completed resource. Raises UsageError with CloudFormation's reason, and
    leaves the stack as CloudFormation does.
    """
    cloudformation: CloudFormationClient = session.client("cloudformation", endpoint_url=endpoint_url)
    bucket = PackageBucket(session.client("s3", endpoint_url=endpoint_url), _BUCKET)
    document = templates.read_template(template)
    declared = document.get("Parameters", {})
    _check_parameters(template, declared, parameters)
    folder = template.resolve().parent
    check_stack_name(document, folder, stack_name)
    defaults = {name: value for name, value in _LOCAL_PARAMETERS.items() if name in declared}
    body = templates.package_template(document, folder, bucket)
    key = bucket.upload(".json", body.encode())["Key"]
    try:
        return deploy_template(
            cloudformation,
            stack_name,
            bucket.url(key),
            defaults | dict(parameters),
            report=report,
            poller=Poller(_POLL_SECONDS, _TIMEOUT_SECONDS),
        )
    except ClientError as error:
        raise UsageError(f"cannot deploy {template}: {error_message(error)}") from error
    except (ChangeSetFailedError, OperationFailedError) as error:
        raise UsageError(f"cannot deploy {template}: {error.message}") from error
    except TimeoutPassedError as error:
        raise UsageError(f"stack {stack_name} was not deployed within {_TIMEOUT_SECONDS} seconds") from error


def deploy_template(
    cloudformation: CloudFormationClient,
    stack_name: str,
    template_url: str,
    parameters: Mapping[str, str],
    *,
    report: Report,
    poller: Poller,
) -> dict[str, str]:
    """Create or update the stack by a change set, wait for it, and return the stack's outputs.

    Raises ChangeSetFailedError, OperationFailedError and TimeoutPassedError.
    """
    stack = find_stack(cloudformation, stack_name)
    exists = stack is not None and stack.status is not StackStatus.REVIEW_IN_PROGRESS
    token = str(uuid.uuid4())
    change_set = cloudformation.create_change_set(
        StackName=stack_name,
        ChangeSetName=f"stepline-{token}",
        ChangeSetType="UPDATE" if exists else "CREATE",
        TemplateURL=template_url,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=_CAPABILITIES,  # type: ignore[arg-type]
    )
    name, operation = change_set["Id"], Operation(change_set["StackId"], token)
    state = wait_for_change_set(cloudformation, stack_name=stack_name, name=name, poller=poller)
    if state is ChangeSetState.READY:
        cloudformation.execute_change_set(ChangeSetName=name, ClientRequestToken=token)
        wait_for_operation(cloudformation, operation, poller, lambda event: _report(event, report))
    else:
        cloudformation.delete_change_set(ChangeSetName=name)
    return stack_outputs(describe_stack(cloudformation, stack_name))


def _report(event: StackEvent, report: Report) -> None:
    if event.status.endswith("_COMPLETE"):
        report(f"{event.logical_id}: {event.status}")


def _check_parameters(template: Path, declared: Mapping[str, Any], given: Mapping[str, str]) -> None:
    """Raises UsageError for a parameter that the template lacks; the local CloudFormation would ignore it."""
    if unknown := sorted(given.keys() - declared.keys()):
        known = f"it has {', '.join(declared)}" if declared else "it has none"
        raise UsageError(f"{template} has no parameter {unknown[0]}: {known}")
