"""The shapes of CodeBuild's responses; members that are None are left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepline.localaws.codebuild.models import Build, BuildStatus, Document, Phase, Project, UploadedArtifact

_BUILD_MEMBERS = (
    "projectName",
    "sourceVersion",
    "source",
    "secondarySources",
    "secondarySourceVersions",
    "cache",
    "environment",
    "serviceRole",
    "logs",
    "timeoutInMinutes",
    "queuedTimeoutInMinutes",
    "initiator",
    "vpcConfig",
    "encryptionKey",
    "fileSystemLocations",
)


def project_document(project: Project) -> dict[str, Any]:
    """Return the API's Project."""
    return {
        **project.document,
        "arn": project.arn,
        "tags": project.tags,
        "created": project.created,
        "lastModified": project.last_modified,
        "badge": {"badgeEnabled": bool(project.document.get("badgeEnabled"))},
    }


def build_document(build: Build) -> dict[str, Any]:
    """Return the API's Build."""
    members = {name: build.document[name] for name in _BUILD_MEMBERS if build.document.get(name) is not None}
    document = {
        **members,
        "id": build.id,
        "arn": build.arn,
        "buildNumber": build.number,
        "startTime": build.started_at,
        "endTime": build.ended_at,
        "currentPhase": build.phases[-1].type.value if build.phases else None,
        "buildStatus": build.status.value,
        "resolvedSourceVersion": build.resolved_source_version,
        "phases": [_phase(phase) for phase in build.phases],
        "artifacts": _artifact(build.document["projectArtifacts"], build.artifacts.get("")),
        "secondaryArtifacts": [
            _artifact(item, build.artifacts.get(item.get("artifactIdentifier", "")))
            for item in build.document.get("projectSecondaryArtifacts", ())
        ],
        "buildComplete": build.is_complete,
        "exportedEnvironmentVariables": [
            {"name": name, "value": value} for name, value in build.exported.items()
        ],
    }
    return {name: value for name, value in document.items() if value is not None}


def _phase(phase: Phase) -> dict[str, Any]:
    document = {
        "phaseType": phase.type.value,
        "startTime": phase.started_at,
        "phaseStatus": phase.status.value if phase.status else None,
        "endTime": phase.ended_at,
        "durationInSeconds": phase.seconds if phase.ended_at else None,
        "contexts": phase_contexts(phase) if phase.ended_at else None,
    }
    return {name: value for name, value in document.items() if value is not None}


def phase_contexts(phase: Phase) -> list[dict[str, str]]:
    """Return the contexts; that of a phase that succeeded is blank."""
    if phase.code or phase.status is BuildStatus.SUCCEEDED:
        return [{"statusCode": phase.code, "message": phase.message}]
    return []


def _artifact(declared: Document, uploaded: UploadedArtifact | None) -> Mapping[str, Any]:
    names = ("overrideArtifactName", "encryptionDisabled", "artifactIdentifier", "bucketOwnerAccess")
    document = {name: declared[name] for name in names if name in declared}
    if uploaded is None:
        return {**document, "location": ""}
    checksums = {"sha256sum": uploaded.sha256, "md5sum": uploaded.md5}
    return {
        **document,
        "location": uploaded.location,
        **{name: sum_ for name, sum_ in checksums.items() if sum_},
    }
