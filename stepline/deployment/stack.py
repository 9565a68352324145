"""Deploys a template as a stack of the local AWS, by change set, and waits for it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping
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
from stepline.core.cloudformation.stack_status import Phase, StackStatus
from stepline.core.cloudformation.stacks import find_stack
from stepline.core.errors import UsageError
from stepline.deployment import template as templates
from stepline.deployment.package_bucket import PackageBucket
from stepline.deployment.stack_changes import (
    DeployedStack,
    Outcome,
    check_changes,
    earlier_parameters,
    list_changes,
)
from stepline.deployment.stack_names import check_stack_name

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

Report = Callable[[str], None]

_BUCKET = "stepline-deployment"
_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
LOCAL_PARAMETERS = {"ApplicationStackNames": "*-*", "PollSeconds": "1"}
"""Values for templates that have these parameters: all local stacks are the user's own, and a local stack is
ready in a second, not in minutes."""

_FAILED_CREATIONS = frozenset({StackStatus.ROLLBACK_COMPLETE, StackStatus.ROLLBACK_FAILED})
"""A stack with one of these can only be deleted [doc: stack status codes]."""

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
) -> DeployedStack:
    """Create or update the stack from the SAM template, and return what has changed, and its outputs.

    Parameters that are not given keep the values of an earlier deployment. `report` gets a line for each
    completed resource. Raises UsageError with CloudFormation's reason, and leaves the stack as CloudFormation
    does; and if a repository or pipeline of the stack would be lost.
    """
    cloudformation: CloudFormationClient = session.client("cloudformation", endpoint_url=endpoint_url)
    bucket = PackageBucket(session.client("s3", endpoint_url=endpoint_url), _BUCKET)
    document = templates.read_template(template)
    declared = document.get("Parameters", {})
    _check_parameters(template, declared, parameters)
    folder = template.resolve().parent
    check_stack_name(document, folder, stack_name)
    defaults = {name: value for name, value in LOCAL_PARAMETERS.items() if name in declared}
    body = templates.package_template(document, folder, bucket)
    key = bucket.upload(".json", body.encode())["Key"]
    poller = Poller(_POLL_SECONDS, _TIMEOUT_SECONDS)
    try:
        _delete_failed_creation(cloudformation, stack_name, poller)
        previous = earlier_parameters(cloudformation, stack_name, declared) - parameters.keys()
        unset = {name: value for name, value in defaults.items() if name not in previous}
        return deploy_template(
            cloudformation,
            stack_name,
            bucket.url(key),
            unset | dict(parameters),
            report=report,
            poller=poller,
            previous=previous,
            includes_nested=True,
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
    previous: Collection[str] = (),
    includes_nested: bool = False,
) -> DeployedStack:
    """Create or update the stack by a change set, and wait for it.

    The parameters `previous` keep their values. With `includes_nested`, the changes of an update are also
    those of nested stacks. Raises ChangeSetFailedError, OperationFailedError and TimeoutPassedError, and
    UsageError if a repository or pipeline of the stack would be lost.
    """
    stack = find_stack(cloudformation, stack_name)
    exists = stack is not None and stack.status is not StackStatus.REVIEW_IN_PROGRESS
    token = str(uuid.uuid4())
    kept = [{"ParameterKey": key, "UsePreviousValue": True} for key in sorted(previous)]
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
    change_set = cloudformation.create_change_set(
        StackName=stack_name,
        ChangeSetName=f"stepline-{token}",
        ChangeSetType="UPDATE" if exists else "CREATE",
        TemplateURL=template_url,
        Parameters=[*kept, *given],  # type: ignore[list-item]
        Capabilities=_CAPABILITIES,  # type: ignore[arg-type]
        IncludeNestedStacks=includes_nested and exists,  # of a new stack, everything is new
    )
    name, operation = change_set["Id"], Operation(change_set["StackId"], token)
    state = wait_for_change_set(cloudformation, stack_name=stack_name, name=name, poller=poller)
    if state is not ChangeSetState.READY:
        cloudformation.delete_change_set(ChangeSetName=name)
        return DeployedStack(stack_name, Outcome.UNCHANGED, _outputs(cloudformation, stack_name), [])
    changes = list_changes(cloudformation, stack_name, name)
    try:
        check_changes(stack_name, changes)
    except UsageError:
        cloudformation.delete_change_set(ChangeSetName=name)
        raise
    cloudformation.execute_change_set(ChangeSetName=name, ClientRequestToken=token)
    wait_for_operation(cloudformation, operation, poller, lambda event: _report(event, report))
    outcome = Outcome.UPDATED if exists else Outcome.CREATED
    return DeployedStack(stack_name, outcome, _outputs(cloudformation, stack_name), changes)


def _delete_failed_creation(cloudformation: CloudFormationClient, stack_name: str, poller: Poller) -> None:
    """Delete what is left of a stack whose creation has failed: it cannot be updated."""
    stack = find_stack(cloudformation, stack_name)
    if stack is not None and stack.status in _FAILED_CREATIONS:
        cloudformation.delete_stack(StackName=stack.id)
        poller.until(lambda: _is_deleted(cloudformation, stack.id) or None)


def _is_deleted(cloudformation: CloudFormationClient, stack_id: str) -> bool:
    stack = find_stack(cloudformation, stack_id)
    return stack is None or stack.phase is Phase.DELETED


def _outputs(cloudformation: CloudFormationClient, stack_name: str) -> dict[str, str]:
    return stack_outputs(describe_stack(cloudformation, stack_name))


def _report(event: StackEvent, report: Report) -> None:
    if event.status.endswith("_COMPLETE"):
        report(f"{event.logical_id}: {event.status}")


def _check_parameters(template: Path, declared: Mapping[str, Any], given: Mapping[str, str]) -> None:
    """Raises UsageError for a parameter that the template lacks; the local CloudFormation would ignore it."""
    if unknown := sorted(given.keys() - declared.keys()):
        known = f"it has {', '.join(declared)}" if declared else "it has none"
        raise UsageError(f"{template} has no parameter {unknown[0]}: {known}")
