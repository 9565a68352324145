"""The template of a workflow's stack: which state machine of it takes its definition from the macro."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from botocore.exceptions import ClientError

from stepline.core.aws_errors import error_code
from stepline.core.errors import UsageError
from stepline.core.limits import MAX_TEMPLATE_BYTES

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_s3 import S3Client

    from stepline.workflow.updater import Updater

STATE_MACHINE: Final = "AWS::StepFunctions::StateMachine"
DEFINITION_PROPERTIES: Final = frozenset({"Definition", "DefinitionS3Location", "DefinitionString"})
Stage = Literal["Original", "Processed"]

_DENIED: Final = "AccessDenied"


@dataclass(frozen=True)
class MacroUse:
    """A state machine, and the parameters of the stack that name the object and version of its definition."""

    logical_id: str
    key_parameter: str
    version_parameter: str


def read_template(
    cloudformation: CloudFormationClient, stack_name: str, *, stage: Stage, change_set: str = ""
) -> str:
    """The text of the stack's template, or of a change set's."""
    which: Any = {"ChangeSetName": change_set} if change_set else {}
    body: Any = cloudformation.get_template(StackName=stack_name, TemplateStage=stage, **which)[
        "TemplateBody"
    ]
    return body if isinstance(body, str) else json.dumps(body)  # boto3 has parsed one that is JSON


def publish(s3: S3Client, updater: Updater, stack_name: str, text: str) -> str:
    """Store the template where developers' change sets may take it from; its URL."""
    if len(body := text.encode()) > MAX_TEMPLATE_BYTES:
        raise UsageError(f"the template of {stack_name} has more than {MAX_TEMPLATE_BYTES:,} bytes")
    s3.put_object(Bucket=updater.bucket, Key=updater.template_key(stack_name), Body=body)
    return updater.template_url(stack_name)


def ensure_published(s3: S3Client, updater: Updater, stack_name: str, deployed: str) -> bool:
    """Whether the template that the stack has now had to be published.

    A change set of an older one would bring back what was changed since. Whoever is in charge of the stack
    may publish, developers may not: then raises UsageError, saying who must do what.
    """
    published = _published(s3, updater, stack_name)
    if published == deployed:
        return False
    try:
        publish(s3, updater, stack_name, deployed)
    except ClientError as error:
        if error_code(error) != _DENIED:
            raise
        what = (
            f"the template of {stack_name} is not published"
            if published is None
            else f"the stack {stack_name} has got another template since its template was published"
        )
        raise UsageError(
            f"{what}: whoever is in charge of the stack runs `stepline workflow publish --stack {stack_name}`"
        ) from error
    return True


def _published(s3: S3Client, updater: Updater, stack_name: str) -> str | None:
    try:
        answer = s3.get_object(Bucket=updater.bucket, Key=updater.template_key(stack_name))
    except ClientError as error:
        if error_code(error) not in {"NoSuchKey", _DENIED}:  # who may not list is told the latter
            raise
        return None
    return answer["Body"].read().decode()


def find_use(template: Mapping[str, Any], macro: str, logical_id: str | None) -> MacroUse:
    """The state machine that is meant. Raises UsageError."""
    uses = check_use(template, macro)
    if logical_id is None and len(uses) > 1:
        raise UsageError(f"the stack has several state machines, {', '.join(uses)}: use --state-machine")
    wanted = logical_id or next(iter(uses))
    if wanted not in uses:
        raise UsageError(
            f"{wanted!r} is no state machine with the macro {macro}; those are {', '.join(uses)}"
        )
    return uses[wanted]


def check_use(template: Mapping[str, Any], macro: str) -> dict[str, MacroUse]:
    """The state machines, by logical id, that the macro gives a definition. Raises UsageError if none."""
    uses = {use.logical_id: use for use in _uses(template, macro)}
    if not uses:
        raise UsageError(
            f"no state machine of the stack takes its definition from the macro {macro}: "
            "docs/workflow.md tells what its template needs"
        )
    return uses


def _uses(template: Mapping[str, Any], macro: str) -> Iterator[MacroUse]:
    for logical_id, resource in template["Resources"].items():
        properties = resource.get("Properties") if isinstance(resource, dict) else None
        if not isinstance(properties, dict) or resource.get("Type") != STATE_MACHINE:
            continue
        calls = properties.get("Fn::Transform", [])
        for call in calls if isinstance(calls, list) else [calls]:
            if isinstance(call, dict) and call.get("Name") == macro:
                yield _use(logical_id, call.get("Parameters"))


def _use(logical_id: str, parameters: object) -> MacroUse:
    names = []
    for name in ("Key", "Version"):
        value = parameters.get(name) if isinstance(parameters, dict) else None
        if not isinstance(value, dict) or not isinstance(value.get("Ref"), str):
            raise UsageError(
                f"{logical_id}: the macro's {name} must be a Ref to a parameter of the stack, "
                "or it could not be changed"
            )
        names.append(value["Ref"])
    return MacroUse(logical_id, *names)
