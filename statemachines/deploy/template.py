"""Reads the template and its configuration from the artifact, and passes the template to CloudFormation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

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
from stepline.core.object_urls import object_url
from stepline.core.text import quoted

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_s3 import S3Client

_log = Logger(service="deploy")


class TemplateArguments(TypedDict, total=False):
    """The template as arguments of a request: exactly one of the two."""

    TemplateBody: str
    TemplateURL: str


@dataclass(frozen=True)
class Artifact:
    """The files of the artifact that describe the stack."""

    template: str
    configuration: TemplateConfiguration


@dataclass(frozen=True)
class TemplateSummary:
    """The result of GetTemplateSummary: parameters, resource types, required capabilities."""

    parameter_names: frozenset[str]
    resource_types: frozenset[str]
    capabilities: tuple[str, ...]
    capabilities_reason: str


def read_artifact(s3: S3Client, request: DeployRequest) -> Artifact:
    """Read the template and its configuration, each by a few range requests.

    Raise `ArtifactUnreadableError`, `PermissionDeniedError`, `TransientAwsError`, or `InvalidInputError` if
    the content cannot be used.
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
def template_arguments(s3: S3Client, template: str, *, bucket: str, key: str) -> Iterator[TemplateArguments]:
    """Return the template as arguments of a CloudFormation request.

    A template too large for a request is stored in S3 during the `with` block: CloudFormation reads it before
    it responds. Different executions have different keys, so that none deletes another's object. Two runs
    of one task have the same `key`, so that the second run deletes the object if the first one was
    interrupted; after a stop, Clean Up deletes it. Raise `TransientAwsError` if another run has deleted the
    object.
    """
    body = template.encode()
    if len(body) <= MAX_TEMPLATE_BODY_BYTES:
        yield {"TemplateBody": template}
        return
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=body)
        yield {"TemplateURL": object_url(s3, bucket, key)}
    except ClientError as error:
        if template_does_not_exist(error):
            raise TransientAwsError("Another run of this task has just deleted the template.") from error
        raise
    finally:
        _delete(s3, bucket, key)


def summarize(cloudformation: CloudFormationClient, arguments: TemplateArguments) -> TemplateSummary:
    """Call GetTemplateSummary, because only CloudFormation itself parses all templates correctly."""
    summary = cloudformation.get_template_summary(**arguments)
    return TemplateSummary(
        parameter_names=frozenset(item["ParameterKey"] for item in summary.get("Parameters", [])),
        resource_types=frozenset(summary.get("ResourceTypes", [])),
        capabilities=tuple(summary.get("Capabilities", [])),
        capabilities_reason=summary.get("CapabilitiesReason", ""),
    )


def _delete(s3: S3Client, bucket: str, key: str) -> None:
    """Delete the object. CloudFormation has accepted the request, and the task can run again after a
    transient error.

    A permanent error is only logged: the task must not fail after CloudFormation accepted the request.
    """
    try:
        s3.delete_object(Bucket=bucket, Key=key)
    except AWS_FAILURES as error:
        if is_transient(error):
            raise TransientAwsError(f"The temporary template could not be deleted: {error}") from error
        _log.warning("Temporary template not deleted", bucket=bucket, key=key, reason=str(error))


def _read_text(reader: ArtifactReader, path: str, max_bytes: int) -> str:
    try:
        return reader.read(path, max_bytes=max_bytes).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{quoted(path)} in the artifact is not UTF-8 text.") from error
    except (TransientAwsError, PermissionDeniedError):
        raise
    except SteplineError as error:
        raise ArtifactUnreadableError(error.message) from error
