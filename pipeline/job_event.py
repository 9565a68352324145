"""Parses the event of a CodePipeline job.

Source: "JSON event example" in the CodePipeline User Guide, "AWS Lambda invoke action reference".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import JobEventError
from stepline.core.fields import Fields

JOB_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""[model: JobId]"""

_VISIBLE_ASCII = re.compile(r"[!-~]+")


@dataclass(frozen=True)
class Artifact:
    """An input or output artifact of the action: a zip object in the artifact store."""

    name: str
    bucket: str
    key: str
    revision: str | None


@dataclass(frozen=True)
class Credentials:
    """A short session of the action's role, for the artifact store only. Never shown."""

    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)


@dataclass(frozen=True)
class Job:
    """One job of an action. An action that continues has several jobs, each with its own id."""

    id: str
    account_id: str
    user_parameters: str | None
    input_artifacts: tuple[Artifact, ...]
    output_artifacts: tuple[Artifact, ...]
    credentials: Credentials | None
    continuation_token: str | None
    encryption_key_id: str | None
    """ARN or id of a KMS key, or None if S3 encrypts with the bucket's default key."""


def job_id(event: Any) -> str:
    """Return the job's id. Raise `JobEventError` if there is none."""
    job = _job(event)
    found = job.text("id")
    if not JOB_ID.fullmatch(found):
        raise job.problem("id", "is not the id of a CodePipeline job")
    return found


def parse_job(event: Any) -> Job:
    """Parse the event. Raise `JobEventError`, naming the member that is missing or wrong."""
    job = _job(event)
    data = job.section("data")
    configuration = data.section("actionConfiguration").section("configuration")
    encryption_key = _section_or_none(data, "encryptionKey")
    return Job(
        id=job_id(event),
        account_id=job.text("accountId"),
        user_parameters=configuration.text_or_none("UserParameters"),
        input_artifacts=tuple(map(_artifact, data.sections("inputArtifacts"))),
        output_artifacts=tuple(map(_artifact, data.sections("outputArtifacts"))),
        credentials=_credentials(_section_or_none(data, "artifactCredentials")),
        continuation_token=data.text_or_none("continuationToken") or None,
        encryption_key_id=encryption_key.text("id") if encryption_key else None,
    )


def _job(event: Any) -> Fields:
    return Fields(event, "the event", error=JobEventError).section("CodePipeline.job")


def _artifact(artifact: Fields) -> Artifact:
    location = artifact.section("location").section("s3Location")
    return Artifact(
        name=artifact.text("name"),
        bucket=location.text("bucketName"),
        key=location.text("objectKey"),
        revision=artifact.text_or_none("revision"),
    )


def _section_or_none(data: Fields, name: str) -> Fields | None:
    """Return None also for an object of empty members, as in events that are written by hand."""
    if name not in data or data.section(name).is_blank:
        return None
    return data.section(name)


def _credentials(credentials: Fields | None) -> Credentials | None:
    if credentials is None:
        return None
    return Credentials(
        access_key_id=_header_text(credentials, "accessKeyId"),
        secret_access_key=_header_text(credentials, "secretAccessKey"),
        session_token=_header_text(credentials, "sessionToken"),
    )


def _header_text(credentials: Fields, name: str) -> str:
    """Return text that is valid in an HTTP header: botocore's error for other text would quote it."""
    text = credentials.text(name)
    if not _VISIBLE_ASCII.fullmatch(text):
        raise credentials.problem(name, "must consist of visible ASCII characters")
    return text
