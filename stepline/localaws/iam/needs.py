"""Which permissions a request needs besides the one of its own name.

AWS checks them on the caller's behalf, inside the services. Each rule says where AWS documents it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol
from urllib.parse import unquote, urlsplit

from stepline.localaws.iam.enforcement import PASSED_TO_SERVICE, Need

Parameters = Mapping[str, str]


@dataclass(frozen=True)
class Call:
    """A request to a service: the permission of its own name, and its parameters or headers as text."""

    need: Need
    parameters: Parameters


class Objects(Protocol):
    """What must be known of S3 to tell a request's permissions. Keys are ARNs of KMS keys."""

    def exists(self, bucket: str, key: str) -> bool: ...

    def key_of_object(self, bucket: str, key: str) -> str | None: ...

    def default_key(self, bucket: str) -> str | None: ...


def needs_of(call: Call, objects: Objects) -> Iterator[Need]:
    """All permissions that the request needs, its own first."""
    yield replace(call.need, context={**_context(call), **call.need.context})
    rule = _RULES.get(call.need.action)
    if rule is not None:
        yield from rule(call, objects)


def _context(call: Call) -> Mapping[str, str]:
    """Condition keys of CloudFormation's that a parameter gives [service authorization reference]."""
    if not call.need.action.startswith("cloudformation:"):
        return {}
    return {key: call.parameters[name] for name, key in _STACK_KEYS.items() if name in call.parameters}


def _read_object(call: Call, objects: Objects) -> Iterator[Need]:
    yield from object_needs(*_place(call.need.resource), objects)


def object_needs(bucket: str, key: str, objects: Objects) -> Iterator[Need]:
    """Of reading an object, besides s3:GetObject.

    Whether an object is missing is told only to who may list the bucket [GetObject, "Permissions"].
    An encrypted object needs its key [S3 guide, "Using server-side encryption with AWS KMS keys"].
    """
    if not objects.exists(bucket, key):
        yield Need("s3:ListBucket", f"arn:aws:s3:::{bucket}")
    elif kms_key := objects.key_of_object(bucket, key):
        yield Need("kms:Decrypt", kms_key, _VIA_S3)


def _write_object(call: Call, objects: Objects) -> Iterator[Need]:
    """A data key; for a part also its decryption [S3 guide, "Server-side encryption with AWS KMS keys"]."""
    bucket, _ = _place(call.need.resource)
    if call.parameters.get("x-amz-server-side-encryption", "aws:kms") != "aws:kms":
        return
    named = call.parameters.get("x-amz-server-side-encryption-aws-kms-key-id")
    if kms_key := named or objects.default_key(bucket):
        yield Need("kms:GenerateDataKey", kms_key, _VIA_S3)
        if "partNumber" in call.parameters or "uploadId" in call.parameters:
            yield Need("kms:Decrypt", kms_key, _VIA_S3)


def _stack_operation(call: Call, objects: Objects) -> Iterator[Need]:
    """Of CloudFormation's requests: what is passed to it, read by it, or set along with the stack.

    [User guide, "Control CloudFormation access with IAM"; service authorization reference:
    cloudformation:CreateAction of TagResource]
    """
    parameters = call.parameters
    operation = call.need.action.partition(":")[2]
    if any(name.startswith("Tags.member.") for name in parameters):
        context = {"cloudformation:createaction": operation}
        yield Need("cloudformation:TagResource", call.need.resource, context)
    if parameters.keys() & {"StackPolicyBody", "StackPolicyURL"} and operation != "SetStackPolicy":
        yield Need("cloudformation:SetStackPolicy", call.need.resource)
    if role := parameters.get("RoleARN"):
        yield Need("iam:PassRole", role, {PASSED_TO_SERVICE: "cloudformation.amazonaws.com"})
    if address := parameters.get("TemplateURL"):
        yield from _template(address, objects)


def _template(address: str, objects: Objects) -> Iterator[Need]:
    """CloudFormation reads the template as its caller [CreateStack, "TemplateURL"]. Path-style addresses."""
    bucket, _, key = unquote(urlsplit(address).path).lstrip("/").partition("/")
    yield Need("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}")
    yield from object_needs(bucket, key, objects)


def log_writing(group_arn: str, stream: str) -> tuple[Need, ...]:
    """What Lambda does under a function's role [Lambda guide, "Sending function logs to CloudWatch Logs"]."""
    group = group_arn.removesuffix(":*")
    return (
        Need("logs:CreateLogStream", f"{group}:log-stream:{stream}"),
        Need("logs:PutLogEvents", f"{group}:log-stream:{stream}"),
    )


def tracing() -> tuple[Need, ...]:
    """What Lambda does under the role of a function with active tracing [Lambda guide, "X-Ray"]."""
    return Need("xray:PutTraceSegments", "*"), Need("xray:PutTelemetryRecords", "*")


def execution_tracing() -> tuple[Need, ...]:
    """What Step Functions does under the role of a machine with tracing [Step Functions guide, "X-Ray"]."""
    return (*tracing(), Need("xray:GetSamplingRules", "*"), Need("xray:GetSamplingTargets", "*"))


LOG_DELIVERY_SET_UP = (
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
)
"""What a state machine's role needs for a machine with logging to be created [Step Functions guide,
"Logging using CloudWatch Logs", "IAM policies"]; when it is updated or deleted, one more."""


def log_delivery(operation: str) -> tuple[Need, ...]:
    """`operation`: Create, Update or Delete."""
    actions = LOG_DELIVERY_SET_UP if operation == "Create" else (f"logs:{operation}LogDelivery",)
    return tuple(Need(action, "*") for action in actions)


def _place(object_arn: str) -> tuple[str, str]:
    bucket, _, key = object_arn.removeprefix("arn:aws:s3:::").partition("/")
    return bucket, key


_STACK_KEYS = {
    "ChangeSetName": "cloudformation:changesetname",
    "RoleARN": "cloudformation:rolearn",
    "StackPolicyURL": "cloudformation:stackpolicyurl",
    "TemplateURL": "cloudformation:templateurl",
}
_VIA_S3 = {"kms:viaservice": "s3.amazonaws.com"}

_RULES: dict[str, Callable[[Call, Objects], Iterator[Need]]] = {
    "s3:GetObject": _read_object,
    "s3:GetObjectVersion": _read_object,
    "s3:PutObject": _write_object,
    "cloudformation:CreateStack": _stack_operation,
    "cloudformation:UpdateStack": _stack_operation,
    "cloudformation:DeleteStack": _stack_operation,
    "cloudformation:CreateChangeSet": _stack_operation,
    "cloudformation:GetTemplateSummary": _stack_operation,
}
