"""The attacker: a web server with a hostile page, and a name that is rebound from it to its target."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

_FOLDER = Path(__file__).parent
_CHUNK_BYTES = 65_536


@dataclass
class Attacker:
    """`report` is what the page could read, by the name of the attack; None until it has tried all."""

    port: int = 0
    report: dict[str, str | None] | None = None
    rebound: threading.Event = field(default_factory=threading.Event)

    @property
    def home(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def page(self, host: str, **settings: Any) -> str:
        """Return the address of the hostile page on `host`, which may be a name or have another port."""
        self.report = None
        host = host if ":" in host else f"{host}:{self.port}"
        return f"http://{host}/#{quote(json.dumps({'home': self.home, **settings}))}"


@contextlib.contextmanager
def attacker_server() -> Iterator[Attacker]:
    attacker = Attacker()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            if url.path == "/redirect":
                self._redirect(parse_qs(url.query)["to"][0])
            elif url.path == "/rebind":
                attacker.rebound.set()
                self._send(204, "text/plain", b"")
            elif url.path == "/attacks.js":
                self._send(200, "text/javascript", (_FOLDER / "attacks.js").read_bytes())
            else:
                self._send(200, "text/html", (_FOLDER / "page.html").read_bytes())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            url = urlsplit(self.path)
            if url.path == "/redirect":
                self._redirect(parse_qs(url.query)["to"][0])
            else:
                attacker.report = json.loads(body)
                self._send(204, "text/plain", b"")

        def _redirect(self, address: str) -> None:
            self.send_response(307)  # the browser repeats the method and the body
            self.send_header("Location", address)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _send(self, status: int, media_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            pass

    with _serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        attacker.port = port
        yield attacker


@contextlib.contextmanager
def rebinding_name(attacker: Attacker, target_port: int) -> Iterator[int]:
    """Yield the port of an address that belongs to the attacker, and to the target once it is rebound.

    A browser sees the same as if the name's DNS entry changed from the attacker's address to 127.0.0.1.
    """

    class Forwarder(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            port = target_port if attacker.rebound.is_set() else attacker.port
            with socket.create_connection(("127.0.0.1", port)) as server:
                thread = threading.Thread(target=_copy, args=(server, self.request), daemon=True)
                thread.start()
                _copy(self.request, server)
                thread.join()

    attacker.rebound.clear()
    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Forwarder)) as port:
        yield port


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(_CHUNK_BYTES):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def _serving(server: socketserver.ThreadingMixIn) -> Iterator[int]:
    server.daemon_threads = True
    server.block_on_close = False
    assert isinstance(server, socketserver.TCPServer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
