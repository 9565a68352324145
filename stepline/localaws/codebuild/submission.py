"""Builds the configuration of a build from its project and a StartBuild request.

https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from stepline.localaws.codebuild.models import Document
from stepline.localaws.codebuild.names import Arns

_OVERRIDES = {
    "artifactsOverride": "artifacts",
    "secondaryArtifactsOverride": "secondaryArtifacts",
    "secondarySourcesOverride": "secondarySources",
    "secondarySourcesVersionOverride": "secondarySourceVersions",
    "sourceVersion": "sourceVersion",
    "cacheOverride": "cache",
    "serviceRoleOverride": "serviceRole",
    "timeoutInMinutesOverride": "timeoutInMinutes",
    "queuedTimeoutInMinutesOverride": "queuedTimeoutInMinutes",
    "encryptionKeyOverride": "encryptionKey",
    "logsConfigOverride": "logsConfig",
}
_SOURCE_OVERRIDES = {
    "sourceTypeOverride": "type",
    "sourceLocationOverride": "location",
    "buildspecOverride": "buildspec",
    "gitCloneDepthOverride": "gitCloneDepth",
}
_ENVIRONMENT_OVERRIDES = {
    "environmentTypeOverride": "type",
    "imageOverride": "image",
    "computeTypeOverride": "computeType",
    "privilegedModeOverride": "privilegedMode",
    "certificateOverride": "certificate",
}


def build_configuration(
    project: Document, params: Document, *, arns: Arns, uuid: str, initiator: str
) -> dict[str, Any]:
    """Return the configuration of a build of `project`, a project's document, with the overrides."""
    document = {**project, **_renamed(params, _OVERRIDES)}
    environment = {**project["environment"], **_renamed(params, _ENVIRONMENT_OVERRIDES)}
    environment["environmentVariables"] = merge_variables(
        project["environment"].get("environmentVariables", ()), params.get("environmentVariablesOverride", ())
    )
    return {
        **document,
        "projectName": project["name"],
        "source": {**project["source"], **_renamed(params, _SOURCE_OVERRIDES)},
        "environment": environment,
        "initiator": initiator,
        "logs": log_location(document.get("logsConfig", {}), project["name"], arns=arns, uuid=uuid),
        "projectArtifacts": document["artifacts"],
        "projectSecondaryArtifacts": document.get("secondaryArtifacts", []),
    }


def merge_variables(declared: Iterable[Document], overriding: Iterable[Document]) -> list[dict[str, Any]]:
    """Return the variables; those of the second list replace those of the same name."""
    merged = {item["name"]: {"type": "PLAINTEXT", **item} for item in (*declared, *overriding)}
    return list(merged.values())


def log_location(config: Document, project_name: str, *, arns: Arns, uuid: str) -> dict[str, Any]:
    """Return where the build's log is: in stream `<configured name>/<UUID of the build>`."""
    cloudwatch = {"status": "ENABLED", **config.get("cloudWatchLogs", {})}
    location: dict[str, Any] = {
        "cloudWatchLogs": cloudwatch,
        "s3Logs": {"status": "DISABLED", "encryptionDisabled": False, **config.get("s3Logs", {})},
    }
    if cloudwatch["status"] != "ENABLED":
        return location
    group = cloudwatch.get("groupName") or f"/aws/codebuild/{project_name}"
    stream = f"{cloudwatch['streamName']}/{uuid}" if cloudwatch.get("streamName") else uuid
    return {
        **location,
        "groupName": group,
        "streamName": stream,
        "deepLink": f"https://console.aws.amazon.com/cloudwatch/home?region={arns.region}"
        f"#logsV2:log-groups/log-group/{_in_link(group)}/log-events/{_in_link(stream)}",
        "cloudWatchLogsArn": f"{arns.log_group(group)}:log-stream:{stream}",
    }


def _in_link(name: str) -> str:
    """Return a name as links of the console contain it."""
    return name.replace("/", "$252F")


def _renamed(params: Document, names: Document) -> dict[str, Any]:
    return {name: params[key] for key, name in names.items() if key in params}
