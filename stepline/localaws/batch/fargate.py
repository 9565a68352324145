"""What Fargate does around a container: under the execution role it fetches the image and writes the log.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol

from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import ClientError

from stepline.core.errors import UsageError
from stepline.localaws.batch.image_store import ImageStore, UnpackedImage
from stepline.localaws.batch.log_stream import Line, PutLines
from stepline.localaws.batch.model import Task
from stepline.localaws.batch.tasks import DEFAULT_LOG_GROUP
from stepline.localaws.iam import Actor, Permission
from stepline.localaws.iam.required_permissions import log_permissions
from stepline.oci.names import ImageName, parse_image_name
from stepline.oci.registry_client import ImageMissingError, RegistryError

_SERVICE = "ecs-tasks.amazonaws.com"
_REPOSITORY_ACTIONS = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:GetDownloadUrlForLayer",
    "ecr:BatchGetImage",
)
_NO_AUTH = "ResourceInitializationError: unable to pull secrets or registry auth: "
_NO_LOG = (
    "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: "
)


class ContainerError(Exception):
    """A container cannot be started; the text is the container's `reason`, as Fargate words it."""


class Roles(Protocol):
    """`ServiceRoles`, as far as it is needed."""

    def keys(self, actor: Actor) -> ReadOnlyCredentials: ...

    def authorize(self, actor: Actor, needs: tuple[Permission, ...]) -> None: ...


class Fargate:
    """`clients("logs")` gives a client that signs as whoever acts."""

    def __init__(
        self,
        images: ImageStore,
        *,
        roles: Roles,
        clients: Callable[[str], Any],
        endpoint_url: str,
        account_id: str,
        region: str,
    ) -> None:
        self._images = images
        self._roles = roles
        self._clients = clients
        self._endpoint_url = endpoint_url
        self._account_id = account_id
        self._region = region

    def pull(self, task: Task) -> UnpackedImage:
        try:
            name = parse_image_name(task.image)
        except UsageError as error:
            raise ContainerError(f"CannotPullContainerError: {error}") from error
        if not name.is_in_ecr:
            reason = "the local AWS fetches images from its own ECR only"
            raise ContainerError(f"CannotPullContainerError: {task.image}: {reason}")
        self._authorize_pull(task, name)
        try:
            return self._images.fetch(name)
        except ImageMissingError as error:
            reason = f"failed to resolve ref {name}: {name}: not found"
            raise ContainerError(
                f"CannotPullContainerError: pull image manifest has been retried 1 time(s): {reason}"
            ) from error
        except RegistryError as error:
            raise ContainerError(f"CannotPullContainerError: {name}: {error}") from error

    def open_log(self, task: Task) -> PutLines:
        """Make the log stream; what is returned writes to it, and drops what may not be written."""
        logs, group, stream = self._clients("logs"), task.log_options["awslogs-group"], task.log_stream
        arn = f"arn:aws:logs:{self._region}:{self._account_id}:log-group:{group}"
        create, put = log_permissions(arn, stream)
        actor = _execution_actor(task)
        try:
            if task.log_options.get("awslogs-create-group") == "true" or group == DEFAULT_LOG_GROUP:
                self._roles.authorize(actor, (Permission("logs:CreateLogGroup", arn),))
                _create_group(logs, group)
            self._roles.authorize(actor, (create,))
            logs.create_log_stream(logGroupName=group, logStreamName=stream)
        except ClientError as error:
            reason = f"failed to create Cloudwatch log stream: {_words(error)} : exit status 1"
            raise ContainerError(_NO_LOG + reason) from error

        def put_lines(lines: list[Line]) -> None:
            events = [{"timestamp": line.time_ms, "message": line.text} for line in lines]
            with suppress(ClientError):  # a program runs on when its log is gone
                self._roles.authorize(actor, (put,))
                logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)

        return put_lines

    def variables(self, task: Task) -> Mapping[str, str]:
        """Where AWS is, and the credentials of the job's role, if it has one."""
        variables = {
            "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
            "AWS_REGION": self._region,
            "AWS_DEFAULT_REGION": self._region,
            "AWS_ENDPOINT_URL": self._endpoint_url,
        }
        if not task.job_role_arn:
            return variables
        try:
            keys = self._roles.keys(Actor(_SERVICE, task.job_role_arn, task.task_id))
        except ClientError as error:
            raise ContainerError(
                f"ECS was unable to assume the role '{task.job_role_arn}' that was provided for this task: "
                f"{_words(error)}"
            ) from error
        return variables | {
            "AWS_ACCESS_KEY_ID": keys.access_key or "",
            "AWS_SECRET_ACCESS_KEY": keys.secret_key or "",
            "AWS_SESSION_TOKEN": keys.token or "",
        }

    def _authorize_pull(self, task: Task, name: ImageName) -> None:
        arn = f"arn:aws:ecr:{self._region}:{self._account_id}:repository/{name.repository}"
        needs = (
            Permission("ecr:GetAuthorizationToken", "*"),
            *(Permission(action, arn) for action in _REPOSITORY_ACTIONS),
        )
        try:
            self._roles.authorize(_execution_actor(task), needs)
        except ClientError as error:
            raise ContainerError(_NO_AUTH + _words(error)) from error


def _execution_actor(task: Task) -> Actor:
    if not task.execution_role_arn:
        raise ContainerError(f"{_NO_AUTH}the job definition has no executionRoleArn")
    return Actor(_SERVICE, task.execution_role_arn, task.task_id)


def _create_group(logs: Any, group: str) -> None:
    try:
        logs.create_log_group(logGroupName=group)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
            raise


def _words(error: ClientError) -> str:
    details = error.response["Error"]
    return f"{details['Code']}: {details['Message']}"
