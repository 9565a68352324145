"""The template and its configuration: read from the artifact, handed to CloudFormation."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict
from urllib.parse import urlsplit

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from statemachines.deploy.errors import ArtifactUnreadableError
from statemachines.deploy.limits import MAX_CONFIGURATION_BYTES, MAX_TEMPLATE_BODY_BYTES
from statemachines.deploy.request import DeployRequest
from statemachines.deploy.template_configuration import TemplateConfiguration
from stepline.core.archives.reader import ArtifactReader
from stepline.core.aws_errors import AWS_FAILURES, is_transient
from stepline.core.cloudformation.errors import template_does_not_exist
from stepline.core.errors import InvalidInputError, PermissionDeniedError, SteplineError, TransientAwsError
from stepline.core.limits import MAX_TEMPLATE_BYTES
from stepline.core.text import quoted

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_s3 import S3Client

_log = Logger(service="deploy")

_URL_SECONDS = 60
"""Validity of the signature in a presigned URL; the signature is cut off, only the address is used."""


class TemplateArguments(TypedDict, total=False):
    """How a request names the template: exactly one of the two."""

    TemplateBody: str
    TemplateURL: str


@dataclass(frozen=True)
class Artifact:
    """What the artifact says about the stack."""

    template: str
    configuration: TemplateConfiguration


@dataclass(frozen=True)
class TemplateSummary:
    """What CloudFormation reads in the template: parameters, resource types, needed capabilities."""

    parameter_names: frozenset[str]
    resource_types: frozenset[str]
    capabilities: tuple[str, ...]
    capabilities_reason: str


def read_artifact(s3: S3Client, request: DeployRequest) -> Artifact:
    """Read template and configuration, each by a few range requests.

    Raises `ArtifactUnreadableError`, `PermissionDeniedError`, `TransientAwsError`, or
    `InvalidInputError` for a content that cannot be used.
    """
    reader = ArtifactReader(s3, request.bucket, request.key)
    template = _read_text(reader, request.template_path, MAX_TEMPLATE_BYTES)
    if not template.strip():
        raise InvalidInputError(f"The template {quoted(request.template_path)} in the artifact is empty.")
    path = request.template_configuration_path
    if not path:
        return Artifact(template, TemplateConfiguration.empty())
    text = _read_text(reader, path, MAX_CONFIGURATION_BYTES)
    return Artifact(template, TemplateConfiguration.parse(text, path))


@contextmanager
def handed_over(s3: S3Client, template: str, *, bucket: str, owner: str) -> Iterator[TemplateArguments]:
    """The template as arguments of a CloudFormation request.

    A template too large for a request lies in S3 for the time of the `with` block: CloudFormation
    reads it while it answers. `owner` keeps two executions with the same template apart, so
    that neither deletes the other's object; two runs of one task share it, so that none stays behind
    when one of them dies. Raises `TransientAwsError` if the other run was quicker to delete it.
    """
    body = template.encode()
    if len(body) <= MAX_TEMPLATE_BODY_BYTES:
        yield {"TemplateBody": template}
        return
    key = f"templates/{hashlib.sha256(body).hexdigest()}/{owner}"
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=body)
        yield {"TemplateURL": _address(s3, bucket, key)}
    except ClientError as error:
        if template_does_not_exist(error):
            raise TransientAwsError("Another run of this task has just deleted the template.") from error
        raise
    finally:
        _delete(s3, bucket, key)


def summarize(cloudformation: CloudFormationClient, arguments: TemplateArguments) -> TemplateSummary:
    """Let CloudFormation itself parse the template: it knows its own YAML, and all its rules."""
    summary = cloudformation.get_template_summary(**arguments)
    return TemplateSummary(
        parameter_names=frozenset(item["ParameterKey"] for item in summary.get("Parameters", [])),
        resource_types=frozenset(summary.get("ResourceTypes", [])),
        capabilities=tuple(summary.get("Capabilities", [])),
        capabilities_reason=summary.get("CapabilitiesReason", ""),
    )


def _delete(s3: S3Client, bucket: str, key: str) -> None:
    """CloudFormation has acted by now, and acts once: where S3 stays away the task can run again.

    Without the permission the object stays behind, which must not look as if nothing had been done.
    """
    try:
        s3.delete_object(Bucket=bucket, Key=key)
    except AWS_FAILURES as error:
        if is_transient(error):
            raise TransientAwsError(f"The temporary template could not be deleted: {error}") from error
        _log.warning("temporary template was not deleted", bucket=bucket, key=key, reason=str(error))


def _address(s3: S3Client, bucket: str, key: str) -> str:
    """The object's URL as the client itself would write it, so that a local endpoint is right, too."""
    signed = s3.generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=_URL_SECONDS
    )
    return urlsplit(signed)._replace(query="").geturl()


def _read_text(reader: ArtifactReader, path: str, max_bytes: int) -> str:
    try:
        return reader.read(path, max_bytes=max_bytes).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{quoted(path)} in the artifact is not UTF-8 text.") from error
    except (TransientAwsError, PermissionDeniedError):
        raise
    except SteplineError as error:
        raise ArtifactUnreadableError(error.message) from error
