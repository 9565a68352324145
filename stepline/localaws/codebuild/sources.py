"""Downloads the sources of a build, as the build's role.

https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectSource.html. A source of CodeCommit is
cloned with git; those of GitHub and others can only be sources of a pipeline.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from botocore.exceptions import ClientError

from stepline.core.aws_errors import error_code, error_message
from stepline.core.limits import MIB
from stepline.localaws.codebuild.errors import PhaseError
from stepline.localaws.codebuild.models import Build, Document, S3Object
from stepline.localaws.codebuild.zip_files import InvalidZipError, copy, unpack
from stepline.localaws.iam import Actor, Permission, acting_as
from stepline.localaws.service_roles import ServiceRoles

_SPOOLED_BYTES = 8 * MIB
_COMMIT = re.compile(r"[0-9a-f]{40}")
_GIT_SECONDS = 600


@dataclass(frozen=True)
class Downloaded:
    """A source in its folder. `identifier` is "" for the primary one; the version is what was resolved."""

    identifier: str
    folder: Path
    url: str = ""
    version: str = ""
    resolved_version: str | None = None


@dataclass(frozen=True)
class Sources:
    """`clients` returns boto3 clients that sign as the current actor."""

    clients: Callable[[str], Any]
    roles: ServiceRoles
    region: str
    account_id: str

    def download(self, build: Build, directory: Path) -> list[Downloaded]:
        """Download all sources, the primary one first, each into a folder of its own. Raises PhaseError."""
        if build.pipeline is not None:
            count = len(build.pipeline.sources)
            folders = ["src"] if count == 1 else [f"src/s3/{index:02}" for index in range(count)]
            return [
                self._download_artifact(build, index, directory / folder)
                for index, folder in enumerate(folders)
            ]
        document = build.document
        versions = {
            item["sourceIdentifier"]: item["sourceVersion"]
            for item in document.get("secondarySourceVersions", ())
        }
        primary = self._download(build, document["source"], document.get("sourceVersion"), directory / "src")
        return [
            primary,
            *(
                self._download(build, source, versions.get(name), directory / name)
                for source in document.get("secondarySources", ())
                for name in [source["sourceIdentifier"]]
            ),
        ]

    def read(self, actor: Actor, location: S3Object) -> bytes:
        """Return an object that the build's role may read. Raises PhaseError."""
        try:
            with acting_as(actor):
                response = self._get(location)
                return cast("bytes", response["Body"].read())
        except ClientError as error:
            raise _s3_error(error, location.arn) from error

    def _download_artifact(self, build: Build, index: int, folder: Path) -> Downloaded:
        assert build.pipeline is not None
        source = build.pipeline.sources[index]
        self._download_zip(build.actor, source.location, folder)
        identifier = source.name if index else ""
        return Downloaded(identifier, folder, "", source.location.arn, source.revision)

    def _download(self, build: Build, source: Document, version: str | None, folder: Path) -> Downloaded:
        kind, identifier = source["type"], source.get("sourceIdentifier", "")
        folder.mkdir(parents=True, exist_ok=True)
        if kind == "NO_SOURCE":
            return Downloaded(identifier, folder)
        if kind == "S3":
            return self._download_s3(build, source, version, folder)
        if kind == "CODECOMMIT":
            return self._clone(build, source, version, folder)
        raise PhaseError(
            "CLIENT_ERROR",
            f"The local AWS does not download sources of type {kind}: use the project in a pipeline, or a "
            "source of type CODECOMMIT, S3 or NO_SOURCE",
        )

    def _download_s3(self, build: Build, source: Document, version: str | None, folder: Path) -> Downloaded:
        """Download a zip, or all objects of a folder if the location ends with a slash."""
        bucket, _, key = source["location"].removeprefix("arn:aws:s3:::").partition("/")
        if key.endswith("/") or not key:
            self._download_folder(build.actor, bucket, key, folder)
        else:
            self._download_zip(build.actor, S3Object(bucket, key, version), folder)
        url = f"s3://{bucket}/{key}"
        return Downloaded(source.get("sourceIdentifier", ""), folder, url, version or "")

    def _download_zip(self, actor: Actor, location: S3Object, folder: Path) -> None:
        try:
            with acting_as(actor), tempfile.SpooledTemporaryFile(_SPOOLED_BYTES) as file:
                archive = cast("BinaryIO", file)
                copy(self._get(location)["Body"], archive)
                unpack(archive, folder)
        except ClientError as error:
            raise _s3_error(error, location.arn) from error
        except InvalidZipError as error:
            raise PhaseError("CLIENT_ERROR", f"{location.arn} is not a zip file: {error}") from error

    def _download_folder(self, actor: Actor, bucket: str, prefix: str, folder: Path) -> None:
        s3 = self.clients("s3")
        try:
            with acting_as(actor):
                for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                    for item in page.get("Contents", ()):
                        path = folder / item["Key"].removeprefix(prefix)
                        if not item["Key"].endswith("/") and path.resolve().is_relative_to(folder.resolve()):
                            path.parent.mkdir(parents=True, exist_ok=True)
                            path.write_bytes(s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read())
        except ClientError as error:
            raise _s3_error(error, f"arn:aws:s3:::{bucket}/{prefix}") from error

    def _get(self, location: S3Object) -> Mapping[str, Any]:
        which = {"VersionId": location.version_id} if location.version_id else {}
        response: Mapping[str, Any] = self.clients("s3").get_object(
            Bucket=location.bucket, Key=location.key, **which
        )
        return response

    def _clone(self, build: Build, source: Document, version: str | None, folder: Path) -> Downloaded:
        name = source["location"].rstrip("/").rpartition("/")[2].removesuffix(".git")
        arn = f"arn:aws:codecommit:{self.region}:{self.account_id}:{name}"
        try:
            self.roles.authorize(build.actor, [Permission("codecommit:GitPull", arn)])
            metadata = self.clients("codecommit").get_repository(repositoryName=name)["repositoryMetadata"]
        except ClientError as error:
            raise PhaseError("CLIENT_ERROR", f"{error_code(error)}: {error_message(error)}") from error
        url = metadata["cloneUrlHttp"]
        reference = (version or "").removeprefix("refs/heads/").partition("^{")[0]
        _git("clone", "--quiet", url, str(folder))
        if reference:
            _git("-C", str(folder), "checkout", "--quiet", reference, reason=f"for source version {version}")
        commit = _git("-C", str(folder), "rev-parse", "HEAD", reason="the repository has no commit").strip()
        return Downloaded(source.get("sourceIdentifier", ""), folder, url, version or "", commit)


def _git(*arguments: str, reason: str = "") -> str:
    """Run git. Raises PhaseError with what it writes."""
    result = subprocess.run(  # noqa: S603 - git with our arguments
        ("git", *arguments),  # noqa: S607 - the user's git
        capture_output=True,
        check=False,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=_GIT_SECONDS,
    )
    if result.returncode:
        message = " ".join(filter(None, (f"git {arguments[0]}:", result.stderr.strip(), reason)))
        raise PhaseError("GIT_CLONE_FAILED", message)
    return result.stdout


def _s3_error(error: ClientError, arn: str) -> PhaseError:
    return PhaseError(
        "CLIENT_ERROR",
        f"{error_code(error)}: {error_message(error)} for primary source and source version {arn}",
    )
