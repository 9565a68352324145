"""The event of a CodePipeline job, taken apart.

Source: "JSON event example" in the CodePipeline User Guide, "AWS Lambda invoke action reference".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import JobEventError
from stepline.core.text import is_unicode

JOB_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""[model: JobId]"""

_ROOT = "CodePipeline.job"
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
    """One job of an action. A continued action has several, each with its own id."""

    id: str
    account_id: str
    user_parameters: str | None
    input_artifacts: tuple[Artifact, ...]
    output_artifacts: tuple[Artifact, ...]
    credentials: Credentials | None
    continuation_token: str | None
    encryption_key_id: str | None

    @property
    def is_first(self) -> bool:
        return self.continuation_token is None


def job_id(event: Any) -> str:
    """The id under which the job is answered. Raises `JobEventError` if there is none."""
    found = _Node(event, "the event").object(_ROOT).text("id")
    if not JOB_ID.fullmatch(found):
        raise JobEventError(f"{_ROOT}.id of the event is not the id of a CodePipeline job")
    return found


def parse_job(event: Any) -> Job:
    """The job of `event`. Raises `JobEventError` naming the member that is missing or wrong."""
    root = _Node(event, "the event").object(_ROOT)
    data = root.object("data")
    return Job(
        id=job_id(event),
        account_id=root.text("accountId"),
        user_parameters=data.object("actionConfiguration").object("configuration").optional("UserParameters"),
        input_artifacts=tuple(_artifact(node) for node in data.objects("inputArtifacts")),
        output_artifacts=tuple(_artifact(node) for node in data.objects("outputArtifacts")),
        credentials=_credentials(data),
        continuation_token=data.optional("continuationToken") or None,
        encryption_key_id=_encryption_key_id(data),
    )


def _artifact(node: _Node) -> Artifact:
    location = node.object("location").object("s3Location")
    return Artifact(
        name=node.text("name"),
        bucket=location.text("bucketName"),
        key=location.text("objectKey"),
        revision=node.optional("revision"),
    )


def _credentials(data: _Node) -> Credentials | None:
    node = data.optional_object("artifactCredentials")
    if node is None or node.is_blank:
        return None
    return Credentials(
        access_key_id=node.secret("accessKeyId"),
        secret_access_key=node.secret("secretAccessKey"),
        session_token=node.secret("sessionToken"),
    )


def _encryption_key_id(data: _Node) -> str | None:
    """The ARN of a key or alias, or a key's id; None if S3 is to encrypt with the bucket's own key."""
    node = data.optional_object("encryptionKey")
    return None if node is None or node.is_blank else node.text("id")


class _Node:
    """An object of the event that knows where it stands, so that errors can say so without values."""

    def __init__(self, value: Any, path: str) -> None:
        if not isinstance(value, Mapping):
            raise JobEventError(f"{path} is not an object")
        self._value = value
        self._path = path

    @property
    def is_blank(self) -> bool:
        """Whether all members are absent, null or empty, as in an event that somebody wrote by hand."""
        return not any(self._value.values())

    def object(self, name: str) -> _Node:
        return _Node(self._value.get(name), f"{self._path}.{name}")

    def optional_object(self, name: str) -> _Node | None:
        return None if self._value.get(name) is None else self.object(name)

    def objects(self, name: str) -> list[_Node]:
        items = self._value.get(name) or []
        if not isinstance(items, list):
            raise JobEventError(f"{self._path}.{name} is not a list")
        return [_Node(item, f"{self._path}.{name}[{index}]") for index, item in enumerate(items)]

    def text(self, name: str) -> str:
        value = self.optional(name)
        if not value:
            raise JobEventError(f"{self._path}.{name} is missing")
        return value

    def optional(self, name: str) -> str | None:
        value = self._value.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise JobEventError(f"{self._path}.{name} is not a text")
        if not is_unicode(value):
            raise JobEventError(f"{self._path}.{name} is not Unicode text")
        return value

    def secret(self, name: str) -> str:
        """A text that fits into an HTTP header: the error of one that does not would quote it."""
        value = self.text(name)
        if not _VISIBLE_ASCII.fullmatch(value):
            raise JobEventError(f"{self._path}.{name} is not made of visible ASCII characters")
        return value
