"""Returns the permissions that a stack's service role requires to change a resource, by the resource's type.

The actions are those that AWS lists for a type's handlers (`aws cloudformation describe-type`) and that the
change requires. For other types the role must be allowed any action of their service.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from stepline.localaws.cloudformation.names import Arns
from stepline.localaws.iam import Permission
from stepline.localaws.iam.enforcement import PASSED_TO_SERVICE

Properties = Mapping[str, Any]

_SERVICES: Final = {
    "ApiGatewayV2": "apigateway",
    "CertificateManager": "acm",
    "Cognito": "cognito-idp",
    "ElasticLoadBalancingV2": "elasticloadbalancing",
    "StepFunctions": "states",
}
"""Service in a resource type -> IAM's prefix, if that is not the same in lower case."""

_WITHOUT_SERVICE: Final = frozenset(
    {"AWS::CloudFormation::WaitCondition", "AWS::CloudFormation::WaitConditionHandle"}
)
"""Types for which CloudFormation calls no other service."""


@dataclass(frozen=True)
class ResourceChange:
    """`operation`: create, update or delete. `physical_id` is empty before a resource exists.

    `default_name` is the name that CloudFormation gives a resource without one, with `*` as its random part.
    """

    operation: str
    resource_type: str
    physical_id: str = ""
    old: Properties = field(default_factory=dict)
    new: Properties = field(default_factory=dict)
    default_name: str = "*"

    @property
    def changes_tags(self) -> bool:
        return self.operation == "update" and self.old.get("Tags") != self.new.get("Tags")


@dataclass(frozen=True)
class Handlers:
    """The permissions of a type's handlers, by operation, as its schema lists them.

    `tag` and `untag` are needed only if tags are set or removed.
    """

    actions: Mapping[str, tuple[str, ...]]
    tag: str
    untag: str


HANDLERS: Final = {
    "AWS::SQS::Queue": Handlers(
        actions={
            "create": (
                "sqs:CreateQueue",
                "sqs:GetQueueUrl",
                "sqs:GetQueueAttributes",
                "sqs:ListQueueTags",
                "sqs:TagQueue",
            ),
            "update": (
                "sqs:SetQueueAttributes",
                "sqs:GetQueueAttributes",
                "sqs:ListQueueTags",
                "sqs:TagQueue",
                "sqs:UntagQueue",
            ),
            "delete": ("sqs:DeleteQueue", "sqs:GetQueueAttributes"),
        },
        tag="sqs:TagQueue",
        untag="sqs:UntagQueue",
    ),
    "AWS::SSM::Parameter": Handlers(
        actions={
            "create": ("ssm:PutParameter", "ssm:AddTagsToResource", "ssm:GetParameters"),
            "update": (
                "ssm:PutParameter",
                "ssm:AddTagsToResource",
                "ssm:RemoveTagsFromResource",
                "ssm:GetParameters",
            ),
            "delete": ("ssm:DeleteParameter",),
        },
        tag="ssm:AddTagsToResource",
        untag="ssm:RemoveTagsFromResource",
    ),
}
"""The types of the sample application."""

_Rule = Callable[[ResourceChange, Arns], Iterator[Permission]]
_ResourceOf = Callable[[ResourceChange, Arns], str]


def service_of(resource_type: str) -> str:
    """Return IAM's prefix for the type's service (`AWS::StepFunctions::StateMachine` -> `states`), or ""."""
    vendor, _, rest = resource_type.partition("::")
    name = rest.partition("::")[0]
    return "" if vendor != "AWS" or resource_type in _WITHOUT_SERVICE else _SERVICES.get(name, name.lower())


def required_permissions(change: ResourceChange, arns: Arns) -> tuple[Permission, ...] | None:
    """Return None for a type of which only the service is known."""
    rule = _RULES.get(change.resource_type)
    return None if rule is None else tuple(rule(change, arns))


