"""Which local AWS run on this machine: one small file for each port.

The files live in a folder of the user, `$XDG_RUNTIME_DIR/stepline`, or
`stepline-<uid>` in the folder for temporary files, readable by that user only.
A file left behind by a killed process is recognised by whoever reads it
(`running`): a file alone never proves that something runs.
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
    """The command in whose foreground a local AWS runs, and which stops it in the end."""

    pid: int
    command: str


@dataclass(frozen=True)
class LocalAws:
    """A local AWS that was started: `directory` holds all that it keeps, its log included.

    `pid` is also the id of its process group. `started_at` is an ISO 8601 time in UTC.
    `owner` is None for one that runs by itself (`stepline up --detach`).
    """

    pid: int
    port: int
    region: str
    directory: Path
    started_at: str
    owner: Owner | None

    @property
    def endpoint_url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def log_file(self) -> Path:
        return self.directory / "server.log"


def state_folder() -> Path:
    """The user's folder for state files; it need not exist.

    Raises UsageError if somebody else owns it, because its files name processes to be stopped.
    """
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    if base and Path(base).is_dir():
        return Path(base) / "stepline"
    folder = Path(tempfile.gettempdir()) / f"stepline-{os.getuid()}"
    if folder.exists() and folder.stat().st_uid != os.getuid():
        raise UsageError(f"{folder} belongs to somebody else: set XDG_RUNTIME_DIR to a folder of your own")
    return folder


def state_file(port: int) -> Path:
    return state_folder() / f"{port}.json"


def save(local_aws: LocalAws) -> None:
    """Write the state file. Raises FileExistsError if there is one: someone else was quicker."""
    file = state_file(local_aws.port)
    file.parent.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    document = asdict(local_aws) | {"directory": str(local_aws.directory)}
    with file.open("x", encoding="utf-8") as stream:
        json.dump(document, stream)


def load(port: int) -> LocalAws | None:
    """What the state file of `port` says; None without one, or if it is not readable as one."""
    try:
        document = json.loads(state_file(port).read_text(encoding="utf-8"))
        return _parse(document)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def running(port: int) -> LocalAws | None:
    """The local AWS on `port` if it answers; None if none does, whatever a state file says."""
    local_aws = load(port)
    if local_aws is None or health(port).get("pid") != local_aws.pid:
        return None
    return local_aws


def health(port: int) -> Mapping[str, Any]:
    """What the local AWS on `port` says of itself; empty if none answers.

    `{"status": "ready", "pid": …, "port": …, "version": …}`. Asked without any proxy.
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


def remove(local_aws: LocalAws) -> None:
    """Remove the state file of `local_aws`, unless it is that of a newer one on the same port."""
    current = load(local_aws.port)
    if current is None or current.pid == local_aws.pid:
        forget(local_aws.port)


def forget(port: int) -> None:
    """Remove the state file of `port`, whatever it says, and the folder with the last one."""
    file = state_file(port)
    file.unlink(missing_ok=True)
    with suppress(OSError):  # not empty, or not there
        file.parent.rmdir()


def _parse(document: dict[str, Any]) -> LocalAws:
    owner = document["owner"]
    return LocalAws(
        pid=int(document["pid"]),
        port=int(document["port"]),
        region=str(document["region"]),
        directory=Path(document["directory"]),
        started_at=str(document["started_at"]),
        owner=Owner(int(owner["pid"]), str(owner["command"])) if owner else None,
    )
