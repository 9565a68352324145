"""Returns the permissions that a request requires besides the one of its own name.

AWS checks them inside its services, for the caller. Each rule says where AWS documents it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol
from urllib.parse import unquote, urlsplit

from stepline.localaws.iam.conditions import ContextValue
from stepline.localaws.iam.enforcement import PASSED_TO_SERVICE, Permission

_ASSUME_ROLE = "sts:AssumeRole"


@dataclass(frozen=True)
class ServiceRequest:
    """A request to a service: the permission of its own name, and its parameters or headers as text."""

    permission: Permission
    parameters: Mapping[str, str]


class EncryptedObjects(Protocol):
    """Looks up objects of S3, topics of SNS, and the ARNs of the KMS keys that they are encrypted with.

    A key that AWS manages, such as alias/aws/s3, is none: its policy lets all principals of the account use
    it through its service [KMS guide, "AWS managed keys"].
    """

    def exists(self, bucket: str, key: str) -> bool: ...

    def key_of_object(self, bucket: str, key: str) -> str | None: ...

    def default_key(self, bucket: str) -> str | None: ...

    def key_of_topic(self, topic_arn: str) -> str | None: ...

    def key_arn(self, identifier: str) -> str | None:
        """Return the ARN of the key with that id, ARN or alias; None for one that AWS manages."""


def required_permissions(request: ServiceRequest, objects: EncryptedObjects) -> Iterator[Permission]:
    """Yield all permissions that the request requires, its own first."""
    yield replace(request.permission, context={**_context(request), **request.permission.context})
    rule = _RULES.get(request.permission.action)
    if rule is not None:
        yield from rule(request, objects)


def _context(request: ServiceRequest) -> Mapping[str, ContextValue]:
    """Return the condition keys that are set by parameters [service authorization reference]."""
    if request.permission.action == "cloudwatch:PutMetricData":
        return {"cloudwatch:namespace": request.parameters.get("Namespace", "")}
    if request.permission.action == "s3:ListBucket" and "prefix" in request.parameters:
        return {"s3:prefix": request.parameters["prefix"]}
    if request.permission.action == _ASSUME_ROLE:
        return _session_context(request.parameters)
    if not request.permission.action.startswith("cloudformation:"):
        return {}
    return {key: request.parameters[name] for name, key in _STACK_KEYS.items() if name in request.parameters}


def _session_context(parameters: Mapping[str, str]) -> Mapping[str, ContextValue]:
    """Return the condition keys of AssumeRole [IAM guide, "IAM and AWS STS condition context keys"]."""
    tags = _session_tags(parameters)
    keys = {"ExternalId": "sts:externalid", "RoleSessionName": "sts:rolesessionname"}
    return {
        **{key: parameters[name] for name, key in keys.items() if name in parameters},
        **{f"aws:requesttag/{name.lower()}": value for name, value in tags.items()},
        **({"aws:tagkeys": tuple(tags)} if tags else {}),
    }


def _session_tags(parameters: Mapping[str, str]) -> Mapping[str, str]:
    names = (name for name in parameters if name.startswith("Tags.member.") and name.endswith(".Key"))
    return {parameters[name]: parameters.get(f"{name.removesuffix('Key')}Value", "") for name in names}


def _assume_role(request: ServiceRequest, _objects: EncryptedObjects) -> Iterator[Permission]:
    """Require sts:TagSession for session tags [IAM guide, "Pass session tags in AWS STS"]."""
    if _session_tags(request.parameters):
        yield Permission("sts:TagSession", request.permission.resource, _session_context(request.parameters))


def _read_object(request: ServiceRequest, objects: EncryptedObjects) -> Iterator[Permission]:
    yield from object_read_permissions(*_bucket_and_key(request.permission.resource), objects)


def object_read_permissions(bucket: str, key: str, objects: EncryptedObjects) -> Iterator[Permission]:
    """Yield the permissions to read an object, besides s3:GetObject.

    That an object is missing is reported only with s3:ListBucket [GetObject, "Permissions"]; an encrypted
    object requires its key [S3 guide, "Using server-side encryption with AWS KMS keys"].
    """
    if not objects.exists(bucket, key):
        yield Permission("s3:ListBucket", f"arn:aws:s3:::{bucket}")
    elif kms_key := objects.key_of_object(bucket, key):
        yield Permission("kms:Decrypt", kms_key, _VIA_S3)


def _write_object(request: ServiceRequest, objects: EncryptedObjects) -> Iterator[Permission]:
    """Require a data key, and for a part its decryption.

    [S3 guide, "Server-side encryption with AWS KMS keys"]
    """
    bucket, _ = _bucket_and_key(request.permission.resource)
    encryption = request.parameters.get("x-amz-server-side-encryption")
    named = request.parameters.get("x-amz-server-side-encryption-aws-kms-key-id")
    if encryption not in {None, "aws:kms"} or (encryption and not named):  # a key that AWS manages
        return
    if kms_key := objects.key_arn(named) if named else objects.default_key(bucket):
        yield Permission("kms:GenerateDataKey", kms_key, _VIA_S3)
        if "partNumber" in request.parameters or "uploadId" in request.parameters:
            yield Permission("kms:Decrypt", kms_key, _VIA_S3)


def _stack_operation(request: ServiceRequest, objects: EncryptedObjects) -> Iterator[Permission]:
    """Require what a CloudFormation request passes, reads, or sets along with the stack.

    [User guide, "Control CloudFormation access with IAM"; service authorization reference:
    cloudformation:CreateAction of TagResource]
    """
    parameters = request.parameters
    operation = request.permission.action.partition(":")[2]
    if any(name.startswith("Tags.member.") for name in parameters):
        context = {"cloudformation:createaction": operation}
        yield Permission("cloudformation:TagResource", request.permission.resource, context)
    if parameters.keys() & {"StackPolicyBody", "StackPolicyURL"} and operation != "SetStackPolicy":
        yield Permission("cloudformation:SetStackPolicy", request.permission.resource)
    if role := parameters.get("RoleARN"):
        yield Permission("iam:PassRole", role, {PASSED_TO_SERVICE: "cloudformation.amazonaws.com"})
    if address := parameters.get("TemplateURL"):
        yield from _template(address, objects)


def _publish(request: ServiceRequest, objects: EncryptedObjects) -> Iterator[Permission]:
    """Require the key of an encrypted topic [SNS guide, "Key management"]."""
    if kms_key := objects.key_of_topic(request.permission.resource):
        yield Permission("kms:GenerateDataKey", kms_key, _VIA_SNS)
        yield Permission("kms:Decrypt", kms_key, _VIA_SNS)


def _template(address: str, objects: EncryptedObjects) -> Iterator[Permission]:
    """Require reading the template, which CloudFormation does as its caller [CreateStack, "TemplateURL"]."""
    bucket, _, key = unquote(urlsplit(address).path).lstrip("/").partition("/")  # path-style
    yield Permission("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}")
    yield from object_read_permissions(bucket, key, objects)


def log_permissions(group_arn: str, stream: str) -> tuple[Permission, ...]:
    """Return what writes a function's log [Lambda guide, "Sending function logs to CloudWatch Logs"]."""
    group = group_arn.removesuffix(":*")
    return (
        Permission("logs:CreateLogStream", f"{group}:log-stream:{stream}"),
        Permission("logs:PutLogEvents", f"{group}:log-stream:{stream}"),
    )


