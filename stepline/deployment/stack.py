"""Deploys a template as one CloudFormation stack, by change set, and waits for it."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError, WaiterError

from stepline.deployment import template as templates
from stepline.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef
    from mypy_boto3_s3 import S3Client

Report = Callable[[str], None]

_BUCKET = "stepline-deployment"
_FIRST_REGION = "us-east-1"
_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_LOCAL_PARAMETERS = {"PollSeconds": "1"}
"""Where the template has these: a local stack is ready in a second, not in minutes."""

_POLL_SECONDS = 0.2  # of a local CloudFormation, which takes a few seconds in all
_TIMEOUT_SECONDS = 300
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")


def deploy(
    template: Path,
    *,
    stack_name: str,
    session: boto3.Session,
    endpoint_url: str,
    parameters: Mapping[str, str],
    report: Report,
) -> dict[str, str]:
    """Create or update the stack from the SAM template and return its outputs.

    `report` gets a line for each resource that is done. Raises UsageError, with CloudFormation's
    own reason, when the template does not deploy; the stack is as CloudFormation leaves it.
    """
    cloudformation: CloudFormationClient = session.client("cloudformation", endpoint_url=endpoint_url)
    s3: S3Client = session.client("s3", endpoint_url=endpoint_url)
    document = templates.read(template)
    declared = document.get("Parameters", {})
    _check_parameters(template, declared, parameters)
    defaults = {name: value for name, value in _LOCAL_PARAMETERS.items() if name in declared}
    body = templates.package(document, template.resolve().parent, _uploader(s3))
    key = _upload(s3, ".json", body.encode())["Key"]
    try:
        url = f"{endpoint_url}/{_BUCKET}/{key}"
        return _deploy(cloudformation, stack_name, url, defaults | dict(parameters), report)
    except ClientError as error:
        raise UsageError(f"{template} does not deploy: {error.response['Error']['Message']}") from error


def _deploy(
    cloudformation: CloudFormationClient,
    stack_name: str,
    template_url: str,
    parameters: Mapping[str, str],
    report: Report,
) -> dict[str, str]:
    exists = _exists(cloudformation, stack_name)
    seen = set(_events(cloudformation, stack_name)) if exists else set()
    change_set = cloudformation.create_change_set(
        StackName=stack_name,
        ChangeSetName=f"stepline-{uuid.uuid4()}",
        ChangeSetType="UPDATE" if exists else "CREATE",
        TemplateURL=template_url,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=_CAPABILITIES,  # type: ignore[arg-type]
    )["Id"]
    if _wait_for_change_set(cloudformation, change_set):
        cloudformation.execute_change_set(ChangeSetName=change_set)
        _wait_for_stack(cloudformation, stack_name, seen, report)
    stack = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def _wait_for_change_set(cloudformation: CloudFormationClient, change_set: str) -> bool:
    """Whether there is something to execute."""
    try:
        cloudformation.get_waiter("change_set_create_complete").wait(
            ChangeSetName=change_set, WaiterConfig={"Delay": 0, "MaxAttempts": 1_000}
        )
    except WaiterError as error:
        reason = cloudformation.describe_change_set(ChangeSetName=change_set).get("StatusReason", str(error))
        if not any(text in reason for text in _NO_CHANGES):
            raise UsageError(f"the template does not deploy: {reason}") from error
        cloudformation.delete_change_set(ChangeSetName=change_set)
        return False
    return True


def _wait_for_stack(
    cloudformation: CloudFormationClient, stack_name: str, seen: set[str], report: Report
) -> None:
    reason = ""
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        status = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]["StackStatus"]
        for event_id, event in reversed(_events(cloudformation, stack_name).items()):
            if event_id in seen:
                continue
            seen.add(event_id)
            resource_status = event.get("ResourceStatus", "")
            if resource_status.endswith("_COMPLETE"):
                report(f"{event.get('LogicalResourceId')}: {resource_status}")
            elif resource_status.endswith("_FAILED") and not reason:
                reason = f"{event.get('LogicalResourceId')}: {event.get('ResourceStatusReason')}"
        if not status.endswith("_IN_PROGRESS"):
            if status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
                return
            raise UsageError(f"the template does not deploy: {reason or status}")
        time.sleep(_POLL_SECONDS)
    raise UsageError(f"the stack {stack_name} is not deployed after {_TIMEOUT_SECONDS} seconds")


def _exists(cloudformation: CloudFormationClient, stack_name: str) -> bool:
    try:
        stacks = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
    except ClientError as error:
        if "does not exist" in error.response["Error"]["Message"]:
            return False
        raise
    return stacks[0]["StackStatus"] != "REVIEW_IN_PROGRESS"


def _events(cloudformation: CloudFormationClient, stack_name: str) -> dict[str, StackEventTypeDef]:
    """Newest first, as CloudFormation tells them."""
    pages: Iterator[StackEventTypeDef] = (
        event
        for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_name)
        for event in page["StackEvents"]
    )
    return {event["EventId"]: event for event in pages}


def _check_parameters(template: Path, declared: Mapping[str, Any], given: Mapping[str, str]) -> None:
    """CloudFormation refuses a parameter that the template lacks; the local one would ignore it."""
    if unknown := sorted(given.keys() - declared.keys()):
        known = f"it has {', '.join(declared)}" if declared else "it has none"
        raise UsageError(f"{template} has no parameter {unknown[0]}: {known}")


def _uploader(s3: S3Client) -> templates.Upload:
    # S3 takes the region where it was born only by default, any other only by name.
    if (region := s3.meta.region_name) == _FIRST_REGION:
        s3.create_bucket(Bucket=_BUCKET)
    else:
        location: Any = {"LocationConstraint": region}
        with contextlib.suppress(
            s3.exceptions.BucketAlreadyOwnedByYou
        ):  # which the first region does not say
            s3.create_bucket(Bucket=_BUCKET, CreateBucketConfiguration=location)
    return lambda ending, content: _upload(s3, ending, content)


def _upload(s3: S3Client, ending: str, content: bytes) -> dict[str, str]:
    key = templates.object_key(ending, content)
    s3.put_object(Bucket=_BUCKET, Key=key, Body=content)
    return {"Bucket": _BUCKET, "Key": key}
