"""Patches ministack's S3 to encrypt with the key that AWS manages if a request names no key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ministack.core import responses
from ministack.services import s3

_ENCRYPTION: Final = "x-amz-server-side-encryption"
_KEY: Final = "x-amz-server-side-encryption-aws-kms-key-id"


def use_the_managed_key() -> None:
    """Accept `aws:kms` without a key, which ministack refuses [PutObject, SSEKMSKeyId]."""
    original = s3._resolve_sse_write_headers

    def resolve(headers: Mapping[str, str], bucket_name: str) -> Any:
        if headers.get(_ENCRYPTION) == "aws:kms" and not headers.get(_KEY):
            key = f"arn:aws:kms:{responses.get_region()}:{responses.get_account_id()}:alias/aws/s3"
            headers = {**headers, _KEY: key}
        return original(headers, bucket_name)

    s3._resolve_sse_write_headers = resolve
