"""Create Stack: ask CloudFormation for a stack that does not exist yet.

IAM: s3:GetObject on the artifacts (kms:Decrypt with their key); s3:PutObject, s3:GetObject and
s3:DeleteObject on templates/* of TEMPLATE_BUCKET (kms:GenerateDataKey, kms:Decrypt with its key);
cloudformation:GetTemplateSummary, which has no resource to restrict to; cloudformation:CreateStack,
DescribeStackEvents, SetStackPolicy and TagResource on the stacks that may be deployed; iam:PassRole on
the roles that may be named.
Environment: TEMPLATE_BUCKET, CLOUDFORMATION_ROLE_ARN, POLL_SECONDS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, TypedDict

from botocore.exceptions import ClientError

from statemachines.deploy import settings
from statemachines.deploy.names import Execution
from statemachines.deploy.operations import AwaitedOperation
from statemachines.deploy.request import DeployRequest
from statemachines.deploy.stack_arguments import stack_arguments
from statemachines.deploy.task import task
from statemachines.deploy.template import Artifact, handed_over, read_artifact, summarize
from statemachines.deploy.waiting import Progress
from statemachines.fields import Fields, JsonObject
from stepline.core import clients
from stepline.core.aws_errors import error_code
from stepline.core.cloudformation.errors import StackChangedError
from stepline.core.cloudformation.operations import Operation
from stepline.core.cloudformation.stack_events import operation_status

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_s3 import S3Client

_EXISTS_ALREADY = frozenset({"AlreadyExistsException", "TokenAlreadyExistsException"})


@dataclass(frozen=True)
class Event:
    """`{"request": …, "execution": …}`."""

    request: DeployRequest
    execution: Execution

    @classmethod
    def parse(cls, event: Fields) -> Self:
        return cls(
            request=DeployRequest.parse(event.value("request")),
            execution=Execution.parse(event.section("execution")),
        )


class _PolicyArguments(TypedDict, total=False):
    StackPolicyBody: str


@task
def handler(event: Fields) -> JsonObject:
    """Answers the creation that now runs, `operations.AwaitedOperation`."""
    parsed = Event.parse(event)
    wait = settings.wait_settings()
    stack_id = create_stack(parsed, clients.cloudformation(), clients.s3(), settings.stack_settings())
    token = parsed.execution.creation_token
    return AwaitedOperation(Operation(stack_id, token), Progress.start(wait)).to_json()


def create_stack(
    event: Event, cloudformation: CloudFormationClient, s3: S3Client, stack: settings.StackSettings
) -> str:
    """Create the stack, or find the one that an earlier run of this task created; its ARN."""
    artifact = read_artifact(s3, event.request)
    try:
        return _create(event, cloudformation, s3, stack, artifact)
    except ClientError as error:
        if error_code(error) not in _EXISTS_ALREADY:
            raise
        return _adopt(event, cloudformation, error)


def _create(
    event: Event,
    cloudformation: CloudFormationClient,
    s3: S3Client,
    stack: settings.StackSettings,
    artifact: Artifact,
) -> str:
    token = event.execution.creation_token
    policy = artifact.configuration.stack_policy
    policy_arguments: _PolicyArguments = {"StackPolicyBody": policy} if policy else {}
    with handed_over(s3, artifact.template, bucket=stack.template_bucket, owner=token) as template:
        summary = summarize(cloudformation, template)
        arguments = stack_arguments(
            event.request, artifact.configuration, summary, default_role_arn=stack.role_arn
        )
        answer = cloudformation.create_stack(
            StackName=event.request.stack_name,
            ClientRequestToken=token,
            **template,
            **arguments,
            **policy_arguments,
        )
    return answer["StackId"]


def _adopt(event: Event, cloudformation: CloudFormationClient, error: ClientError) -> str:
    """There is a stack of that name. It is ours if its creation carries our token."""
    name, token = event.request.stack_name, event.execution.creation_token
    ours = operation_status(cloudformation, name, token, since=None)
    if ours is None:
        raise StackChangedError(f"The stack {name} was created by somebody else meanwhile.") from error
    return ours.stack_id