def read_permission(resource_type: str, physical_id: str, arns: Arns) -> Permission | None:
    """Return what Fn::GetAtt of a resource requires: CloudFormation reads the resource with the stack's role.

    Of the actions of the type's read handler, this is the one that reads the resource itself. Returns None
    for a type of which only the service is known.
    """
    if (reader := _READERS.get(resource_type)) is None:
        return None
    action, resource = reader
    return Permission(action, resource(ResourceChange("read", resource_type, physical_id), arns))


def _state_machine(change: ResourceChange, arns: Arns) -> Iterator[Permission]:
    name = change.new.get("StateMachineName")
    arn = change.physical_id or arns.of("states", f"stateMachine:{name or '*'}")
    yield Permission(f"states:{_VERBS[change.operation]}StateMachine", arn)
    if change.operation != "delete":
        yield Permission("iam:PassRole", change.new.get("RoleArn", ""), _passed_to("states"))
        yield Permission("states:DescribeStateMachine", arn)
        yield Permission("states:ListTagsForResource", arn)
    if change.changes_tags or (change.operation == "create" and change.new.get("Tags")):
        yield Permission("states:TagResource", arn)


def _function(change: ResourceChange, arns: Arns) -> Iterator[Permission]:
    arn = _function_arn(change, arns)
    if change.operation == "create":
        yield Permission("lambda:CreateFunction", arn)
    elif change.operation == "delete":
        yield Permission("lambda:DeleteFunction", arn)
    elif change.old.get("Code") != change.new.get("Code"):
        yield Permission("lambda:UpdateFunctionCode", arn)
    else:
        yield Permission("lambda:UpdateFunctionConfiguration", arn)
    if change.operation != "delete" and change.old.get("Role") != change.new.get("Role"):
        yield Permission("iam:PassRole", change.new.get("Role", ""), _passed_to("lambda"))
    if change.changes_tags:
        yield Permission("lambda:TagResource", arn)


def read_package(change: ResourceChange) -> tuple[str, str] | None:
    """Return bucket and key of the code that a handler reads with the role [Lambda: CreateFunction].

    Layers are read in the same way.
    """
    name = _PACKAGES.get(change.resource_type, "")
    package = change.new.get(name) or {}
    if change.operation == "delete" or package == change.old.get(name) or not package.get("S3Bucket"):
        return None
    return package["S3Bucket"], package["S3Key"]


def _role(change: ResourceChange, arns: Arns) -> Iterator[Permission]:
    arn = _role_arn(change, arns)
    if change.operation != "update":
        yield Permission(f"iam:{_VERBS[change.operation]}Role", arn)
        return
    for name, action in _ROLE_UPDATES.items():
        if change.old.get(name) != change.new.get(name):
            yield Permission(f"iam:{action}", arn)


def _queue_arn(change: ResourceChange, arns: Arns) -> str:
    name = change.physical_id.rpartition("/")[2] or change.new.get("QueueName", change.default_name)
    return arns.of("sqs", name)


def _by_handlers(handlers: Handlers, resource: _ResourceOf) -> _Rule:
    """Return the rule of a type whose handlers need all of these actions, of which some are about tags."""

    def rule(change: ResourceChange, arns: Arns) -> Iterator[Permission]:
        old, new = _user_tags(change.old), _user_tags(change.new)
        is_needed = {
            handlers.tag: change.operation != "delete" and bool(new.items() - old.items()),
            handlers.untag: change.operation == "update" and bool(old.keys() - new.keys()),
        }
        for action in handlers.actions[change.operation]:
            if is_needed.get(action, True):
                yield Permission(action, resource(change, arns))

    return rule


def _user_tags(properties: Properties) -> dict[str, str]:
    """Return the tags of the template and the stack, without those that CloudFormation adds itself."""
    tags = properties.get("Tags") or {}
    pairs = tags.items() if isinstance(tags, Mapping) else ((tag["Key"], tag["Value"]) for tag in tags)
    return {key: value for key, value in pairs if not key.startswith("aws:")}


def _create_update_delete(service: str, noun: str, update: str, resource: _ResourceOf) -> _Rule:
    """Return the rule of a type with the actions `Create<noun>`, `update` and `Delete<noun>`."""

    def rule(change: ResourceChange, arns: Arns) -> Iterator[Permission]:
        action = update if change.operation == "update" else f"{_VERBS[change.operation]}{noun}"
        yield Permission(f"{service}:{action}", resource(change, arns))

    return rule


