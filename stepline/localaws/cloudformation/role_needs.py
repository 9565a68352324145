"""What CloudFormation needs of a stack's service role to change a resource, by the resource's type.

The actions are those that AWS names for a type's handlers (`aws cloudformation describe-type`), as far as a
change calls for them. Of other types is only known that the role must be allowed something in their service.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from stepline.localaws.iam import Need
from stepline.localaws.iam.enforcement import PASSED_TO_SERVICE

Properties = Mapping[str, Any]

_SERVICES: Final = {
    "ApiGatewayV2": "apigateway",
    "CertificateManager": "acm",
    "Cognito": "cognito-idp",
    "ElasticLoadBalancingV2": "elasticloadbalancing",
    "StepFunctions": "states",
}
"""The service's name in a type, where IAM's is not the same in small letters."""

_FREE: Final = frozenset({"AWS::CloudFormation::WaitCondition", "AWS::CloudFormation::WaitConditionHandle"})
"""CloudFormation's own: no other service is called."""


@dataclass(frozen=True)
class Place:
    account_id: str
    region: str

    def arn(self, service: str, rest: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account_id}:{rest}"

    def global_arn(self, service: str, rest: str) -> str:
        return f"arn:aws:{service}::{self.account_id}:{rest}"


@dataclass(frozen=True)
class Change:
    """`operation`: create, update, delete. `physical_id` is blank before a resource is there."""

    operation: str
    resource_type: str
    physical_id: str = ""
    old: Properties = field(default_factory=dict)
    new: Properties = field(default_factory=dict)

    @property
    def retags(self) -> bool:
        return self.operation == "update" and self.old.get("Tags") != self.new.get("Tags")


def service_of(resource_type: str) -> str:
    """IAM's name of the type's service: `AWS::StepFunctions::StateMachine` -> `states`; blank if none."""
    vendor, _, rest = resource_type.partition("::")
    name = rest.partition("::")[0]
    return "" if vendor != "AWS" or resource_type in _FREE else _SERVICES.get(name, name.lower())


def needs_of(change: Change, place: Place) -> tuple[Need, ...] | None:
    """None for a type of which nothing but the service is known."""
    rule = _RULES.get(change.resource_type)
    return None if rule is None else tuple(rule(change, place))


def _state_machine(change: Change, place: Place) -> Iterator[Need]:
    name = change.new.get("StateMachineName")
    arn = change.physical_id or place.arn("states", f"stateMachine:{name or '*'}")
    yield Need(f"states:{_VERBS[change.operation]}StateMachine", arn)
    if change.operation != "delete":
        yield Need("iam:PassRole", change.new.get("RoleArn", ""), _passed_to("states"))
        yield Need("states:DescribeStateMachine", arn)
        yield Need("states:ListTagsForResource", arn)
    if change.retags or (change.operation == "create" and change.new.get("Tags")):
        yield Need("states:TagResource", arn)


def _function(change: Change, place: Place) -> Iterator[Need]:
    name = change.physical_id or change.new.get("FunctionName", "*")
    arn = place.arn("lambda", f"function:{name}")
    if change.operation == "create":
        yield Need("lambda:CreateFunction", arn)
    elif change.operation == "delete":
        yield Need("lambda:DeleteFunction", arn)
    elif change.old.get("Code") != change.new.get("Code"):
        yield Need("lambda:UpdateFunctionCode", arn)
    else:
        yield Need("lambda:UpdateFunctionConfiguration", arn)
    if change.operation != "delete" and change.old.get("Role") != change.new.get("Role"):
        yield Need("iam:PassRole", change.new.get("Role", ""), _passed_to("lambda"))
    if change.retags:
        yield Need("lambda:TagResource", arn)


def _role(change: Change, place: Place) -> Iterator[Need]:
    arn = place.global_arn("iam", f"role/{change.physical_id or change.new.get('RoleName', '*')}")
    if change.operation != "update":
        yield Need(f"iam:{_VERBS[change.operation]}Role", arn)
        return
    for name, action in _ROLE_UPDATES.items():
        if change.old.get(name) != change.new.get(name):
            yield Need(f"iam:{action}", arn)


def _one(service: str, noun: str, resource: Callable[[Change, Place], str], *, update: str = "") -> _Rule:
    """A type whose operations are `Create<noun>`, `Delete<noun>` and one for every update."""

    def rule(change: Change, place: Place) -> Iterator[Need]:
        action = f"{_VERBS[change.operation]}{noun}"
        if change.operation == "update" and update:
            action = update
        yield Need(f"{service}:{action}", resource(change, place))

    return rule


def _put(service: str, put: str, delete: str, resource: Callable[[Change, Place], str]) -> _Rule:
    """A type with one operation that creates and updates."""

    def rule(change: Change, place: Place) -> Iterator[Need]:
        yield Need(f"{service}:{delete if change.operation == 'delete' else put}", resource(change, place))

    return rule


def _named(service: str, prefix: str, property_name: str) -> Callable[[Change, Place], str]:
    """The ARN `<prefix><name>`, whose name is the physical id's last part."""

    def resource(change: Change, place: Place) -> str:
        name = change.physical_id.rpartition("/")[2].rpartition(":")[2] or change.new.get(property_name, "*")
        return place.arn(service, f"{prefix}{name}")

    return resource


def _bucket_arn(change: Change, _place: Place) -> str:
    return f"arn:aws:s3:::{change.physical_id or change.new.get('BucketName', '*')}"


def _log_group_arn(change: Change, place: Place) -> str:
    return place.arn("logs", f"log-group:{change.physical_id or change.new.get('LogGroupName', '*')}")


def _parameter_arn(change: Change, place: Place) -> str:
    name = str(change.physical_id or change.new.get("Name", "*")).removeprefix("/")
    return place.arn("ssm", f"parameter/{name}")


def _passed_to(service: str) -> Mapping[str, str]:
    return {PASSED_TO_SERVICE: f"{service}.amazonaws.com"}


_Rule = Callable[[Change, Place], Iterator[Need]]
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
    "AWS::Logs::LogGroup": _one("logs", "LogGroup", _log_group_arn, update="PutRetentionPolicy"),
    "AWS::S3::Bucket": _one("s3", "Bucket", _bucket_arn, update="PutBucketTagging"),
    "AWS::SNS::Topic": _one("sns", "Topic", _named("sns", "", "TopicName"), update="SetTopicAttributes"),
    "AWS::SQS::Queue": _one("sqs", "Queue", _named("sqs", "", "QueueName"), update="SetQueueAttributes"),
    "AWS::SSM::Parameter": _put("ssm", "PutParameter", "DeleteParameter", _parameter_arn),
    "AWS::StepFunctions::StateMachine": _state_machine,
}
