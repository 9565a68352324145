"""Uploads the artifacts of a build to S3, as the build's role.

https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectArtifacts.html
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from botocore.exceptions import ClientError

from stepline.core.aws_errors import error_code, error_message
from stepline.core.limits import MIB
from stepline.localaws.codebuild.artifacts import Files
from stepline.localaws.codebuild.buildspec import ArtifactSpec, Buildspec
from stepline.localaws.codebuild.errors import PhaseError
from stepline.localaws.codebuild.models import Build, Document, PipelineArtifact, S3Object, UploadedArtifact
from stepline.localaws.codebuild.zip_files import pack
from stepline.localaws.iam import acting_as

_SPOOLED_BYTES = 8 * MIB
_CHUNK_BYTES = MIB


@dataclass(frozen=True)
class Uploads:
    """Uploads artifacts. `select` returns the files of a specification, `expand` evaluates a name."""

    build: Build
    s3: Any
    select: Callable[[ArtifactSpec], Files]
    expand: Callable[[str], str]

    def upload(self, spec: Buildspec) -> None:
        """Upload all artifacts of the build, and record them in it. Raises PhaseError, CLIENT_ERROR."""
        if self.build.pipeline is not None:
            for artifact in self.build.pipeline.artifacts:
                self._upload_pipeline_artifact(artifact, spec)
            return
        self._upload_declared(self.build.document["projectArtifacts"], spec.artifacts, primary=True)
        for document in self.build.document.get("projectSecondaryArtifacts", ()):
            identifier = document.get("artifactIdentifier", "")
            self._upload_declared(document, spec.secondary_artifacts.get(identifier), primary=False)

    def _upload_pipeline_artifact(self, artifact: PipelineArtifact, spec: Buildspec) -> None:
        """Upload the artifact of that name; the only one may be the primary artifact of the buildspec."""
        assert self.build.pipeline is not None
        found = spec.secondary_artifacts.get(artifact.name)
        if found is None and len(self.build.pipeline.artifacts) == 1:
            found = spec.artifacts
        if found is None:
            raise PhaseError(
                "CLIENT_ERROR",
                f"The buildspec has no artifact for the output artifact {artifact.name} of the pipeline",
            )
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": artifact.kms_key_id}
        self._upload_zip(
            artifact.name,
            artifact.location,
            self.select(found),
            found,
            encryption if artifact.kms_key_id else {"ServerSideEncryption": "AES256"},
        )

    def _upload_declared(self, document: Document, spec: ArtifactSpec | None, *, primary: bool) -> None:
        """Upload an artifact of type S3. Without `artifacts` in the buildspec there is nothing to upload."""
        identifier = "" if primary else document.get("artifactIdentifier", "")
        if document["type"] != "S3":
            return
        if spec is None:
            if primary:
                return
            raise PhaseError("CLIENT_ERROR", f"The buildspec has no secondary artifact {identifier}")
        files = self.select(spec)
        bucket, key = document["location"].removeprefix("arn:aws:s3:::"), self._key(document, spec)
        encryption = {} if document.get("encryptionDisabled") else {"ServerSideEncryption": "AES256"}
        if document.get("packaging") == "ZIP":
            self._upload_zip(identifier, S3Object(bucket, key), files, spec, encryption)
        else:
            self._upload_files(identifier, S3Object(bucket, key), files, encryption)

    def _key(self, document: Document, spec: ArtifactSpec) -> str:
        """Return `<path>/<build id>/<name>`, the build's id only in its namespace [ProjectArtifacts]."""
        name = str(document.get("name") or self.build.project_name)
        if document.get("overrideArtifactName") and spec.name:
            name = self.expand(spec.name)
        in_namespace = document.get("namespaceType") == "BUILD_ID"
        path = str(document.get("path") or "").strip("/")
        parts = [path, spec.s3_prefix if in_namespace else "", self.build.uuid if in_namespace else "", name]
        return "/".join(part.strip("/") for part in parts if part.strip("/"))

    def _upload_zip(
        self, identifier: str, location: S3Object, files: Files, spec: ArtifactSpec, encryption: Document
    ) -> None:
        with tempfile.SpooledTemporaryFile(_SPOOLED_BYTES) as file:
            archive = cast("BinaryIO", file)
            pack(files, archive, keeps_links=spec.enable_symlinks)
            md5, sha256 = _checksums(archive)
            self._put(location, archive, {"ContentType": "application/zip", **encryption})
        self.build.artifacts[identifier] = UploadedArtifact(location.arn, sha256, md5)

    def _upload_files(self, identifier: str, location: S3Object, files: Files, encryption: Document) -> None:
        for path, name in files:
            key = f"{location.key}/{name}" if location.key else name
            with path.open("rb") as file:
                self._put(S3Object(location.bucket, key), file, encryption)
        self.build.artifacts[identifier] = UploadedArtifact(location.arn)

    def _put(self, location: S3Object, body: BinaryIO, members: Document) -> None:
        try:
            with acting_as(self.build.actor):
                self.s3.put_object(
                    Bucket=location.bucket,
                    Key=location.key,
                    Body=body,
                    Metadata={"codebuild-buildarn": self.build.arn},
                    **members,
                )
        except ClientError as error:
            raise PhaseError(
                "CLIENT_ERROR",
                f"Unable to upload artifacts to {location.arn}: {error_code(error)}: {error_message(error)}",
            ) from error


def _checksums(file: BinaryIO) -> tuple[str, str]:
    """Return MD5 and SHA-256, and go back to the beginning."""
    file.seek(0)
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    while chunk := file.read(_CHUNK_BYTES):
        md5.update(chunk)
        sha256.update(chunk)
    file.seek(0)
    return md5.hexdigest(), sha256.hexdigest()
