"""Stores JSON in S3 that is too large for Step Functions, and reads it by a reference with its checksum."""

from __future__ import annotations

import base64
import hashlib
import re
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from stepline.core import strict_json
from stepline.core.aws_errors import AWS_FAILURES, PRECONDITION_CODES, FailureKind, error_code, translate
from stepline.core.errors import ConfigurationError, InvalidInputError, TransientAwsError
from stepline.core.fields import Fields
from stepline.core.limits import (
    MAX_INPUT_BYTES,
    MAX_LARGE_DATA_BYTES,
    MAX_LARGE_DATA_VALUES,
    MAX_QUOTED_CHARACTERS,
)
from stepline.core.text import printable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

S3_REFERENCE: Final = "s3Reference"
"""The member of an input or output that has the reference."""

INPUTS: Final = "inputs/"
"""The prefix of the keys that `LargeDataStore.store` writes."""

_BUCKET, _KEY, _VERSION, _SIZE, _SHA256 = _MEMBERS = ("bucket", "key", "versionId", "size", "sha256")
_SHA256_BYTES: Final = 32
_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)


@dataclass(frozen=True)
class S3Reference:
    """One version of an object. `size` in bytes; `sha256` as S3's ChecksumSHA256, in Base64."""

    bucket: str
    key: str
    version_id: str
    size: int
    sha256: str

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse `{"bucket", "key", "versionId", "size", "sha256"}`. Raise the error of `fields`."""
        fields.allow_only(_MEMBERS)
        reference = cls(
            bucket=fields.text(_BUCKET),
            key=fields.text(_KEY),
            version_id=fields.text(_VERSION),
            size=fields.count(_SIZE),
            sha256=fields.text(_SHA256),
        )
        if not _is_sha256(reference.sha256):
            raise fields.wrong(_SHA256, "must be a SHA-256 checksum in Base64", reference.sha256)
        return reference

    @classmethod
    def find(cls, fields: Fields) -> Self | None:
        """Return the reference in the member `s3Reference`, or None without this member."""
        return cls.parse(fields.section(S3_REFERENCE)) if S3_REFERENCE in fields else None

    def to_json(self) -> dict[str, Any]:
        return {
            _BUCKET: self.bucket,
            _KEY: self.key,
            _VERSION: self.version_id,
            _SIZE: self.size,
            _SHA256: self.sha256,
        }

    def __str__(self) -> str:
        return f"s3://{printable(f'{self.bucket}/{self.key}', MAX_QUOTED_CHARACTERS)}"


class LargeDataStore:
    """One bucket with versioning; references to other buckets are refused.

    Writing needs s3:PutObject and s3:GetObject on `inputs/*`, reading s3:GetObjectVersion, and s3:ListBucket
    on the bucket, without which S3 returns AccessDenied for a missing object; kms:GenerateDataKey and
    kms:Decrypt if it has a key.
    """

    def __init__(self, s3: S3Client, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def store(self, owner: str, text: str) -> S3Reference:
        """Store JSON, at most 6 MiB of UTF-8, once: the same owner and text give the same reference.

        The key contains the checksum, and only the first request writes: a repeated one finds its version
        [S3 guide, "How to prevent object overwrites with conditional writes"].

        Raise `InvalidInputError`, `PermissionDeniedError`, `ConfigurationError` or `TransientAwsError`.
        """
        data = text.encode()
        if len(data) > MAX_LARGE_DATA_BYTES:
            raise InvalidInputError(
                f"The input has {len(data):,} bytes; at most {MAX_LARGE_DATA_BYTES:,} are possible."
                " Put large data into S3 and pass their keys."
            )
        digest = hashlib.sha256(data)
        key = f"{INPUTS}{owner}/{digest.hexdigest()}.json"
        checksum = base64.b64encode(digest.digest()).decode()
        version_id = self._create(key, data, checksum) or self._find(key, checksum)
        return S3Reference(self._bucket, key, version_id, len(data), checksum)

    def load(self, reference: S3Reference) -> bytes:
        """Return the JSON text of the version, after checking its size and checksum.

        Raise `InvalidInputError`, `PermissionDeniedError` or `TransientAwsError`.
        """
        if reference.bucket != self._bucket:
            raise InvalidInputError(f"{reference} is not in the bucket {self._bucket}, the only one allowed.")
        if reference.size > MAX_LARGE_DATA_BYTES:
            raise InvalidInputError(
                f"{reference} has {reference.size:,} bytes; at most {MAX_LARGE_DATA_BYTES:,} are read."
            )
        data = self._read(reference)
        if hashlib.sha256(data).digest() != base64.b64decode(reference.sha256):
            raise InvalidInputError(f"{reference} does not have the checksum of its reference.")
        check_values(data, str(reference))
        return data

    def _create(self, key: str, data: bytes, checksum: str) -> str | None:
        """Return the version of the new object, or None if it exists."""
        try:
            response = self._s3.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=data,
                ChecksumSHA256=checksum,
                ContentType="application/json",
                IfNoneMatch="*",
            )
        except AWS_FAILURES as error:
            if error_code(error) in PRECONDITION_CODES:
                return None
            sentence = f"The large input could not be stored as s3://{self._bucket}/{key}"
            sentences = dict.fromkeys(FailureKind, f"{sentence}:") | {
                FailureKind.PERMISSION: f"{sentence}: allow the function's role s3:PutObject and, for an"
                " encrypted bucket, kms:GenerateDataKey.",
            }
            raise translate(error, sentences) from error
        return self._version(response.get("VersionId"))

    def _find(self, key: str, checksum: str) -> str:
        """Return the version of the object that an earlier request has written."""
        name = f"s3://{self._bucket}/{key}"
        try:
            found = self._s3.head_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED")
        except AWS_FAILURES as error:
            sentences = dict.fromkeys(FailureKind, f"{name} exists, but could not be read:")
            errors = {FailureKind.MISSING: TransientAwsError}  # deleted in between
            raise translate(error, sentences, errors=errors) from error
        if found.get("ChecksumSHA256") != checksum:
            raise ConfigurationError(f"{name} exists with another checksum: delete it.")
        return self._version(found.get("VersionId"))

    def _version(self, version_id: str | None) -> str:
        if version_id is None:
            raise ConfigurationError(f"The bucket {self._bucket} for large data has no versioning.")
        return version_id

    def _read(self, reference: S3Reference) -> bytes:
        try:
            response = self._s3.get_object(
                Bucket=reference.bucket, Key=reference.key, VersionId=reference.version_id
            )
            with closing(response["Body"]) as body:
                if response["ContentLength"] != reference.size:
                    raise InvalidInputError(
                        f"{reference} has {response['ContentLength']:,} bytes, but its reference says"
                        f" {reference.size:,}."
                    )
                return body.read()
        except AWS_FAILURES as error:
            sentences = {
                FailureKind.TRANSIENT: f"{reference} could not be read:",
                FailureKind.PERMISSION: f"No access to {reference}: allow the function's role"
                " s3:GetObjectVersion and, for an encrypted bucket, kms:Decrypt.",
                FailureKind.MISSING: f"{reference} does not exist (any more) in this version.",
                FailureKind.PERMANENT: f"{reference} could not be read:",
            }
            kinds = (FailureKind.MISSING, FailureKind.PERMANENT)
            raise translate(error, sentences, errors=dict.fromkeys(kinds, InvalidInputError)) from error


def load_json(store: LargeDataStore, reference: S3Reference) -> Any:
    """Return the value that the reference stands for. Raise the errors of `load`."""
    try:
        return strict_json.loads(store.load(reference))
    except ValueError as error:
        raise InvalidInputError(f"{reference} is not JSON: {error}.") from error


def refuse_reference(fields: Fields) -> None:
    """Raise `InvalidInputError` if the input of a state machine that reads no references is one."""
    if S3_REFERENCE in fields:
        raise InvalidInputError(
            f"The input has more than {MAX_INPUT_BYTES:,} bytes, so that it is in S3 ({S3_REFERENCE}); this"
            " state machine needs a smaller one."
        )


def check_values(data: bytes, name: str) -> None:
    """Raise `InvalidInputError` if the JSON text has too many values for the memory of a function."""
    if _count(data) > MAX_LARGE_DATA_VALUES and _count(_STRING.sub(b"", data)) > MAX_LARGE_DATA_VALUES:
        raise InvalidInputError(f"{name} has more than {MAX_LARGE_DATA_VALUES:,} values.")


def _count(data: bytes) -> int:
    """Return about how many values JSON text has, or more: punctuation in strings is counted, too."""
    return data.count(b",") + data.count(b"[") + data.count(b"{")


def _is_sha256(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == _SHA256_BYTES
    except ValueError:
        return False
