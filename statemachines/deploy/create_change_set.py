"""Create Change Set: ask CloudFormation what the artifact's template would change.

IAM: as Create Stack for the artifact, the temporary template, the template's summary and the role;
cloudformation:CreateChangeSet, DescribeChangeSet, DescribeStacks and TagResource on the stacks that
may be deployed.
Environment: TEMPLATE_BUCKET, CLOUDFORMATION_ROLE_ARN, POLL_SECONDS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from statemachines.deploy import clients, settings
from statemachines.deploy.change_sets import ChangeSet, is_missing, moved
from statemachines.deploy.errors import StackMovedError
from statemachines.deploy.stack_arguments import stack_arguments
from statemachines.deploy.stack_task import StackTask
from statemachines.deploy.task import task
from statemachines.deploy.template import Artifact, handed_over, read_artifact, summarize
from statemachines.deploy.waiting import Progress
from statemachines.fields import Fields, JsonObject
from stepline.core.aws_errors import error_code
from stepline.core.cloudformation.stack_events import STACK_TYPE
from stepline.core.cloudformation.stacks import get_stack

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

_NESTED_STACK_TYPES = frozenset({STACK_TYPE, "AWS::Serverless::Application"})


@task
def handler(event: Fields) -> JsonObject:
    """Answers the change set, `change_sets.ChangeSet`."""
    parsed = StackTask.parse(event)
    wait = settings.wait_settings()
    aws = clients.aws()
    artifact = read_artifact(aws.s3, parsed.request)
    change_set_id = create_change_set(parsed, artifact, aws, settings.stack_settings())
    policy = artifact.configuration.stack_policy
    return ChangeSet(change_set_id, parsed.stack_id, policy, Progress.start(wait)).to_json()


def create_change_set(
    event: StackTask, artifact: Artifact, aws: clients.Aws, settings: settings.StackSettings
) -> str:
    """Create the change set, or find the one that an earlier run of this task created; its ARN."""
    try:
        change_set_id, stack_id = _create(event, artifact, aws, settings)
    except ClientError as error:
        if error_code(error) != "AlreadyExistsException":
            raise
        change_set_id, stack_id = _adopt(event, aws.cloudformation)
    if stack_id != event.stack_id:
        raise StackMovedError(
            f"The stack {event.request.stack_name} was deleted and created again by somebody else."
        )
    return change_set_id


def _create(
    event: StackTask, artifact: Artifact, aws: clients.Aws, settings: settings.StackSettings
) -> tuple[str, str]:
    stack = get_stack(aws.cloudformation, event.stack_id)
    name = event.execution.change_set_name
    with handed_over(aws.s3, artifact.template, bucket=settings.template_bucket, owner=name) as template:
        summary = summarize(aws.cloudformation, template)
        arguments = stack_arguments(
            event.request,
            artifact.configuration,
            summary,
            default_role_arn=settings.role_arn,
            previous_parameters=stack.parameter_names,
        )
        answer = aws.cloudformation.create_change_set(
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
        if is_missing(error):
            raise moved() from error  # somebody deletes change sets just now
        raise
    return answer["ChangeSetId"], answer["StackId"]