def tracing_permissions() -> tuple[Permission, ...]:
    """Return what traces a function with active tracing [Lambda guide, "X-Ray"]."""
    return Permission("xray:PutTraceSegments", "*"), Permission("xray:PutTelemetryRecords", "*")


def execution_tracing_permissions() -> tuple[Permission, ...]:
    """Return what traces the executions of a state machine [Step Functions guide, "X-Ray"]."""
    sampling = ("xray:GetSamplingRules", "xray:GetSamplingTargets")
    return (*tracing_permissions(), *(Permission(action, "*") for action in sampling))


_LOG_DELIVERY_SET_UP = (
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
)
"""Actions that creating a state machine with logging requires of its role; updating and deleting require one
other [Step Functions guide, "Logging using CloudWatch Logs", "IAM policies"]."""


def log_delivery_permissions(operation: str) -> tuple[Permission, ...]:
    """Return what a state machine with logging requires. `operation`: Create, Update or Delete."""
    actions = _LOG_DELIVERY_SET_UP if operation == "Create" else (f"logs:{operation}LogDelivery",)
    return tuple(Permission(action, "*") for action in actions)


def _bucket_and_key(object_arn: str) -> tuple[str, str]:
    bucket, _, key = object_arn.removeprefix("arn:aws:s3:::").partition("/")
    return bucket, key


_STACK_KEYS = {
    "ChangeSetName": "cloudformation:changesetname",
    "RoleARN": "cloudformation:rolearn",
    "StackPolicyURL": "cloudformation:stackpolicyurl",
    "TemplateURL": "cloudformation:templateurl",
}
_VIA_S3 = {"kms:viaservice": "s3.amazonaws.com"}
_VIA_SNS = {"kms:viaservice": "sns.amazonaws.com"}

_RULES: dict[str, Callable[[ServiceRequest, EncryptedObjects], Iterator[Permission]]] = {
    "s3:GetObject": _read_object,
    "s3:GetObjectVersion": _read_object,
    "s3:PutObject": _write_object,
    "sns:Publish": _publish,
    _ASSUME_ROLE: _assume_role,
    "cloudformation:CreateStack": _stack_operation,
    "cloudformation:UpdateStack": _stack_operation,
    "cloudformation:DeleteStack": _stack_operation,
    "cloudformation:CreateChangeSet": _stack_operation,
    "cloudformation:GetTemplateSummary": _stack_operation,
}
