"""Publishes the template of a workflow's stack, from which developers may create change sets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Literal

from botocore.exceptions import ClientError

from stepline.aws.stacks import describe_stack
from stepline.aws.templates import parse_template
from stepline.core.aws_errors import error_code
from stepline.core.errors import UsageError
from stepline.core.limits import MAX_TEMPLATE_BYTES
from stepline.workflow.managed_machines import list_managed_machines
from stepline.workflow.updater import Updater, find_updater

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_s3 import S3Client

Stage = Literal["Original", "Processed"]

_DENIED: Final = "AccessDenied"


def read_template_text(
    cloudformation: CloudFormationClient, stack_name: str, *, stage: Stage, change_set: str = ""
) -> str:
    """Return the template of the stack, or of its change set."""
    options: Any = {"ChangeSetName": change_set} if change_set else {}
    response = cloudformation.get_template(StackName=stack_name, TemplateStage=stage, **options)
    body: Any = response["TemplateBody"]
    return body if isinstance(body, str) else json.dumps(body)  # boto3 parses JSON


def parse_stack_template(text: str) -> dict[str, Any]:
    return parse_template(text, "the stack's template")


def publish_template(
    cloudformation: CloudFormationClient, s3: S3Client, stack_name: str, updater_stack: str
) -> str:
    """Publish the current template of the stack and return its URL. Raises UsageError."""
    updater = find_updater(cloudformation, updater_stack)
    describe_stack(cloudformation, stack_name)
    text = read_template_text(cloudformation, stack_name, stage="Original")
    list_managed_machines(parse_stack_template(text), updater.macro)
    _put_template(s3, updater, stack_name, text)
    return updater.template_url(stack_name)


def ensure_published(s3: S3Client, updater: Updater, stack_name: str, text: str) -> bool:
    """Publish the current template of the stack if it is not, and return whether it was not.

    A change set from an older template would undo later changes. Raises UsageError if the user may not
    publish, as developers may not.
    """
    published = _read_published(s3, updater, stack_name)
    if published == text:
        return False
    try:
        _put_template(s3, updater, stack_name, text)
    except ClientError as error:
        if error_code(error) != _DENIED:
            raise
        reason = (
            f"the template of {stack_name} is not published"
            if published is None
            else f"the template of {stack_name} has changed since it was published"
        )
        raise UsageError(
            f"{reason}: ask the owner of the stack to run `stepline workflow publish --stack {stack_name}`"
        ) from error
    return True


def _put_template(s3: S3Client, updater: Updater, stack_name: str, text: str) -> None:
    if len(body := text.encode()) > MAX_TEMPLATE_BYTES:
        raise UsageError(f"the template of {stack_name} has more than {MAX_TEMPLATE_BYTES:,} bytes")
    s3.put_object(Bucket=updater.bucket, Key=updater.template_key(stack_name), Body=body)


def _read_published(s3: S3Client, updater: Updater, stack_name: str) -> str | None:
    try:
        response = s3.get_object(Bucket=updater.bucket, Key=updater.template_key(stack_name))
    except ClientError as error:
        if error_code(error) not in {"NoSuchKey", _DENIED}:  # S3 denies access to who may not list the bucket
            raise
        return None
    return response["Body"].read().decode()
