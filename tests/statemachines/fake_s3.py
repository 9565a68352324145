"""S3 in memory, as far as the Deploy tasks use it: whole and ranged reads, writes, deletions."""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.response import StreamingBody

from tests.statemachines.fake_client import FakeAwsError, FakeService


@dataclass
class FakeS3(FakeService):
    """Objects by (bucket, key)."""

    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **_rest: Any) -> dict[str, Any]:
        self.objects[Bucket, Key] = Body
        return {"ETag": _etag(Body)}

    def delete_object(self, *, Bucket: str, Key: str) -> None:
        self.objects.pop((Bucket, Key), None)

    def get_object(self, *, Bucket: str, Key: str, Range: str = "", **_rest: Any) -> dict[str, Any]:
        data = self.objects.get((Bucket, Key))
        if data is None:
            raise FakeAwsError("NoSuchKey", "The specified key does not exist.", 404)
        part, headers = _range(data, Range)
        body = StreamingBody(io.BytesIO(part), len(part))
        return {"Body": body, "ContentLength": len(part), "ETag": _etag(data), **headers}

    def at(self, url: str) -> bytes:
        """What CloudFormation reads at a TemplateURL."""
        bucket, _, key = unquote(urlsplit(url).path).lstrip("/").partition("/")
        if (bucket, key) not in self.objects:
            raise FakeAwsError("ValidationError", "S3 error: The specified key does not exist.")
        return self.objects[bucket, key]


def _range(data: bytes, text: str) -> tuple[bytes, dict[str, str]]:
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", text)
    if match is None:
        return data, {}
    first, last = match.groups()
    start = int(first) if first else max(0, len(data) - int(last))
    end = min(int(last), len(data) - 1) if first and last else len(data) - 1
    if start >= len(data):
        raise FakeAwsError("InvalidRange", "The requested range is not satisfiable", 416)
    return data[start : end + 1], {"ContentRange": f"bytes {start}-{end}/{len(data)}"}


def _etag(data: bytes) -> str:
    return f'"{hashlib.sha256(data).hexdigest()}"'
