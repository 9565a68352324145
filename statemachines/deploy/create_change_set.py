"""Create Change Set: calls CreateChangeSet for the template in the artifact.

IAM: as Create Stack for the artifact, the temporary template, the template's summary and the role;
cloudformation:CreateChangeSet, DescribeChangeSet, DescribeStacks and TagResource on the stacks that may be
deployed. Environment: TEMPLATE_BUCKET, CLOUDFORMATION_ROLE_ARN, PIPELINE_STACK_NAME,
POLL_SECONDS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from statemachines.deploy.change_sets import ChangeSet, change_set_invalid
from statemachines.deploy.deployment import Deployment
from statemachines.deploy.ownership import update_tags
from statemachines.deploy.settings import TemplateSettings, WaitSettings
from statemachines.deploy.stack_arguments import stack_arguments
from statemachines.deploy.task import task
from statemachines.deploy.template import Artifact, read_artifact, summarize, template_arguments
from statemachines.deploy.waiting import WaitProgress
from stepline.core import clients
from stepline.core.aws_errors import error_code
from stepline.core.cloudformation.errors import change_set_does_not_exist
from stepline.core.cloudformation.stack_events import STACK_TYPE
from stepline.core.cloudformation.stacks import get_stack
from stepline.core.fields import Fields, JsonObject

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_s3 import S3Client

_NESTED_STACK_TYPES = frozenset({STACK_TYPE, "AWS::Serverless::Application"})


@task
def handler(event: Fields) -> JsonObject:
    """Event `{"request": …, "execution": …, "stack": {"id": …}}`. Returns `change_sets.ChangeSet`."""
    deployment = Deployment.parse_with_stack(event)
    wait = WaitSettings.read()
    cloudformation, s3 = clients.cloudformation(), clients.s3()
    artifact = read_artifact(s3, deployment.request)
    change_set_id = create_change_set(deployment, artifact, cloudformation, s3, TemplateSettings.read())
    policy = artifact.configuration.stack_policy
    return ChangeSet(change_set_id, deployment.stack_id, policy, WaitProgress.start(wait)).to_json()


def create_change_set(
    deployment: Deployment,
    artifact: Artifact,
    cloudformation: CloudFormationClient,
    s3: S3Client,
    settings: TemplateSettings,
) -> str:
    """Create the change set, or find the one that an earlier run of this task created. Return its ARN.

    It is for the stack with this ARN, never for another stack of the same name.
    """
    try:
        return _create(deployment, artifact, cloudformation, s3, settings)
    except ClientError as error:
        if error_code(error) != "AlreadyExistsException":
            raise
        return _find(deployment, cloudformation)


def _create(
    deployment: Deployment,
    artifact: Artifact,
    cloudformation: CloudFormationClient,
    s3: S3Client,
    settings: TemplateSettings,
) -> str:
    stack = get_stack(cloudformation, deployment.stack_id)
    name = deployment.attempt.change_set_name
    key = deployment.attempt.template_key(name)
    with template_arguments(s3, artifact.template, bucket=settings.bucket, key=key) as template:
        summary = summarize(cloudformation, template)
        arguments = stack_arguments(
            deployment.request,
            artifact.configuration,
            summary,
            default_role_arn=settings.role_arn,
            tags=update_tags(artifact.configuration.tags, stack, settings.pipeline_stack_name),
            previous_parameters=stack.parameter_names,
        )
        response = cloudformation.create_change_set(
            StackName=stack.id,
            ChangeSetName=name,
            ChangeSetType="UPDATE",
            Description=deployment.attempt.description,
            # Required to see the changes inside nested stacks.
            IncludeNestedStacks=bool(summary.resource_types & _NESTED_STACK_TYPES),
            **template,
            **arguments,
        )
    return response["Id"]


def _find(deployment: Deployment, cloudformation: CloudFormationClient) -> str:
    """Return the ARN of the existing change set. Only this attempt uses its name."""
    try:
        response = cloudformation.describe_change_set(
            StackName=deployment.stack_id, ChangeSetName=deployment.attempt.change_set_name
        )
    except ClientError as error:
        if change_set_does_not_exist(error):  # another process has just deleted it
            raise change_set_invalid() from error
        raise
    return response["ChangeSetId"]
