"""A server in this process that answers health checks as a local AWS does."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

from stepline.aws import local_servers
from stepline.aws.local_servers import LocalAws


class _Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"status": "ready", "pid": os.getpid()}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        pass


@contextmanager
def health_server(directory: Path) -> Iterator[LocalAws]:
    """Serve on a free port, with a state file."""
    server = HTTPServer(("127.0.0.1", 0), _Health)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    local_aws = LocalAws(os.getpid(), server.server_port, "us-east-1", directory, "now", None)
    local_servers.save(local_aws)
    yield local_aws
    server.shutdown()
    server.server_close()
    thread.join()
