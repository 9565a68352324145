"""What Fargate does for a container: it pulls the image and writes the log under the execution role.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass
from typing import Any

from botocore.exceptions import ClientError

from stepline.core.aws_errors import error_code, error_message
from stepline.core.errors import UsageError
from stepline.localaws.batch.errors import ContainerError
from stepline.localaws.batch.image_store import ImageStore, UnpackedImage
from stepline.localaws.batch.models import Task
from stepline.localaws.batch.settings import DEFAULT_LOG_GROUP
from stepline.localaws.context import Context
from stepline.localaws.iam import Actor, Permission
from stepline.localaws.iam.required_permissions import log_permissions
from stepline.localaws.log_streams import Line, PutLines
from stepline.localaws.service_roles import ServiceRoles
from stepline.oci.names import ImageName, parse_image_name
from stepline.oci.registry_client import ImageMissingError, RegistryError

_SERVICE = "ecs-tasks.amazonaws.com"
_REPOSITORY_ACTIONS = ("ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage")
_NO_AUTH = "ResourceInitializationError: unable to pull secrets or registry auth: "
_NO_LOG = (
    "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: "
)


@dataclass(frozen=True)
class Fargate:
    """Provides image, log and credentials of containers. All methods raise ContainerError.

    `clients("logs")` returns a client that signs as the current actor.
    """

    context: Context
    _: KW_ONLY
    images: ImageStore
    roles: ServiceRoles
    clients: Callable[[str], Any]
    endpoint_url: str

    def pull(self, task: Task) -> UnpackedImage:
        """Download and unpack the task's image."""
        try:
            name = parse_image_name(task.image)
        except UsageError as error:
            raise ContainerError(f"CannotPullContainerError: {error}") from error
        if not name.is_in_ecr:
            reason = "the local AWS pulls images from its own ECR only"
            raise ContainerError(f"CannotPullContainerError: {task.image}: {reason}")
        self._authorize_pull(task, name)
        try:
            return self.images.fetch(name)
        except ImageMissingError as error:
            reason = f"failed to resolve ref {name}: {name}: not found"
            raise ContainerError(
                f"CannotPullContainerError: pull image manifest has been retried 1 time(s): {reason}"
            ) from error
        except RegistryError as error:
            raise ContainerError(f"CannotPullContainerError: {name}: {error}") from error

    def open_log(self, task: Task) -> PutLines:
        """Create the log stream and return a function that writes to it, or drops lines if that is denied."""
        logs, group, stream = self.clients("logs"), task.log_options["awslogs-group"], task.log_stream
        arn = f"arn:aws:logs:{self.context.region}:{self.context.account_id}:log-group:{group}"
        create, put = log_permissions(arn, stream)
        actor = _execution_actor(task)
        try:
            if task.log_options.get("awslogs-create-group") == "true" or group == DEFAULT_LOG_GROUP:
                self.roles.authorize(actor, (Permission("logs:CreateLogGroup", arn),))
                _create_group(logs, group)
            self.roles.authorize(actor, (create,))
            logs.create_log_stream(logGroupName=group, logStreamName=stream)
        except ClientError as error:
            reason = f"failed to create Cloudwatch log stream: {_message(error)} : exit status 1"
            raise ContainerError(_NO_LOG + reason) from error

        def put_lines(lines: list[Line]) -> None:
            events = [{"timestamp": line.time_ms, "message": line.text} for line in lines]
            with suppress(ClientError):  # a program continues without its log
                self.roles.authorize(actor, (put,))
                logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)

        return put_lines

    def variables(self, task: Task) -> Mapping[str, str]:
        """Return the environment variables of AWS's SDKs, with the credentials of the job's role, if any."""
        variables = {
            "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
            "AWS_REGION": self.context.region,
            "AWS_DEFAULT_REGION": self.context.region,
            "AWS_ENDPOINT_URL": self.endpoint_url,
        }
        if not task.job_role_arn:
            return variables
        try:
            keys = self.roles.keys(Actor(_SERVICE, task.job_role_arn, task.task_id))
        except ClientError as error:
            raise ContainerError(
                f"ECS was unable to assume the role '{task.job_role_arn}' that was provided for this task: "
                f"{_message(error)}"
            ) from error
        return variables | {
            "AWS_ACCESS_KEY_ID": keys.access_key or "",
            "AWS_SECRET_ACCESS_KEY": keys.secret_key or "",
            "AWS_SESSION_TOKEN": keys.token or "",
        }

    def _authorize_pull(self, task: Task, name: ImageName) -> None:
        arn = f"arn:aws:ecr:{self.context.region}:{self.context.account_id}:repository/{name.repository}"
        required = [Permission("ecr:GetAuthorizationToken", "*")]
        required += [Permission(action, arn) for action in _REPOSITORY_ACTIONS]
        try:
            self.roles.authorize(_execution_actor(task), required)
        except ClientError as error:
            raise ContainerError(_NO_AUTH + _message(error)) from error


def _execution_actor(task: Task) -> Actor:
    if not task.execution_role_arn:
        raise ContainerError(f"{_NO_AUTH}the job definition has no executionRoleArn")
    return Actor(_SERVICE, task.execution_role_arn, task.task_id)


def _create_group(logs: Any, group: str) -> None:
    try:
        logs.create_log_group(logGroupName=group)
    except ClientError as error:
        if error_code(error) != "ResourceAlreadyExistsException":
            raise


def _message(error: ClientError) -> str:
    return f"{error_code(error)}: {error_message(error)}"
