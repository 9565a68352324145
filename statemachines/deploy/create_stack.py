"""Create Stack: calls CreateStack for the template in the artifact.

IAM: s3:GetObject on the artifacts (kms:Decrypt with their key); s3:PutObject, s3:GetObject and
s3:DeleteObject on templates/* of TEMPLATE_BUCKET (kms:GenerateDataKey, kms:Decrypt with its key);
cloudformation:GetTemplateSummary, which supports no resource ARN; cloudformation:CreateStack,
DescribeStackEvents, SetStackPolicy and TagResource on the stacks that may be deployed; iam:PassRole on
the roles that may be used; as `pipeline_order`.
Environment: TEMPLATE_BUCKET, CLOUDFORMATION_ROLE_ARN, PIPELINE_STACK_NAME, POLL_SECONDS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from botocore.exceptions import ClientError

from statemachines.deploy.awaited_operations import AwaitedOperation
from statemachines.deploy.deployment import Deployment
from statemachines.deploy.errors import StalePipelineExecutionError
from statemachines.deploy.ownership import creation_tags
from statemachines.deploy.pipeline_order import check_pipeline_order
from statemachines.deploy.settings import TemplateSettings, WaitSettings
from statemachines.deploy.stack_arguments import stack_arguments
from statemachines.deploy.task import task
from statemachines.deploy.template import Artifact, read_artifact, summarize, template_arguments
from statemachines.deploy.waiting import WaitProgress
from stepline.core import clients
from stepline.core.aws_errors import error_code
from stepline.core.cloudformation.errors import StackChangedError, stack_does_not_exist
from stepline.core.cloudformation.operations import Operation
from stepline.core.cloudformation.stack_events import StackEvent, operation_status
from stepline.core.errors import TransientAwsError
from stepline.core.fields import Fields, JsonObject

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_s3 import S3Client

_ALREADY_EXISTS = frozenset({"AlreadyExistsException", "TokenAlreadyExistsException"})


class _PolicyArguments(TypedDict, total=False):
    StackPolicyBody: str


@task
def handler(event: Fields) -> JsonObject:
    """Event `{"request": …, "execution": …}`. Returns the creation, `awaited_operations.AwaitedOperation`."""
    deployment = Deployment.parse(event)
    wait = WaitSettings.read()
    stack_id = create_stack(deployment, clients.cloudformation(), clients.s3(), TemplateSettings.read())
    operation = Operation(stack_id, deployment.attempt.creation_token)
    return AwaitedOperation(operation, WaitProgress.start(wait)).to_json()


def create_stack(
    deployment: Deployment,
    cloudformation: CloudFormationClient,
    s3: S3Client,
    settings: TemplateSettings,
) -> str:
    """Create the stack, or find the one that an earlier run of this task created. Return its ARN.

    Raise `StalePipelineExecutionError` before anything is created.
    """
    artifact = read_artifact(s3, deployment.request)
    try:
        return _create(deployment, artifact, cloudformation, s3, settings)
    except StalePipelineExecutionError:
        creation = _creation_that_has_begun(deployment, cloudformation)
        if creation is None:
            raise
        return creation.stack_id
    except ClientError as error:
        if error_code(error) not in _ALREADY_EXISTS:
            raise
        return _find(deployment, cloudformation, error)


def _create(
    deployment: Deployment,
    artifact: Artifact,
    cloudformation: CloudFormationClient,
    s3: S3Client,
    settings: TemplateSettings,
) -> str:
    token = deployment.attempt.creation_token
    policy = artifact.configuration.stack_policy
    policy_arguments: _PolicyArguments = {"StackPolicyBody": policy} if policy else {}
    key = deployment.attempt.template_key(token)
    with template_arguments(s3, artifact.template, bucket=settings.bucket, key=key) as template:
        summary = summarize(cloudformation, template)
        arguments = stack_arguments(
            deployment.request,
            artifact.configuration,
            summary,
            default_role_arn=settings.role_arn,
            tags=creation_tags(artifact.configuration.tags, settings.pipeline_stack_name),
        )
        check_pipeline_order(deployment.action)
        response = cloudformation.create_stack(
            StackName=deployment.request.stack_name,
            ClientRequestToken=token,
            **template,
            **arguments,
            **policy_arguments,
        )
    return response["StackId"]


def _find(deployment: Deployment, cloudformation: CloudFormationClient, error: ClientError) -> str:
    """Return the ARN of the existing stack if its creation has the token of this attempt."""
    creation = _own_creation(deployment, cloudformation)
    if creation is None:
        name = deployment.request.stack_name
        raise StackChangedError(f"The stack {name} was created by another process.") from error
    return creation.stack_id


def _own_creation(deployment: Deployment, cloudformation: CloudFormationClient) -> StackEvent | None:
    """Return the latest event of the creation that an earlier run of this task has started."""
    name, token = deployment.request.stack_name, deployment.attempt.creation_token
    return operation_status(cloudformation, name, token, since=None)


def _creation_that_has_begun(
    deployment: Deployment, cloudformation: CloudFormationClient
) -> StackEvent | None:
    """Return the same; None also if the stack does not exist."""
    try:
        return _own_creation(deployment, cloudformation)
    except TransientAwsError as error:
        cause = error.__cause__
        if isinstance(cause, ClientError) and stack_does_not_exist(cause):
            return None
        raise
