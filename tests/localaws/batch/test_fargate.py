"""What Fargate does for a container: under which role it acts, what it rejects, what the job receives."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import ClientError

from stepline.localaws.batch import Fargate, Task
from stepline.localaws.batch.errors import ContainerError
from stepline.localaws.batch.image_store import UnpackedImage
from stepline.localaws.clock import VirtualClock
from stepline.localaws.context import Context
from stepline.localaws.iam import Actor, Permission
from stepline.localaws.log_streams import Line
from stepline.oci.manifests import ImageConfig
from stepline.oci.names import ImageName
from stepline.oci.registry_client import ImageMissingError, RegistryError

IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/jobs:latest"
EXECUTION, JOB = (f"arn:aws:iam::000000000000:role/{name}" for name in ("execution", "job"))
TASK = Task(
    "job-1", "task-1", IMAGE, (), {}, JOB, EXECUTION, {"awslogs-group": "/jobs"}, "job/default/task-1"
)


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "raised by the test"}}, "Operation")


@dataclass
class World:
    """A fake of roles, images and logs in one."""

    denied: set[str] = field(default_factory=set)
    missing: RegistryError | None = None
    log_error: str = ""
    authorized: list[tuple[str, str, str]] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    streams: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    # --- roles

    def keys(self, actor: Actor) -> ReadOnlyCredentials:
        if "sts:AssumeRole" in self.denied:
            raise client_error("AccessDenied")
        assert actor == Actor("ecs-tasks.amazonaws.com", JOB, "task-1")
        return ReadOnlyCredentials("key", "secret", "token")

    def authorize(self, actor: Actor, required: Iterable[Permission]) -> None:
        for permission in required:
            self.authorized.append((actor.role_arn, permission.action, permission.resource))
            if permission.action in self.denied:
                raise client_error("AccessDenied")

    # --- images

    def fetch(self, _name: ImageName) -> UnpackedImage:
        if self.missing:
            raise self.missing
        return UnpackedImage(Path("root"), ImageConfig())

    # --- logs

    def create_log_group(self, *, logGroupName: str) -> None:
        if logGroupName in self.groups:
            raise client_error("ResourceAlreadyExistsException")
        self.groups.append(logGroupName)

    def create_log_stream(self, *, logStreamName: str, **_members: str) -> None:
        if self.log_error:
            raise client_error(self.log_error)
        self.streams.append(logStreamName)

    def put_log_events(self, *, logEvents: list[dict[str, Any]], **_members: str) -> None:
        self.messages += [event["message"] for event in logEvents]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def fargate(world: World) -> Fargate:
    fake: Any = world
    return Fargate(
        Context(VirtualClock(), lambda _event: None),
        images=fake,
        roles=fake,
        clients=lambda _service: world,
        endpoint_url="http://127.0.0.1:4566",
    )


def test_image_is_pulled_under_the_execution_role(world: World, fargate: Fargate) -> None:
    fargate.pull(TASK)
    repository = "arn:aws:ecr:us-east-1:000000000000:repository/jobs"
    assert world.authorized == [
        (EXECUTION, "ecr:GetAuthorizationToken", "*"),
        (EXECUTION, "ecr:BatchCheckLayerAvailability", repository),
        (EXECUTION, "ecr:GetDownloadUrlForLayer", repository),
        (EXECUTION, "ecr:BatchGetImage", repository),
    ]


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("python", "CannotPullContainerError: 'python' is not the name of an image"),
        ("registry.example.com/jobs", "CannotPullContainerError: .* from its own ECR only"),
    ],
)
def test_image_outside_ecr_is_rejected(fargate: Fargate, image: str, message: str) -> None:
    with pytest.raises(ContainerError, match=message):
        fargate.pull(replace(TASK, image=image))


def test_missing_image_is_a_container_error(world: World, fargate: Fargate) -> None:
    world.missing = ImageMissingError("not found")
    with pytest.raises(ContainerError, match=f"failed to resolve ref {IMAGE}: {IMAGE}: not found"):
        fargate.pull(TASK)


def test_unusable_image_is_a_container_error(world: World, fargate: Fargate) -> None:
    world.missing = RegistryError("it is an index")
    with pytest.raises(ContainerError, match=r"CannotPullContainerError: .*: it is an index"):
        fargate.pull(TASK)


def test_denied_pull_is_a_container_error(world: World, fargate: Fargate) -> None:
    world.denied = {"ecr:BatchGetImage"}
    with pytest.raises(
        ContainerError, match=r"^ResourceInitializationError: unable to pull .* AccessDenied: "
    ):
        fargate.pull(TASK)


def test_missing_execution_role_is_a_container_error(fargate: Fargate) -> None:
    with pytest.raises(ContainerError, match="has no executionRoleArn"):
        fargate.pull(replace(TASK, execution_role_arn=""))


def test_log_is_written_under_the_execution_role(world: World, fargate: Fargate) -> None:
    put = fargate.open_log(TASK)
    put([Line(1, "one"), Line(2, "two")])
    stream = "arn:aws:logs:us-east-1:000000000000:log-group:/jobs:log-stream:job/default/task-1"
    assert world.authorized == [
        (EXECUTION, "logs:CreateLogStream", stream),
        (EXECUTION, "logs:PutLogEvents", stream),
    ]
    assert (world.groups, world.streams) == ([], ["job/default/task-1"])
    assert world.messages == ["one", "two"]


def test_lines_that_may_not_be_logged_are_dropped(world: World, fargate: Fargate) -> None:
    world.denied = {"logs:PutLogEvents"}
    fargate.open_log(TASK)([Line(1, "one")])
    assert world.messages == []


@pytest.mark.parametrize(
    "options", [{"awslogs-group": "/aws/batch/job"}, {"awslogs-group": "/x", "awslogs-create-group": "true"}]
)
def test_log_group_is_created_if_default_or_configured(
    world: World, fargate: Fargate, options: dict[str, str]
) -> None:
    for _ in range(2):
        fargate.open_log(replace(TASK, log_options=options))
    assert world.groups == [options["awslogs-group"]]


@pytest.mark.parametrize(
    ("denied", "error", "message"),
    [
        ({"logs:CreateLogStream"}, "", "AccessDenied"),
        (set(), "ResourceNotFoundException", "ResourceNotFoundException: raised by the test : exit status 1"),
    ],
)
def test_log_stream_that_cannot_be_created_is_a_container_error(
    world: World, fargate: Fargate, denied: set[str], error: str, message: str
) -> None:
    world.denied, world.log_error = denied, error
    with pytest.raises(ContainerError, match=f"failed to validate logger args: .*{message}"):
        fargate.open_log(TASK)


def test_job_receives_the_credentials_of_its_role(fargate: Fargate) -> None:
    variables = fargate.variables(TASK)
    assert variables["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert variables["AWS_SESSION_TOKEN"] == "token"
    assert "AWS_ACCESS_KEY_ID" not in fargate.variables(replace(TASK, job_role_arn=""))


def test_job_role_that_cannot_be_assumed_is_a_container_error(world: World, fargate: Fargate) -> None:
    world.denied = {"sts:AssumeRole"}
    with pytest.raises(ContainerError, match=f"ECS was unable to assume the role '{JOB}'"):
        fargate.variables(TASK)
