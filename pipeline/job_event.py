"""Parses CodePipeline's jobs: the event of a Lambda action, and the job of a custom action.

Sources: "JSON event example" in the CodePipeline User Guide, "AWS Lambda invoke action reference"; JobDetails
and JobData in botocore's model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import JobEventError
from stepline.core.fields import Fields

JOB_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""[model: JobId]"""

USER_PARAMETERS = "UserParameters"

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
class PipelineContext:
    """The action that a job belongs to, and the execution of its pipeline.

    `action_execution_id` is empty if it is unknown, and does not count when two are compared.
    """

    name: str
    execution_id: str
    stage: str
    action: str
    action_execution_id: str = field(default="", compare=False)


@dataclass(frozen=True)
class Job:
    """One job of an action. An action that continues has several jobs, each with its own id.

    `configuration`: of the action. `pipeline`: of a custom action; the event of a Lambda action has none.
    """

    id: str
    account_id: str
    configuration: Mapping[str, str] = field(repr=False)
    pipeline: PipelineContext | None
    input_artifacts: tuple[Artifact, ...]
    output_artifacts: tuple[Artifact, ...]
    credentials: Credentials | None
    continuation_token: str | None
    encryption_key_id: str | None
    """ARN or id of a KMS key, or None if S3 encrypts with the bucket's default key."""

    @property
    def is_custom(self) -> bool:
        """Whether the action is the custom action, and not a Lambda action."""
        return self.pipeline is not None

    @property
    def parameters_name(self) -> str:
        """What messages call the action's parameters."""
        return "The action's properties" if self.is_custom else USER_PARAMETERS


def job_id(event: Any) -> str:
    """Return the job's id. Raise `JobEventError` if there is none."""
    return _id(_job(event))


def _id(job: Fields) -> str:
    found = job.text("id")
    if not JOB_ID.fullmatch(found):
        raise job.problem("id", "is not the id of a CodePipeline job")
    return found


def parse_job(event: Any) -> Job:
    """Parse the event. Raise `JobEventError`, naming the member that is missing or wrong."""
    job = _job(event)
    configuration = job.section("data").section("actionConfiguration").section("configuration")
    user_parameters = configuration.text_or_none(USER_PARAMETERS)
    return _parse(job, {} if user_parameters is None else {USER_PARAMETERS: user_parameters}, None)


def parse_custom_job(details: Any) -> Job:
    """Parse a job of PollForJobs, or `jobDetails` of GetJobDetails. Raise `JobEventError`."""
    job = Fields(details, "the job", error=JobEventError)
    data = job.section("data")
    configuration = _section_or_none(data, "actionConfiguration")
    context = data.section("pipelineContext")
    pipeline = PipelineContext(
        name=context.text("pipelineName"),
        execution_id=context.text("pipelineExecutionId"),
        stage=context.section("stage").text("name"),
        action=context.section("action").text("name"),
        action_execution_id=context.section("action").text_or_empty("actionExecutionId"),
    )
    return _parse(job, configuration.texts("configuration") if configuration else {}, pipeline)


def _parse(job: Fields, configuration: Mapping[str, str], pipeline: PipelineContext | None) -> Job:
    data = job.section("data")
    encryption_key = _section_or_none(data, "encryptionKey")
    return Job(
        id=_id(job),
        account_id=job.text("accountId"),
        configuration=configuration,
        pipeline=pipeline,
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
