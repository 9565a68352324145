"""Reads the parameters of the jobs from an object of S3, which the input names.

An input of this form is the one that the S3 trigger gives to the state machine that it starts.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from stepline.core import strict_json
from stepline.core.aws_errors import EMPTY_OBJECT_CODES, FailureKind, classify, error_code
from stepline.core.errors import InvalidInputError
from stepline.core.fields import Fields
from stepline.core.text import quoted
from stepline.core.trigger_keys import TRIGGER_KEYS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_FILE_BYTES: Final = 262_144
"""Of the object [ours]: four times the parameters, which it may have with spaces and escapes."""

_BUCKET, _KEY, _SIZE, _VERSION = "bucket", "key", "size", "version"


def names_a_file(document: Fields) -> bool:
    """Return whether the input names an object instead of parameters."""
    return _BUCKET in document or _KEY in document


def read_parameter_file(s3: S3Client, document: Fields) -> Fields:
    """Return the content of the object of `{"bucket", "key", "version"?, "size"?}`: `{"parameters": {…}}`.

    Raise InvalidInputError, or botocore's exceptions.
    """
    document.allow_only([_BUCKET, _KEY, _VERSION, _SIZE, *TRIGGER_KEYS])
    bucket, key, version = document.text(_BUCKET), document.text(_KEY), document.text_or_empty(_VERSION)
    name = quoted(f"s3://{bucket}/{key}")
    content = _read(s3, bucket, key, version)
    if content is None:
        raise InvalidInputError(f"The input names {name}, which does not exist (any more).")
    if len(content) > MAX_FILE_BYTES:
        raise InvalidInputError(f"{name} has more than {MAX_FILE_BYTES:,} bytes.")
    try:
        return Fields(strict_json.loads(content), name)
    except ValueError as error:
        raise InvalidInputError(f"{name} is not JSON: {error}.") from error


def _read(s3: S3Client, bucket: str, key: str, version: str) -> bytes | None:
    """Read one byte more than the limit at most, to detect a larger object. Return None if none exists."""
    limit = f"bytes=0-{MAX_FILE_BYTES}"
    try:
        response = (
            s3.get_object(Bucket=bucket, Key=key, Range=limit, VersionId=version)
            if version
            else s3.get_object(Bucket=bucket, Key=key, Range=limit)
        )
    except ClientError as error:
        if error_code(error) in EMPTY_OBJECT_CODES:
            return b""
        if classify(error) is FailureKind.MISSING:
            return None
        raise
    with closing(response["Body"]) as body:
        return body.read()
