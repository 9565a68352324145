"""Create Change Set: ask CloudFormation what the artifact's template would change.

IAM: as Create Stack for the artifact, the temporary template, the template's summary and the role;
cloudformation:CreateChangeSet, DescribeChangeSet, DescribeStacks and TagResource on the stacks that
may be deployed.
Environment: TEMPLATE_BUCKET, CLOUDFORMATION_ROLE_ARN, POLL_SECONDS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from statemachines.deploy import settings
from statemachines.deploy.change_sets import ChangeSet, invalid
from statemachines.deploy.stack_arguments import stack_arguments
from statemachines.deploy.stack_task import StackTask
from statemachines.deploy.task import task
from statemachines.deploy.template import Artifact, handed_over, read_artifact, summarize
from statemachines.deploy.waiting import Progress
from statemachines.fields import Fields, JsonObject
from stepline.core import clients
from stepline.core.aws_errors import error_code
from stepline.core.cloudformation.errors import StackChangedError, change_set_does_not_exist
from stepline.core.cloudformation.stack_events import STACK_TYPE
from stepline.core.cloudformation.stacks import get_stack

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_s3 import S3Client

_NESTED_STACK_TYPES = frozenset({STACK_TYPE, "AWS::Serverless::Application"})


@task
def handler(event: Fields) -> JsonObject:
    """Answers the change set, `change_sets.ChangeSet`."""
    parsed = StackTask.parse(event)
    wait = settings.wait_settings()
    cloudformation, s3 = clients.cloudformation(), clients.s3()
    artifact = read_artifact(s3, parsed.request)
    change_set_id = create_change_set(parsed, artifact, cloudformation, s3, settings.stack_settings())
    policy = artifact.configuration.stack_policy
    return ChangeSet(change_set_id, parsed.stack_id, policy, Progress.start(wait)).to_json()


def create_change_set(
    event: StackTask,
    artifact: Artifact,
    cloudformation: CloudFormationClient,
    s3: S3Client,
    settings: settings.StackSettings,
) -> str:
    """Create the change set, or find the one that an earlier run of this task created; its ARN."""
    try:
        change_set_id, stack_id = _create(event, artifact, cloudformation, s3, settings)
    except ClientError as error:
        if error_code(error) != "AlreadyExistsException":
            raise
        change_set_id, stack_id = _adopt(event, cloudformation)
    if stack_id != event.stack_id:
        raise StackChangedError(
            f"The stack {event.request.stack_name} was deleted and created again by somebody else."
        )
    return change_set_id


def _create(
    event: StackTask,
    artifact: Artifact,
    cloudformation: CloudFormationClient,
    s3: S3Client,
    settings: settings.StackSettings,
) -> tuple[str, str]:
    stack = get_stack(cloudformation, event.stack_id)
    name = event.execution.change_set_name
    with handed_over(s3, artifact.template, bucket=settings.template_bucket, owner=name) as template:
        summary = summarize(cloudformation, template)
        arguments = stack_arguments(
            event.request,
            artifact.configuration,
            summary,
            default_role_arn=settings.role_arn,
            previous_parameters=stack.parameter_names,
        )
        answer = cloudformation.create_change_set(
            StackName=stack.name,
            ChangeSetName=name,
            ChangeSetType="UPDATE",
            Description=f"Deployment by {event.execution.name}",
            # Only so can be seen what happens inside nested stacks.
            IncludeNestedStacks=bool(summary.resource_types & _NESTED_STACK_TYPES),
            **template,
            **arguments,
        )
    return answer["Id"], answer["StackId"]


def _adopt(event: StackTask, cloudformation: CloudFormationClient) -> tuple[str, str]:
    """A change set of this name can only be ours: the name is made of the execution."""
    try:
        answer = cloudformation.describe_change_set(
            StackName=event.request.stack_name, ChangeSetName=event.execution.change_set_name
        )
    except ClientError as error:
        if change_set_does_not_exist(error):
            raise invalid() from error  # somebody deletes change sets just now
        raise
    return answer["ChangeSetId"], answer["StackId"]
