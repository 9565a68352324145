"""Records the local AWS servers of this user in state files, one for each port, and finds running ones.

The files are in `$XDG_RUNTIME_DIR/stepline`, or in `stepline-<uid>` in the folder for temporary files, and
only that user can read them. A killed process leaves its file behind: `find_running` also asks the server.
"""

from __future__ import annotations

import http.client
import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stepline.core.errors import UsageError
from stepline.core.local_aws import HEALTH_PATH, HOST

_PRIVATE = 0o700
_HEALTH_SECONDS = 2.0  # one request


@dataclass(frozen=True)
class Owner:
    """The command that runs a local AWS in its foreground, and stops it when it ends."""

    pid: int
    command: str


@dataclass(frozen=True)
class ConsoleServer:
    """The console of a local AWS: a process of its own, which ends with the local AWS."""

    pid: int
    port: int

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/"


@dataclass(frozen=True)
class LocalAws:
    """A local AWS that was started; `directory` has all of its data and its log.

    `pid` is also the id of its process group. `started_at` is an ISO 8601 time in UTC. `owner` is None for a
    local AWS in the background (`stepline up --detach`).
    """

    pid: int
    port: int
    region: str
    directory: Path
    started_at: str
    owner: Owner | None
    console: ConsoleServer | None = None

    @property
    def endpoint_url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def log_file(self) -> Path:
        return self.directory / "server.log"

    @property
    def data_folder(self) -> Path:
        return self.directory / "data"

    @property
    def console_log_file(self) -> Path:
        return self.directory / "console.log"


def state_folder() -> Path:
    """Return the user's folder for state files, which may not exist yet.

    Raises UsageError if another user owns it, because its files name processes to stop.
    """
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    if base and Path(base).is_dir():
        return Path(base) / "stepline"
    folder = Path(tempfile.gettempdir()) / f"stepline-{os.getuid()}"
    if folder.exists() and folder.stat().st_uid != os.getuid():
        raise UsageError(f"{folder} belongs to another user: set XDG_RUNTIME_DIR to a folder of your own")
    return folder


def state_file(port: int) -> Path:
    return state_folder() / f"{port}.json"


def save(local_aws: LocalAws) -> None:
    """Write the state file. Raises FileExistsError if another process has just written one."""
    file = state_file(local_aws.port)
    file.parent.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    document = asdict(local_aws) | {"directory": str(local_aws.directory)}
    with file.open("x", encoding="utf-8") as stream:
        json.dump(document, stream)


def load(port: int) -> LocalAws | None:
    """Read the state file of `port`; None if it does not exist or is not a state file."""
    try:
        document = json.loads(state_file(port).read_text(encoding="utf-8"))
        return _parse(document)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def find_running(port: int) -> LocalAws | None:
    """Return the local AWS on `port` if it has a state file and responds, or None."""
    local_aws = load(port)
    if local_aws is None or read_health(port).get("pid") != local_aws.pid:
        return None
    return local_aws


def console_url(local_aws: LocalAws) -> str | None:
    """Return the address of its console; None if it has none, or if that does not respond."""
    console = local_aws.console
    is_running = console is not None and read_health(console.port).get("pid") == console.pid
    return console.url if console and is_running else None


def read_health(port: int) -> Mapping[str, Any]:
    """Return the health document of the local AWS or console on `port`, or an empty one if none responds.

    See `HEALTH_PATH`. The request does not use a proxy.
    """
    connection = http.client.HTTPConnection(HOST, port, timeout=_HEALTH_SECONDS)
    try:
        connection.request("GET", HEALTH_PATH)
        response = connection.getresponse()
        document = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    finally:
        connection.close()
    return document if response.status == http.client.OK and isinstance(document, dict) else {}


def delete(local_aws: LocalAws) -> None:
    """Delete the state file of `local_aws`, unless it belongs to a newer one on the same port."""
    current = load(local_aws.port)
    if current is None or current.pid == local_aws.pid:
        delete_state_file(local_aws.port)


def delete_state_file(port: int) -> None:
    """Delete the state file of `port`, and the folder if it is empty then."""
    file = state_file(port)
    file.unlink(missing_ok=True)
    with suppress(OSError):  # the folder is not empty or does not exist
        file.parent.rmdir()


def _parse(document: dict[str, Any]) -> LocalAws:
    owner, console = document["owner"], document.get("console")
    return LocalAws(
        pid=int(document["pid"]),
        port=int(document["port"]),
        region=str(document["region"]),
        directory=Path(document["directory"]),
        started_at=str(document["started_at"]),
        owner=Owner(int(owner["pid"]), str(owner["command"])) if owner else None,
        console=ConsoleServer(int(console["pid"]), int(console["port"])) if console else None,
    )