def _named(service: str, property_name: str) -> _ResourceOf:
    """The resource's name is the last part of its physical id, or a property."""

    def resource(change: ResourceChange, arns: Arns) -> str:
        name = change.physical_id.rpartition("/")[2].rpartition(":")[2]
        return arns.of(service, name or change.new.get(property_name, "*"))

    return resource


def _function_arn(change: ResourceChange, arns: Arns) -> str:
    return arns.of("lambda", f"function:{change.physical_id or change.new.get('FunctionName', '*')}")


def _role_arn(change: ResourceChange, arns: Arns) -> str:
    return arns.without_region("iam", f"role/{change.physical_id or change.new.get('RoleName', '*')}")


def _parameter_arn(change: ResourceChange, arns: Arns) -> str:
    name = str(change.physical_id or change.new.get("Name", change.default_name)).removeprefix("/")
    return arns.of("ssm", f"parameter/{name}")


def _bucket_arn(change: ResourceChange, _arns: Arns) -> str:
    return f"arn:aws:s3:::{change.physical_id or change.new.get('BucketName', '*')}"


def _log_group_arn(change: ResourceChange, arns: Arns) -> str:
    return arns.of("logs", f"log-group:{change.physical_id or change.new.get('LogGroupName', '*')}")


def _passed_to(service: str) -> Mapping[str, str]:
    return {PASSED_TO_SERVICE: f"{service}.amazonaws.com"}


_VERBS: Final = {"create": "Create", "update": "Update", "delete": "Delete"}
_ROLE_UPDATES: Final = {
    "AssumeRolePolicyDocument": "UpdateAssumeRolePolicy",
    "ManagedPolicyArns": "AttachRolePolicy",
    "MaxSessionDuration": "UpdateRole",
    "PermissionsBoundary": "PutRolePermissionsBoundary",
    "Policies": "PutRolePolicy",
    "Tags": "TagRole",
}
_RULES: Final[dict[str, _Rule]] = {
    "AWS::IAM::Role": _role,
    "AWS::Lambda::Function": _function,
    "AWS::Logs::LogGroup": _create_update_delete("logs", "LogGroup", "PutRetentionPolicy", _log_group_arn),
    "AWS::S3::Bucket": _create_update_delete("s3", "Bucket", "PutBucketTagging", _bucket_arn),
    "AWS::SNS::Topic": _create_update_delete(
        "sns", "Topic", "SetTopicAttributes", _named("sns", "TopicName")
    ),
    "AWS::SQS::Queue": _by_handlers(HANDLERS["AWS::SQS::Queue"], _queue_arn),
    "AWS::SSM::Parameter": _by_handlers(HANDLERS["AWS::SSM::Parameter"], _parameter_arn),
    "AWS::StepFunctions::StateMachine": _state_machine,
}
_PACKAGES: Final = {"AWS::Lambda::Function": "Code", "AWS::Lambda::LayerVersion": "Content"}
_READERS: Final[dict[str, tuple[str, _ResourceOf]]] = {
    "AWS::IAM::Role": ("iam:GetRole", _role_arn),
    "AWS::Lambda::Function": ("lambda:GetFunction", _function_arn),
    "AWS::Logs::LogGroup": ("logs:DescribeLogGroups", _log_group_arn),
    "AWS::S3::Bucket": ("s3:ListBucket", _bucket_arn),
    "AWS::SNS::Topic": ("sns:GetTopicAttributes", _named("sns", "TopicName")),
    "AWS::SQS::Queue": ("sqs:GetQueueAttributes", _named("sqs", "QueueName")),
    "AWS::SSM::Parameter": ("ssm:GetParameters", _parameter_arn),
    "AWS::StepFunctions::StateMachine": ("states:DescribeStateMachine", lambda change, _: change.physical_id),
}
"""Type -> the action of its read handler that reads the resource, and the action's resource."""
