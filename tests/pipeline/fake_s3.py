"""An S3 in memory behind real botocore clients: nothing but the socket is missing."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from urllib3.exceptions import ProtocolError


class Content(Protocol):
    """`bytes`, or something larger that is sliced like them."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: slice) -> bytes: ...


_PAGE_BYTES = 65_536


@dataclass
class SparseFile:
    """A file of any size of which only the written pages exist; for zipfile to write to."""

    pages: dict[int, bytearray] = field(default_factory=dict)
    position: int = 0
    size: int = 0

    def write(self, data: bytes) -> int:
        rest = bytes(data)
        while rest:
            number, start = divmod(self.position, _PAGE_BYTES)
            part, rest = rest[: _PAGE_BYTES - start], rest[_PAGE_BYTES - start :]
            page = self.pages.setdefault(number, bytearray(_PAGE_BYTES))
            page[start : start + len(part)] = part
            self.position += len(part)
        self.size = max(self.size, self.position)
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        self.position = (0, self.position, self.size)[whence] + offset
        return self.position

    def tell(self) -> int:
        return self.position

    def flush(self) -> None:
        pass

    def __bool__(self) -> bool:
        return True  # zipfile takes a falsy file for a closed one

    def seekable(self) -> bool:
        return True

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: slice) -> bytes:
        start, stop, _ = index.indices(self.size)
        first = start // _PAGE_BYTES
        hole = bytes(_PAGE_BYTES)
        pages = (self.pages.get(number, hole) for number in range(first, -(-stop // _PAGE_BYTES)))
        return b"".join(pages)[start - first * _PAGE_BYTES : stop - first * _PAGE_BYTES]


@dataclass(frozen=True)
class S3Request:
    operation: str
    bucket: str
    key: str
    headers: dict[str, str]
    query: dict[str, str]
    body: bytes
    sent_bytes: int  # of the answer's body

    @property
    def access_key_id(self) -> str:
        return self.headers["authorization"].partition("Credential=")[2].partition("/")[0]


class Body:
    """What botocore reads an answer from: urllib3's interface, and its error for a body that breaks off."""

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


@dataclass(frozen=True)
class _Answer:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def error_answer(status: int, code: str, message: str = "") -> _Answer:
    document = f"<Error><Code>{code}</Code><Message>{message or code}</Message></Error>"
    return _Answer(status, document.encode(), {"content-type": "application/xml"})


@functools.cache
def _session() -> boto3.Session:
    """One for all clients: it keeps the parsed service models."""
    return boto3.Session(region_name="eu-west-1")


class _Socket:
    s3: FakeS3

    def handle(self, request: AWSPreparedRequest, **_kwargs: object) -> AWSResponse:
        return self.s3.handle(request)


@functools.cache
def _client(access_key_id: str) -> tuple[_Socket, Any]:
    """Made once for all tests, which takes longer than most of them to run."""
    client: Any = _session().client(
        "s3",
        aws_access_key_id=access_key_id,
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}),
    )
    socket = _Socket()
    client.meta.events.register("before-send.s3", socket.handle)
    return socket, client


class FakeS3:
    """GetObject with ranges and If-Match, HeadObject; PutObject with If-None-Match and If-Match."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], Content] = {}
        self.requests: list[S3Request] = []
        self.failures: list[_Answer | Exception] = []
        """Given to the next requests, one each, instead of the real answer."""
        self.cut_short = False
        """The body that the next GetObject answers breaks off in its middle."""
        self.before_request: Callable[[], None] = lambda: None

    def put(self, bucket: str, key: str, content: Content) -> None:
        self.objects[bucket, key] = content

    def fail_next(self, status: int, code: str, times: int = 1) -> None:
        self.failures.extend([error_answer(status, code)] * times)

    def client(self, access_key_id: str = "FUNCTION") -> Any:
        """The one client of that key, from now on talking to this S3."""
        socket, client = _client(access_key_id)
        socket.s3 = self
        return client

    @property
    def read_bytes(self) -> int:
        return sum(request.sent_bytes for request in self.requests)

    def handle(self, request: AWSPreparedRequest) -> AWSResponse:
        headers = {
            name.lower(): value.decode() if isinstance(value, bytes) else str(value)
            for name, value in request.headers.items()
        }
        url = urlsplit(str(request.url))
        bucket, key = _bucket_and_key(url.netloc, url.path)
        body = _body(request.body, headers)
        self.before_request()
        failure = self.failures.pop(0) if self.failures else None
        handlers = {"GET": self._get, "HEAD": self._head, "PUT": self._put, "DELETE": self._delete}
        handler = handlers[str(request.method)]
        answer = failure if isinstance(failure, _Answer) else handler(bucket, key, headers, body)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        operation = f"{str(request.method).title()}Object"
        self.requests.append(S3Request(operation, bucket, key, headers, query, body, len(answer.body)))
        if isinstance(failure, Exception):
            raise failure
        cut = self.cut_short and request.method == "GET"
        self.cut_short = self.cut_short and not cut
        sent = len(answer.body) // 2 if cut else len(answer.body)
        raw = Body(answer.body[:sent], announced_bytes=len(answer.body))
        return AWSResponse(str(request.url), answer.status, answer.headers, raw)  # type: ignore[arg-type]

    def _get(self, bucket: str, key: str, headers: dict[str, str], _body: bytes) -> _Answer:
        content = self.objects.get((bucket, key))
        if content is None:
            return error_answer(404, "NoSuchKey", "The specified key does not exist.")
        if headers.get("if-match", _etag(content)) != _etag(content):
            return error_answer(412, "PreconditionFailed")
        size = len(content)
        if "range" not in headers:
            return _Answer(200, content[0:size], {"etag": _etag(content), "content-length": str(size)})
        first, _, last = headers["range"].removeprefix("bytes=").partition("-")
        start = int(first) if first else max(size - int(last), 0)
        stop = min(int(last) + 1, size) if first else size
        if start >= stop:
            return error_answer(416, "InvalidRange")
        data = content[start:stop]
        answer_headers = {
            "etag": _etag(content),
            "content-length": str(len(data)),
            "content-range": f"bytes {start}-{stop - 1}/{size}",
        }
        return _Answer(206, data, answer_headers)

    def _head(self, bucket: str, key: str, headers: dict[str, str], body: bytes) -> _Answer:
        answer = self._get(bucket, key, headers, body)
        return _Answer(answer.status, b"", answer.headers)

    def _delete(self, bucket: str, key: str, _headers: dict[str, str], _body: bytes) -> _Answer:
        self.objects.pop((bucket, key), None)
        return _Answer(204)

    def _put(self, bucket: str, key: str, headers: dict[str, str], body: bytes) -> _Answer:
        existing = self.objects.get((bucket, key))
        if headers.get("if-none-match") == "*" and existing is not None:
            return error_answer(412, "PreconditionFailed")
        if "if-match" in headers and existing is None:
            return error_answer(404, "NoSuchKey", "The specified key does not exist.")
        if "if-match" in headers and headers["if-match"] != _etag(existing or b""):
            return error_answer(412, "PreconditionFailed")
        self.objects[bucket, key] = body
        return _Answer(200, b"", {"etag": _etag(body)})


def _etag(content: Content) -> str:
    digest = hashlib.sha256(content[0:4096] + content[max(len(content) - 4096, 0) : len(content)])
    return f'"{digest.hexdigest()}-{len(content)}"'


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
