"""The S3 deploy action: it writes the artifact, or its files, to a bucket.

https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-S3Deploy.html
"""

from __future__ import annotations

import mimetypes
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from stepline.core.failure_types import FailureType
from stepline.core.limits import MIB
from stepline.localaws.codepipeline.action_types import ActionTypeDefinition, Configuration, aws_type
from stepline.localaws.codepipeline.actions.polled_action import PolledAction, Work
from stepline.localaws.codepipeline.declarations import ActionDeclaration
from stepline.localaws.codepipeline.errors import InvalidActionDeclarationException
from stepline.localaws.codepipeline.models import ActionExecution, Artifact
from stepline.localaws.codepipeline.results import ActionFailedError, ActionResult
from stepline.localaws.codepipeline.settings import S3_DEPLOY_TIMEOUT_SECONDS, SPOOLED_BYTES
from stepline.localaws.codepipeline.source_changes import is_set

_DEFAULT_TYPE = "application/octet-stream"


class S3DeployAction(PolledAction):
    """The role of the action needs s3:PutObject, and s3:PutObjectAcl for a canned ACL."""

    def work(self, action: ActionExecution) -> Work:
        configuration = action.resolved_configuration
        with self._content(action.inputs[0]) as content:
            if is_set(configuration["Extract"]):
                yield from self._put_files(action, content)
            else:
                key = configuration["ObjectKey"]
                self._put(action, key, content, content_type="application/zip")
        return ActionResult(summary="Deployment Succeeded", external_id=configuration["BucketName"])

    def _put_files(self, action: ActionExecution, content: IO[bytes]) -> Iterator[None]:
        prefix = action.resolved_configuration.get("ObjectKey", "").strip("/")
        try:
            archive = zipfile.ZipFile(content)
        except zipfile.BadZipFile as error:
            raise ActionFailedError(
                FailureType.CONFIGURATION_ERROR, f"The artifact {action.inputs[0].name} is not a zip file"
            ) from error
        with archive:
            for member in archive.infolist():
                if not member.is_dir():
                    key = f"{prefix}/{member.filename}" if prefix else member.filename
                    content_type = mimetypes.guess_type(member.filename)[0] or _DEFAULT_TYPE
                    self._put(action, key, archive.read(member), content_type=content_type)
                    if not action.in_progress:
                        yield

    def _put(self, action: ActionExecution, key: str, body: Any, *, content_type: str) -> None:
        configuration = action.resolved_configuration
        arguments: dict[str, str] = {"ContentType": content_type}
        if acl := configuration.get("CannedACL"):
            arguments["ACL"] = acl
        if cache_control := configuration.get("CacheControl"):
            arguments["CacheControl"] = cache_control
        if encryption_key := configuration.get("KMSEncryptionKeyARN"):
            arguments |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": encryption_key}
        self.client("s3", action).put_object(
            Bucket=configuration["BucketName"], Key=key, Body=body, **arguments
        )

    @contextmanager
    def _content(self, artifact: Artifact) -> Iterator[IO[bytes]]:
        body = self.clients.s3.get_object(Bucket=artifact.bucket, Key=artifact.key)["Body"]
        with tempfile.SpooledTemporaryFile(SPOOLED_BYTES) as file:
            while chunk := body.read(MIB):
                file.write(chunk)
            file.seek(0)
            yield file


def _check(action: ActionDeclaration) -> None:
    extract = action.configuration["Extract"].strip().lower()
    if extract not in {"true", "false"}:
        raise InvalidActionDeclarationException(
            f"Action configuration for action '{action.name}' has an invalid Extract '{extract}': it must be "
            "true or false"
        )
    if extract == "false" and not action.configuration.get("ObjectKey"):
        raise InvalidActionDeclarationException(
            f"Action configuration for action '{action.name}' is missing required configuration 'ObjectKey', "
            "because Extract is false"
        )


def _entity_url(configuration: Configuration, region: str) -> str:
    return f"https://{region}.console.aws.amazon.com/s3/buckets/{configuration['BucketName']}"


DEFINITION = ActionTypeDefinition(
    type=aws_type("Deploy", "S3"),
    inputs=(1, 1),
    outputs=(0, 0),
    required=("BucketName", "Extract"),
    optional=("ObjectKey", "KMSEncryptionKeyARN", "CannedACL", "CacheControl"),
    provider=lambda context: S3DeployAction(context) if context.clients.client else None,
    check=_check,
    entity_url=_entity_url,
    timeout_seconds=lambda _settings: S3_DEPLOY_TIMEOUT_SECONDS,
)
