"""A stub of `python -m stepline.localaws` that answers health checks and can misbehave.

Usage: `stub_server.py BEHAVIOUR --port P --region R --directory D [--until-input-closes]`.
"""

from __future__ import annotations

import http.server
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path


def stub_command(behaviour: str) -> Callable[[int, str, Path], Sequence[str]]:
    """Return the command that `server_process` runs instead of the local AWS."""

    def command(port: int, region: str, directory: Path) -> Sequence[str]:
        options = ["--port", str(port), "--region", region, "--directory", str(directory)]
        return [sys.executable, __file__, behaviour, *options]

    return command


class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps(
            {"status": "ready", "pid": os.getpid(), "port": self.headers["Host"].rpartition(":")[2]}
        ).encode()
        self.send_response(200 if self.path == "/_stepline/health" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        pass


def main() -> None:
    behaviour, options = sys.argv[1], dict(zip(sys.argv[2:8:2], sys.argv[3:8:2], strict=True))
    if behaviour == "dies":
        sys.stdout.write("loading\n")
        sys.exit("stepline: the disk is full")
    if behaviour == "never ready":
        sys.stdout.write("still loading the world\n")
        time.sleep(60)
    if behaviour == "has children":
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    if behaviour == "ignores SIGTERM":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda *_args: os._exit(0))
    if behaviour == "fails later":
        signal.signal(signal.SIGUSR1, lambda *_args: sys.exit("stepline: out of memory"))
    http.server.HTTPServer.allow_reuse_address = True
    http.server.HTTPServer(("127.0.0.1", int(options["--port"])), Health).serve_forever()


if __name__ == "__main__":
    main()
