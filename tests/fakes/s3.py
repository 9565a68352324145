"""S3 in memory, at the level of HTTP: ranges, conditions, versions, and bodies that break off."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from urllib3.exceptions import ProtocolError

from stepline.localaws.protocol import AwsError
from tests.fakes.service import Calls
from tests.fakes.sparse_file import Content


@dataclass
class S3Request:
    """`headers` are in lower case. `sent_bytes` are those of the response's body."""

    operation: str
    bucket: str
    key: str
    headers: dict[str, str]
    query: dict[str, str]
    body: bytes
    sent_bytes: int = 0

    @property
    def access_key_id(self) -> str:
        return self.headers["authorization"].partition("Credential=")[2].partition("/")[0]


@dataclass(frozen=True)
class S3Response:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_error(cls, error: AwsError) -> S3Response:
        text = f"<Error><Code>{error.code}</Code><Message>{escape(error.message)}</Message></Error>"
        return cls(error.http_status, text.encode(), {"content-type": "application/xml"})


class Body:
    """A response's body as botocore reads it: urllib3's interface and error for a body that breaks off."""

    def __init__(self, body: bytes, *, announced_bytes: int | None = None) -> None:
        self._body = body
        self._missing_bytes = 0 if announced_bytes is None else announced_bytes - len(body)

    def stream(self, *_args: object, **_kwargs: object) -> list[bytes]:
        return [self.read()]

    def read(self, amount: int | None = None, **_kwargs: object) -> bytes:
        end = len(self._body) if amount is None else amount
        taken, self._body = self._body[:end], self._body[end:]
        if self._missing_bytes and not self._body:
            raise ProtocolError(f"Connection broken: {self._missing_bytes} bytes are missing")
        return taken

    def close(self) -> None:
        pass


