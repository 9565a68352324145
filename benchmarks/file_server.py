"""Serves files on disk as S3 objects, and counts requests and bytes.

ministack would keep a gigabyte in memory, and the benchmark would measure its speed.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_CHUNK_BYTES = 1 << 20


class FileServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, directory: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.directory = directory
        self.requests = 0
        self.bytes_sent = 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def reset(self) -> None:
        with self.lock:
            self.requests = self.bytes_sent = 0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FileServer

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path = self.server.directory / self.path.partition("?")[0].rpartition("/")[2]
        size = path.stat().st_size
        start, end = _range(self.headers.get("Range"), size)
        partial = "Range" in self.headers
        self.send_response(206 if partial else 200)
        self.send_header("ETag", '"benchmark"')
        self.send_header("Content-Length", str(end - start))
        if partial:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
        self.end_headers()
        with self.server.lock:
            self.server.requests += 1
        if body:
            self._send(path, start, end)

    def _send(self, path: Path, start: int, end: int) -> None:
        with path.open("rb") as file:
            file.seek(start)
            while start < end and (chunk := file.read(min(_CHUNK_BYTES, end - start))):
                self.wfile.write(chunk)
                start += len(chunk)
                with self.server.lock:
                    self.server.bytes_sent += len(chunk)

    def log_message(self, *_args: object) -> None:
        """Do not log."""


def _range(header: str | None, size: int) -> tuple[int, int]:
    if header is None:
        return 0, size
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header)
    if match is None:
        raise ValueError(header)
    first, last = match.groups()
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size


@contextmanager
def serving(directory: Path) -> Iterator[FileServer]:
    server = FileServer(directory)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
