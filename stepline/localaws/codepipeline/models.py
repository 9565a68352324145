"""What a pipeline is declared to be, and the words of CodePipeline for how it fares.

Declarations are read once from the API's document and never change: an update makes a new
version. All names are those of the API.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Any


class ExecutionMode(StrEnum):
    SUPERSEDED = "SUPERSEDED"
    QUEUED = "QUEUED"
    PARALLEL = "PARALLEL"


class PipelineStatus(StrEnum):
    IN_PROGRESS = "InProgress"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    SUCCEEDED = "Succeeded"
    SUPERSEDED = "Superseded"
    FAILED = "Failed"

    @property
    def is_final(self) -> bool:
        return self not in {PipelineStatus.IN_PROGRESS, PipelineStatus.STOPPING}


class StageStatus(StrEnum):
    IN_PROGRESS = "InProgress"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


class ActionStatus(StrEnum):
    IN_PROGRESS = "InProgress"
    ABANDONED = "Abandoned"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


class TriggerType(StrEnum):
    CREATE_PIPELINE = "CreatePipeline"
    START_PIPELINE_EXECUTION = "StartPipelineExecution"
    CLOUD_WATCH_EVENT = "CloudWatchEvent"


class RetryMode(StrEnum):
    FAILED_ACTIONS = "FAILED_ACTIONS"
    ALL_ACTIONS = "ALL_ACTIONS"


class FailureType(StrEnum):
    JOB_FAILED = "JobFailed"
    CONFIGURATION_ERROR = "ConfigurationError"
    PERMISSION_ERROR = "PermissionError"
    REVISION_OUT_OF_SYNC = "RevisionOutOfSync"
    REVISION_UNAVAILABLE = "RevisionUnavailable"
    SYSTEM_UNAVAILABLE = "SystemUnavailable"


@dataclass(frozen=True, kw_only=True)
class ErrorDetails:
    """Why an action failed. `message` is what people read, so it says what to change."""

    code: FailureType
    message: str


@dataclass(frozen=True, kw_only=True)
class Trigger:
    type: TriggerType
    detail: str


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """A zip in the artifact store. `revision` is the source's, None for what an action made."""

    name: str
    bucket: str
    key: str
    revision: str | None = None


@dataclass(frozen=True, kw_only=True)
class Revision:
    """What a source was found to hold.

    `id`: commit id or object version. `variables`: the source action's output variables.
    `url`: a page of the AWS console.
    """

    id: str
    summary: str | None = None
    created: datetime | None = None
    url: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class CurrentRevision:
    """What an action reports of the revision that it handled (GetPipelineState)."""

    id: str
    change_id: str
    created: datetime


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How an action ended: well, if there is no `error`.

    None and empty mean that nothing was said, so that what was reported earlier stays.
    `output_variables` count only if the action succeeded.
    """

    error: ErrorDetails | None = None
    summary: str | None = None
    external_id: str | None = None
    external_url: str | None = None
    output_variables: Mapping[str, str] = field(default_factory=dict)
    source_revision: Revision | None = None
    current_revision: CurrentRevision | None = None

    @classmethod
    def failure(cls, code: FailureType, message: str) -> Outcome:
        return cls(error=ErrorDetails(code=code, message=message))


@dataclass(frozen=True, kw_only=True)
class ActionType:
    category: str
    owner: str
    provider: str
    version: str

    def document(self) -> dict[str, str]:
        return {
            "category": self.category,
            "owner": self.owner,
            "provider": self.provider,
            "version": self.version,
        }


@dataclass(frozen=True, kw_only=True)
class ArtifactStore:
    bucket: str
    encryption_key_id: str | None


@dataclass(frozen=True, kw_only=True)
class ActionDeclaration:
    name: str
    type: ActionType
    run_order: int
    configuration: Mapping[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    role_arn: str | None
    region: str | None
    namespace: str | None
    timeout_minutes: int | None

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> ActionDeclaration:
        return cls(
            name=document["name"],
            type=ActionType(**document["actionTypeId"]),
            run_order=document.get("runOrder", 1),
            configuration=dict(document.get("configuration", {})),
            inputs=tuple(artifact["name"] for artifact in document.get("inputArtifacts", ())),
            outputs=tuple(artifact["name"] for artifact in document.get("outputArtifacts", ())),
            role_arn=document.get("roleArn"),
            region=document.get("region"),
            namespace=document.get("namespace"),
            timeout_minutes=document.get("timeoutInMinutes"),
        )


@dataclass(frozen=True, kw_only=True)
class StageDeclaration:
    name: str
    actions: tuple[ActionDeclaration, ...]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> StageDeclaration:
        return cls(name=document["name"], actions=tuple(map(ActionDeclaration.of, document["actions"])))

    def groups(self) -> Iterator[tuple[ActionDeclaration, ...]]:
        """The actions that run together, in the order of their runOrder."""
        ordered = sorted(self.actions, key=lambda action: action.run_order)
        for _, group in groupby(ordered, key=lambda action: action.run_order):
            yield tuple(group)


@dataclass(frozen=True, kw_only=True)
class PipelineDeclaration:
    """One version of a pipeline. `document` is what GetPipeline answers."""

    name: str
    version: int
    role_arn: str
    stages: tuple[StageDeclaration, ...]
    stores: Mapping[str | None, ArtifactStore]
    mode: ExecutionMode
    type: str
    variables: Mapping[str, str | None]
    document: Mapping[str, Any]

    @classmethod
    def of(cls, document: Mapping[str, Any], *, version: int) -> PipelineDeclaration:
        """Read the API's PipelineDeclaration, of which the model has been validated."""
        full = _with_defaults(document, version)
        return cls(
            name=full["name"],
            version=version,
            role_arn=full["roleArn"],
            stages=tuple(map(StageDeclaration.of, full["stages"])),
            stores=_stores(full),
            mode=ExecutionMode(full["executionMode"]),
            type=full["pipelineType"],
            variables={item["name"]: item.get("defaultValue") for item in full.get("variables", ())},
            document=full,
        )

    def store(self, region: str) -> ArtifactStore:
        """The artifact store of `region`; a pipeline declares one, or one for each region."""
        return self.stores.get(region) or self.stores[None]

    def stage_index(self, name: str) -> int | None:
        return next((index for index, stage in enumerate(self.stages) if stage.name == name), None)


def _with_defaults(document: Mapping[str, Any], version: int) -> dict[str, Any]:
    """What AWS fills in when it answers a declaration."""
    stages = [
        {
            **stage,
            "actions": [
                {"runOrder": 1, "configuration": {}, "outputArtifacts": [], "inputArtifacts": [], **action}
                for action in stage["actions"]
            ],
        }
        for stage in document["stages"]
    ]
    defaults = {"executionMode": ExecutionMode.SUPERSEDED.value, "pipelineType": "V1"}
    return {**defaults, **document, "stages": stages, "version": version}


def _stores(document: Mapping[str, Any]) -> dict[str | None, ArtifactStore]:
    stores: dict[str | None, ArtifactStore] = {
        region: _store(store) for region, store in document.get("artifactStores", {}).items()
    }
    if "artifactStore" in document:
        stores[None] = _store(document["artifactStore"])
    return stores


def _store(document: Mapping[str, Any]) -> ArtifactStore:
    return ArtifactStore(
        bucket=document["location"], encryption_key_id=document.get("encryptionKey", {}).get("id")
    )