@dataclass(eq=False)
class FakeS3(Calls):
    """GetObject and HeadObject with ranges, If-Match and versions; PutObject with If-Match and If-None-Match.

    `objects` by bucket and key. `denied`: operation -> the prefix of "bucket/key" to which it is denied.
    `versions` by bucket and key, then version id, the latest last: only objects of buckets with versioning
    have some. `put_version`: the version that PutObject writes, in such a bucket; in those of `versioned`, it
    has a new one each time. The next `cut_short` bodies of GetObject break off in the middle. `now` is the
    time at which objects are modified.
    """

    service_name: ClassVar[str] = "s3"
    objects: dict[tuple[str, str], Content] = field(default_factory=dict)
    versions: dict[tuple[str, str], dict[str, Content]] = field(default_factory=dict)
    content_type: str = "binary/octet-stream"
    cut_short: int = 0
    denied: dict[str, str] = field(default_factory=dict)
    put_version: str | None = None
    versioned: set[str] = field(default_factory=set)
    now: Callable[[], datetime] = lambda: datetime(2026, 1, 1, tzinfo=UTC)
    modified: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def put(self, bucket: str, key: str, content: Content, *, version: str | None = None) -> None:
        self.objects[bucket, key] = content
        self.modified[bucket, key] = self.now()
        if version is not None:
            self.versions.setdefault((bucket, key), {})[version] = content

    def at(self, url: str) -> Content | None:
        """Return the object at an HTTPS address, as CloudFormation takes one for a TemplateURL."""
        parts = urlsplit(url)
        return self.objects.get(_bucket_and_key(parts.netloc, parts.path))

    @property
    def requests(self) -> list[S3Request]:
        return [request for _, request in self.calls]

    @property
    def read_bytes(self) -> int:
        return sum(request.sent_bytes for request in self.requests)

    def handle(self, http: AWSPreparedRequest) -> AWSResponse:
        request = _parse(http)
        try:
            response = self.perform(request.operation, request, lambda: self._respond(request))
        except AwsError as error:
            response = S3Response.of_error(error)
        body = b"" if request.operation == "HeadObject" else response.body
        request.sent_bytes = len(body)
        sent = body
        if self.cut_short and request.operation == "GetObject":
            self.cut_short -= 1
            sent = body[: len(body) // 2]
        raw = Body(sent, announced_bytes=len(body))
        return AWSResponse(str(http.url), response.status, dict(response.headers), raw)  # type: ignore[arg-type]

    def _respond(self, request: S3Request) -> S3Response:
        denied = self.denied.get(request.operation)
        if denied is not None and f"{request.bucket}/{request.key}".startswith(denied):
            raise AwsError("Access Denied", code="AccessDenied", status=403)
        match request.operation:
            case "GetObject" | "HeadObject":
                return self._get(request)
            case "PutObject":
                return self._put(request)
            case "GetBucketVersioning":
                return S3Response(200, self._versioning(request.bucket))
            case "ListObjectsV2":
                return S3Response(200, self._list(request))
            case "DeleteObject":
                self.objects.pop((request.bucket, request.key), None)
                return S3Response(204)
        raise AssertionError(f"the fake has no {request.operation}")

    def _versioning(self, bucket: str) -> bytes:
        is_enabled = any(name == bucket for name, _ in self.versions) or self.put_version is not None
        status = "<Status>Enabled</Status>" if is_enabled else ""
        return f"<VersioningConfiguration>{status}</VersioningConfiguration>".encode()

    def _list(self, request: S3Request) -> bytes:
        """Return one page with all objects."""
        prefix = request.query.get("prefix", "")
        items = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>{self.modified[bucket, key].isoformat()}"
            f"</LastModified><Size>{len(content)}</Size></Contents>"
            for (bucket, key), content in sorted(self.objects.items())
            if bucket == request.bucket and key.startswith(prefix)
        )
        return f"<ListBucketResult><IsTruncated>false</IsTruncated>{items}</ListBucketResult>".encode()

    def _get(self, request: S3Request) -> S3Response:
        content, headers = self._content(request)
        size = len(content)
        headers |= {"etag": _etag(content), "content-type": self.content_type}
        if request.headers.get("x-amz-checksum-mode") == "ENABLED" and request.operation == "HeadObject":
            headers["x-amz-checksum-sha256"] = _sha256(content[0:size])
        if request.headers.get("if-match", _etag(content)) != _etag(content):
            raise AwsError(code="PreconditionFailed", status=412)
        if "range" not in request.headers:
            return S3Response(200, content[0:size], {**headers, "content-length": str(size)})
        first, _, last = request.headers["range"].removeprefix("bytes=").partition("-")
        start = int(first) if first else max(size - int(last), 0)
        stop = min(int(last) + 1, size) if first and last else size
        if start >= stop:
            raise AwsError("The requested range is not satisfiable", code="InvalidRange", status=416)
        headers |= {
            "content-length": str(stop - start),
            "content-range": f"bytes {start}-{stop - 1}/{size}",
        }
        return S3Response(206, content[start:stop], headers)

    def _content(self, request: S3Request) -> tuple[Content, dict[str, str]]:
        """Return the object, and the header with its version if it has one."""
        name = request.bucket, request.key
        versions = self.versions.get(name, {})
        if version := request.query.get("versionId"):
            if version not in versions:
                raise AwsError("The specified version does not exist.", code="NoSuchVersion", status=404)
            return versions[version], {"x-amz-version-id": version}
        if name not in self.objects:
            raise AwsError("The specified key does not exist.", code="NoSuchKey", status=404)
        return self.objects[name], {"x-amz-version-id": list(versions)[-1]} if versions else {}

    def _put(self, request: S3Request) -> S3Response:
        if request.headers.get("x-amz-checksum-sha256", _sha256(request.body)) != _sha256(request.body):
            raise AwsError("The SHA256 you specified did not match.", code="BadDigest", status=400)
        existing = self.objects.get((request.bucket, request.key))
        if request.headers.get("if-none-match") == "*" and existing is not None:
            raise AwsError(code="PreconditionFailed", status=412)
        if "if-match" in request.headers:
            if existing is None:
                raise AwsError("The specified key does not exist.", code="NoSuchKey", status=404)
            if request.headers["if-match"] != _etag(existing):
                raise AwsError(code="PreconditionFailed", status=412)
        version = self.put_version
        if request.bucket in self.versioned:
            version = f"v{len(self.versions.get((request.bucket, request.key), {})) + 1}"
        self.put(request.bucket, request.key, request.body, version=version)
        headers = {"x-amz-version-id": version} if version else {}
        return S3Response(200, b"", {"etag": _etag(request.body), **headers})


def _sha256(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def _etag(content: Content) -> str:
    digest = hashlib.sha256(content[0:4096] + content[max(len(content) - 4096, 0) : len(content)])
    return f'"{digest.hexdigest()}-{len(content)}"'


_SUBRESOURCES = {"versioning": "GetBucketVersioning", "list-type": "ListObjectsV2"}


def _parse(http: AWSPreparedRequest) -> S3Request:
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else str(value)
        for name, value in http.headers.items()
    }
    url = urlsplit(str(http.url))
    bucket, key = _bucket_and_key(url.netloc, url.path)
    query = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
    operation = _SUBRESOURCES.get(next(iter(query), "")) or f"{str(http.method).title()}Object"
    return S3Request(operation, bucket, key, headers, query, _body(http.body, headers))


def _bucket_and_key(host: str, path: str) -> tuple[str, str]:
    if host.startswith("s3."):
        bucket, _, key = path.lstrip("/").partition("/")
        return bucket, unquote(key)
    return host.partition(".s3.")[0], unquote(path.lstrip("/"))


def _body(body: Any, headers: dict[str, str]) -> bytes:
    data = b"" if body is None else body if isinstance(body, bytes) else body.read()
    if headers.get("content-encoding") != "aws-chunked":
        return bytes(data)
    decoded = bytearray()
    while data:
        size_line, _, rest = data.partition(b"\r\n")
        size = int(size_line.partition(b";")[0], 16)
        if size == 0:
            break
        decoded += rest[:size]
        data = rest[size + 2 :]
    return bytes(decoded)
