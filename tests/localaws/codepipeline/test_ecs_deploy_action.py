"""The ECS action against the local ECS, with the role of the pipeline."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.localaws.codepipeline.fakes import World, pipeline, stage
from tests.localaws.codepipeline.remote import RemotePipeline, action, new_name

IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/web:2"


def deploy(service: str, **configuration: str) -> dict[str, Any]:
    return action("Deploy", "Deploy/ECS", {"ClusterName": service, "ServiceName": service, **configuration})


def definitions(**images: str) -> dict[str, str]:
    """Return the files of an artifact with an image definitions file."""
    listed = [{"name": name, "imageUri": image} for name, image in images.items()]
    return {"imagedefinitions.json": json.dumps(listed)}


@pytest.fixture
def service(remote: RemotePipeline) -> str:
    """A service of the containers web and log; it, its cluster and task definition have the same name."""
    name = new_name("service")
    ecs = remote.server.client("ecs")
    ecs.create_cluster(clusterName=name)
    ecs.register_task_definition(
        family=name,
        containerDefinitions=[
            {"name": "web", "image": "web:1", "memory": 128, "environment": [{"name": "A", "value": "1"}]},
            {"name": "log", "image": "log:1", "memory": 64},
        ],
        tags=[{"key": "team", "value": "web"}],
    )
    ecs.create_service(cluster=name, serviceName=name, taskDefinition=name, desiredCount=1)
    return name


def test_service_gets_a_revision_with_the_images_of_the_artifact(
    remote: RemotePipeline, service: str
) -> None:
    remote.create([deploy(service)]).run(definitions(web=IMAGE))

    ecs = remote.server.client("ecs")
    (deployed,) = ecs.describe_services(cluster=service, services=[service])["services"]
    found = ecs.describe_task_definition(taskDefinition=deployed["taskDefinition"], include=["TAGS"])
    containers = {item["name"]: item for item in found["taskDefinition"]["containerDefinitions"]}
    assert found["taskDefinition"]["revision"] == 2
    assert {name: item["image"] for name, item in containers.items()} == {"web": IMAGE, "log": "log:1"}
    assert containers["web"]["environment"] == [{"name": "A", "value": "1"}]
    assert found["tags"] == [{"key": "team", "value": "web"}]
    external_id = remote.action("Deploy")["output"]["executionResult"]["externalExecutionId"]
    assert external_id == deployed["deployments"][0]["id"]


class Ecs:
    """A service, named as its cluster, whose deployment ends when the test sets `deployments`."""

    def __init__(self) -> None:
        self.deployments = [deployment("ecs-svc/2", running=0), deployment("ecs-svc/1", status="ACTIVE")]
        self.meta = _Meta()

    def describe_services(self, *, cluster: str, services: list[str]) -> dict[str, Any]:
        found = {"status": "ACTIVE", "taskDefinition": "web:1", "deployments": self.deployments}
        return {"services": [found for name in services if name == cluster]}

    def describe_task_definition(self, **_: Any) -> dict[str, Any]:
        return {"taskDefinition": {"containerDefinitions": [{"name": "web", "image": "web:1"}]}}

    def register_task_definition(self, **_: Any) -> dict[str, Any]:
        return {"taskDefinition": {"taskDefinitionArn": "web:2"}}

    def update_service(self, **_: Any) -> dict[str, Any]:
        return {"service": {"deployments": self.deployments}}


class _Meta:
    """The model of a client whose operations have one parameter."""

    def __init__(self) -> None:
        self.service_model = self
        self.input_shape = self
        self.members = {"containerDefinitions"}

    def operation_model(self, _name: str) -> _Meta:
        return self


def deployment(name: str, *, status: str = "PRIMARY", running: int = 1, **changes: Any) -> dict[str, Any]:
    return {"id": name, "status": status, "runningCount": running, "desiredCount": 1, **changes}


@pytest.fixture
def ecs(world: World) -> Ecs:
    world.source.files = {name: text.encode() for name, text in definitions(web=IMAGE).items()}
    fake = Ecs()
    world.services["ecs"] = fake
    return fake


def start(world: World, **configuration: str) -> str:
    declared = {**deploy("web", **configuration), "inputArtifacts": [{"name": "SourceOutput"}]}
    world.create(stage("Deploy", declared))
    execution_id = world.start()
    world.clock.advance(5)
    return execution_id


@pytest.mark.parametrize(
    ("files", "configuration", "message"),
    [
        (definitions(other=IMAGE), {}, "The AWS ECS container other does not exist"),
        ({"README.md": "x"}, {}, "Did not find the image definition file imagedefinitions.json"),
        ({"images.json": "{"}, {"FileName": "images.json"}, "images.json contains invalid JSON format"),
        (definitions(web=IMAGE), {"ServiceName": "missing"}, "service missing does not exist"),
    ],
)
def test_deployment_that_cannot_start_fails(
    world: World, ecs: Ecs, files: dict[str, str], configuration: dict[str, str], message: str
) -> None:
    world.source.files = {name: text.encode() for name, text in files.items()}
    start(world, **configuration)
    assert message in world.latest()["errorDetails"]["message"]


def test_action_waits_until_only_the_new_deployment_runs(world: World, ecs: Ecs) -> None:
    execution_id = start(world)
    ecs.deployments = [deployment("ecs-svc/2"), deployment("ecs-svc/1", status="ACTIVE")]
    world.clock.advance(60)
    assert world.status(execution_id) == "InProgress"
    ecs.deployments = [deployment("ecs-svc/2")]
    world.clock.run()
    assert world.status(execution_id) == "Succeeded"


@pytest.mark.parametrize(
    ("deployments", "message"),
    [
        ([deployment("ecs-svc/2", rolloutState="FAILED", rolloutStateReason="tasks failed")], "tasks failed"),
        ([deployment("ecs-svc/3")], "another deployment has replaced it"),
    ],
)
def test_failed_deployment_fails_the_action(
    world: World, ecs: Ecs, deployments: list[dict[str, Any]], message: str
) -> None:
    start(world)
    ecs.deployments = deployments
    world.clock.run()
    assert message in world.latest()["errorDetails"]["message"]


def test_deployment_timeout_is_that_of_the_action(world: World, ecs: Ecs) -> None:
    start(world, DeploymentTimeout="15")
    world.clock.advance(14 * 60)
    assert world.latest()["status"] == "InProgress"
    world.clock.run()
    assert "did not reach a steady state within 15 minutes" in world.latest()["errorDetails"]["message"]


@pytest.mark.parametrize("timeout", ["0", "61", "soon"])
def test_invalid_timeout_is_refused(world: World, timeout: str) -> None:
    declared = {**deploy("web", DeploymentTimeout=timeout), "inputArtifacts": [{"name": "SourceOutput"}]}
    with pytest.raises(world.client.exceptions.InvalidActionDeclarationException) as caught:
        world.client.create_pipeline(pipeline=pipeline(stage("Deploy", declared)))
    assert f"invalid DeploymentTimeout '{timeout}'" in str(caught.value)
