"""The ECS action: it gives a service a new revision of its task definition, with other images.

https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-ECS.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from stepline.core.archives.errors import ArtifactMemberNotFoundError
from stepline.core.failure_types import FailureType
from stepline.core.limits import KIB
from stepline.localaws.codepipeline.action_types import ActionTypeDefinition, Configuration, aws_type
from stepline.localaws.codepipeline.actions.polled_action import PolledAction, Work
from stepline.localaws.codepipeline.declarations import ActionDeclaration
from stepline.localaws.codepipeline.errors import InvalidActionDeclarationException
from stepline.localaws.codepipeline.models import ActionExecution
from stepline.localaws.codepipeline.results import ActionFailedError, ActionResult

_DEFAULT_FILE = "imagedefinitions.json"
_MAX_FILE_BYTES = 100 * KIB
"""https://docs.aws.amazon.com/codepipeline/latest/userguide/file-reference.html"""
_MAX_TIMEOUT_MINUTES = 60
_SECONDS_PER_MINUTE = 60
_FAILED = "FAILED"


class EcsDeployAction(PolledAction):
    """The role of the action needs ecs:DescribeServices, DescribeTaskDefinition, RegisterTaskDefinition,
    TagResource and UpdateService, and iam:PassRole for the roles of the task.
    """

    def work(self, action: ActionExecution) -> Work:
        images = self._images(action)
        configuration = action.resolved_configuration
        cluster, service = configuration["ClusterName"], configuration["ServiceName"]
        client = self.client("ecs", action)
        definition_arn = self._register(client, _service(client, cluster, service), images)
        updated = client.update_service(cluster=cluster, service=service, taskDefinition=definition_arn)
        deployment_id = _primary(updated["service"])["id"]
        self.report(action, external_id=deployment_id, external_url=self._url(action))
        deadline = self.runtime.now().timestamp() + _timeout_seconds(configuration)
        while not _is_steady(_service(client, cluster, service), deployment_id):
            if self.runtime.now().timestamp() >= deadline:
                minutes = _timeout_seconds(configuration) // _SECONDS_PER_MINUTE
                raise ActionFailedError(
                    FailureType.JOB_FAILED,
                    f"The Amazon ECS service {service} did not reach a steady state within {minutes} "
                    "minutes.",
                )
            yield
        return ActionResult(summary="Deployment Succeeded", external_id=deployment_id)

    def _images(self, action: ActionExecution) -> dict[str, str]:
        """Return the image by the container's name, from the image definitions file."""
        name = action.resolved_configuration.get("FileName") or _DEFAULT_FILE
        artifact = action.inputs[0]
        try:
            content = self.read_file(artifact, name, max_bytes=_MAX_FILE_BYTES)
        except ArtifactMemberNotFoundError as error:
            raise ActionFailedError(
                FailureType.CONFIGURATION_ERROR,
                f"Did not find the image definition file {name} in the input artifacts ZIP file. Verify the "
                f"file is stored in your pipeline's Amazon S3 artifact bucket: {artifact.bucket} key: "
                f"{artifact.key}",
            ) from error
        try:
            return {str(item["name"]): str(item["imageUri"]) for item in json.loads(content)}
        except (ValueError, TypeError, KeyError) as error:
            raise ActionFailedError(
                FailureType.CONFIGURATION_ERROR,
                f"The image definition file {name} contains invalid JSON format: it must be a list of "
                "objects with the members name and imageUri",
            ) from error

    def _register(self, client: Any, service: Mapping[str, Any], images: Mapping[str, str]) -> str:
        """Register a revision of the definition that the service uses, and return its ARN."""
        found = client.describe_task_definition(taskDefinition=service["taskDefinition"], include=["TAGS"])
        definition = found["taskDefinition"]
        containers = {container["name"]: container for container in definition["containerDefinitions"]}
        for name, image in images.items():
            if name not in containers:
                raise ActionFailedError(
                    FailureType.CONFIGURATION_ERROR, f"The AWS ECS container {name} does not exist"
                )
            containers[name]["image"] = image
        parameters = client.meta.service_model.operation_model("RegisterTaskDefinition").input_shape.members
        given = {key: value for key, value in definition.items() if key in parameters}
        tags = {"tags": found["tags"]} if found.get("tags") else {}
        registered = client.register_task_definition(**given, **tags)
        return str(registered["taskDefinition"]["taskDefinitionArn"])

    def _url(self, action: ActionExecution) -> str | None:
        return _entity_url(action.resolved_configuration, self.region(action))


def _service(client: Any, cluster: str, name: str) -> dict[str, Any]:
    found = client.describe_services(cluster=cluster, services=[name])["services"]
    if not found or found[0]["status"] != "ACTIVE":
        raise ActionFailedError(
            FailureType.CONFIGURATION_ERROR,
            f"The Amazon ECS service {name} does not exist in the cluster {cluster}, or is not active",
        )
    return dict(found[0])


def _primary(service: Mapping[str, Any]) -> Mapping[str, Any]:
    return next(item for item in service["deployments"] if item["status"] == "PRIMARY")


def _is_steady(service: Mapping[str, Any], deployment_id: str) -> bool:
    """Return whether the deployment alone runs as many tasks as wanted. Raises ActionFailedError."""
    deployments = {item["id"]: item for item in service["deployments"]}
    ours = deployments.get(deployment_id)
    if ours is None or ours.get("rolloutState") == _FAILED:
        reason = (ours or {}).get("rolloutStateReason", "another deployment has replaced it")
        raise ActionFailedError(
            FailureType.JOB_FAILED, f"The deployment {deployment_id} of Amazon ECS failed: {reason}"
        )
    others = [item for item in deployments.values() if item is not ours]
    return not others and ours["runningCount"] == ours["desiredCount"]


def _timeout_seconds(configuration: Configuration) -> int:
    return int(configuration.get("DeploymentTimeout") or _MAX_TIMEOUT_MINUTES) * _SECONDS_PER_MINUTE


def _check(action: ActionDeclaration) -> None:
    given = action.configuration.get("DeploymentTimeout")
    if given is not None and not (given.isdecimal() and 1 <= int(given) <= _MAX_TIMEOUT_MINUTES):
        raise InvalidActionDeclarationException(
            f"Action configuration for action '{action.name}' has an invalid DeploymentTimeout '{given}': it "
            f"must be a number of minutes from 1 to {_MAX_TIMEOUT_MINUTES}"
        )


def _entity_url(configuration: Configuration, region: str) -> str:
    cluster, service = configuration["ClusterName"], configuration["ServiceName"]
    console = f"https://{region}.console.aws.amazon.com/ecs/v2"
    return f"{console}/clusters/{cluster}/services/{service}?region={region}"


DEFINITION = ActionTypeDefinition(
    type=aws_type("Deploy", "ECS"),
    inputs=(1, 1),
    outputs=(0, 0),
    required=("ClusterName", "ServiceName"),
    optional=("FileName", "DeploymentTimeout"),
    provider=lambda context: EcsDeployAction(context) if context.clients.client else None,
    check=_check,
    entity_url=_entity_url,
)
