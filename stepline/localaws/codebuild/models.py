"""Projects, builds and their phases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from stepline.localaws.iam import Actor

Document = Mapping[str, Any]


class BuildStatus(StrEnum):
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    FAULT = "FAULT"
    TIMED_OUT = "TIMED_OUT"
    IN_PROGRESS = "IN_PROGRESS"
    STOPPED = "STOPPED"


class PhaseType(StrEnum):
    SUBMITTED = "SUBMITTED"
    QUEUED = "QUEUED"
    PROVISIONING = "PROVISIONING"
    DOWNLOAD_SOURCE = "DOWNLOAD_SOURCE"
    INSTALL = "INSTALL"
    PRE_BUILD = "PRE_BUILD"
    BUILD = "BUILD"
    POST_BUILD = "POST_BUILD"
    UPLOAD_ARTIFACTS = "UPLOAD_ARTIFACTS"
    FINALIZING = "FINALIZING"
    COMPLETED = "COMPLETED"


@dataclass
class Phase:
    """One phase of a build; `code` and `message` are the context of one that failed."""

    type: PhaseType
    started_at: datetime
    status: BuildStatus | None = None
    ended_at: datetime | None = None
    code: str = ""
    message: str = ""

    @property
    def seconds(self) -> int:
        return int((self.ended_at - self.started_at).total_seconds()) if self.ended_at else 0


@dataclass
class Project:
    """`document`: the members of CreateProject as they were sent, without tags."""

    name: str
    arn: str
    document: Document
    tags: list[Document]
    created: datetime
    last_modified: datetime
    builds_started: int = 0


@dataclass(frozen=True)
class S3Object:
    bucket: str
    key: str
    version_id: str | None = None

    @property
    def arn(self) -> str:
        return f"arn:aws:s3:::{self.bucket}/{self.key}"


@dataclass(frozen=True)
class PipelineSource:
    """An input artifact of a pipeline's action. `revision`: the revision of its source, if known."""

    name: str
    location: S3Object
    revision: str | None = None


@dataclass(frozen=True)
class PipelineArtifact:
    """An output artifact of a pipeline's action. `kms_key_id` encrypts it; AWS's own key if None.

    `files`: patterns, instead of those of the buildspec.
    """

    name: str
    location: S3Object
    kms_key_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class PipelineInput:
    """What an action of CodePipeline gives to a build. The first source is the primary one."""

    initiator: str
    sources: tuple[PipelineSource, ...]
    artifacts: tuple[PipelineArtifact, ...] = ()


@dataclass(frozen=True)
class UploadedArtifact:
    """An artifact that was uploaded; the checksums are those of a zip."""

    location: str
    sha256: str = ""
    md5: str = ""


@dataclass(kw_only=True)
class Build:
    """A build. `document`: the configuration that it runs with, in the shape of the API's Build.

    `actor`: the role as which it accesses other services.
    """

    id: str
    arn: str
    number: int | None
    document: dict[str, Any]
    actor: Actor
    started_at: datetime
    pipeline: PipelineInput | None = None
    status: BuildStatus = BuildStatus.IN_PROGRESS
    ended_at: datetime | None = None
    phases: list[Phase] = field(default_factory=list)
    resolved_source_version: str | None = None
    artifacts: dict[str, UploadedArtifact] = field(default_factory=dict)
    exported: dict[str, str] = field(default_factory=dict)

    @property
    def project_name(self) -> str:
        return str(self.document["projectName"])

    @property
    def uuid(self) -> str:
        return self.id.rpartition(":")[2]

    @property
    def is_complete(self) -> bool:
        return self.status is not BuildStatus.IN_PROGRESS

    @property
    def failed_phase(self) -> Phase | None:
        """Return the first phase that did not succeed and says why."""
        return next((phase for phase in self.phases if phase.code), None)
