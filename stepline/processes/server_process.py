"""The local AWS as a process: start it, wait until it is ready, find it again, stop it.

It runs `python -m stepline.localaws --port P --region R --directory D` in a session, and so a
process group, of its own: Ctrl-C in the terminal reaches only the command, which then
stops the whole group in order. All it keeps is in one temporary folder.

One that a command owns reads from a pipe that closes when the command ends, even by
`kill -9`, and then stops by itself (`--until-input-closes`).
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from stepline.aws import local_servers
from stepline.aws.local_servers import LocalAws, Owner
from stepline.core.errors import UsageError
from stepline.core.local_aws import DEFAULT_PORT, HOST
from stepline.processes import process_table
from stepline.processes.interruptions import Interruptions
from stepline.processes.process_table import Process

READY_SECONDS = 60.0  # it is ready in under a second; a slow, busy machine may need more
_CONNECT_SECONDS = 2.0
_TERMINATE_SECONDS = 10.0  # from SIGTERM to SIGKILL
_KILL_SECONDS = 5.0  # from SIGKILL to giving up
_ENDING_SECONDS = 1.0  # from the first broken connection to the end of a process that was killed
_POLL_SECONDS = 0.05
_LOG_TAIL_LINES = 15
_DATA = "data"  # its folder within the temporary one, beside its log

ServerCommand = Callable[[int, str, Path], Sequence[str]]

# Those that this very process started, by id, to be collected when they end.
_children: dict[int, subprocess.Popen[bytes]] = {}


def server_command(port: int, region: str, directory: Path) -> Sequence[str]:
    options = {"--port": str(port), "--region": region, "--directory": str(directory)}
    return [sys.executable, "-m", "stepline.localaws", *(word for pair in options.items() for word in pair)]


def start(
    port: int,
    *,
    region: str,
    interruptions: Interruptions,
    owner: Owner | None,
    command: ServerCommand | None = None,
    ready_seconds: float | None = None,
) -> LocalAws:
    """Start a local AWS on a free `port` and wait until it answers.

    Raises UsageError, with nothing left running, if it ends or is not ready in time.
    """
    with interruptions.held():
        local_aws = _spawn(port, region, owner, command or server_command)
    try:
        _wait_until_ready(local_aws, ready_seconds or READY_SECONDS)
    except BaseException:
        with interruptions.held():
            stop(local_aws)
        raise
    return local_aws


def owner_is_gone(local_aws: LocalAws) -> bool:
    """True if the command that should stop this local AWS was itself killed."""
    return local_aws.owner is not None and process_table.process(local_aws.owner.pid) is None


def stop(local_aws: LocalAws) -> None:
    """Stop it and everything that it started; remove its folder and its state file.

    SIGTERM first; after ten seconds SIGKILL for whatever is left of the group.
    """
    if any(each.pid == local_aws.pid for each in _remaining(local_aws)):
        with suppress(ProcessLookupError):
            os.kill(local_aws.pid, signal.SIGTERM)
        _wait(lambda: not _has(local_aws), _TERMINATE_SECONDS)
    for each in _remaining(local_aws):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(each.pid, signal.SIGKILL)
    _wait(lambda: not _remaining(local_aws), _KILL_SECONDS)
    if child := _children.pop(local_aws.pid, None):
        child.wait()
        if child.stdin is not None:
            child.stdin.close()
    shutil.rmtree(local_aws.directory, ignore_errors=True)
    local_servers.remove(local_aws)


def last_words(local_aws: LocalAws) -> list[str]:
    """The end of its log, without empty lines."""
    try:
        text = local_aws.log_file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    return [line.rstrip() for line in text.splitlines() if line.strip()][-_LOG_TAIL_LINES:]


def port_is_free(port: int) -> bool:
    """True if one can listen on `port` of the loopback address. Raises UsageError if one may not."""
    with socket.socket() as probe:
        probe.settimeout(_CONNECT_SECONDS)
        if probe.connect_ex((HOST, port)) == 0:
            return False
    with socket.socket() as probe:
        # as the server does; connections of the last run that linger are no obstacle
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError as error:
            message = (
                f"port {port} is reserved for the system: use one above 1023, such as --port {DEFAULT_PORT}"
            )
            raise UsageError(message) from error
        except OSError:
            return False
    return True


def died(local_aws: LocalAws, doing: str) -> UsageError:
    """The error for a local AWS that ended by itself while `doing` something."""
    words = last_words(local_aws)
    reason = words[-1].strip() if words else "it left no message"
    return UsageError(f"the local AWS ended while {doing}: {reason}", details=words[:-1])


def was_asked_to_end(local_aws: LocalAws) -> bool:
    """True if a child of this process has ended because somebody stopped it, not by a fault."""
    child = _children.get(local_aws.pid)
    return child is not None and child.poll() in {0, -signal.SIGTERM, -signal.SIGINT}


def is_ending(local_aws: LocalAws) -> bool:
    """True if it has ended, or does within a second: connections break a moment before that."""
    _wait(lambda: not is_alive(local_aws), _ENDING_SECONDS)
    return not is_alive(local_aws)


def is_alive(local_aws: LocalAws) -> bool:
    child = _children.get(local_aws.pid)
    return child.poll() is None if child else _has(local_aws)


def _spawn(port: int, region: str, owner: Owner | None, command: ServerCommand) -> LocalAws:
    root = Path(tempfile.mkdtemp(prefix=f"stepline-{port}-")).resolve()
    data = root / _DATA
    data.mkdir()
    with (root / "server.log").open("wb") as log:
        server = subprocess.Popen(  # noqa: S603 (our own interpreter)
            [*command(port, region, data), *(["--until-input-closes"] if owner else [])],
            stdin=subprocess.PIPE if owner else subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=_environment(),
            start_new_session=True,
        )
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    local_aws = LocalAws(server.pid, port, region, root, started_at, owner)
    try:
        local_servers.save(local_aws)
    except BaseException as error:
        server.kill()
        server.wait()
        shutil.rmtree(root, ignore_errors=True)
        if not isinstance(error, FileExistsError):
            raise
        raise UsageError(f"another `stepline` is just starting on port {port}: use another --port") from error
    _children[server.pid] = server
    return local_aws


def _environment() -> dict[str, str]:
    """Our environment without any way to real AWS: what runs locally cannot reach it by accident."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    return kept | {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONUNBUFFERED": "1",
    }


def _wait_until_ready(local_aws: LocalAws, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not is_alive(local_aws):
            raise died(local_aws, "starting")
        if local_servers.health(local_aws.port).get("pid") == local_aws.pid:
            return
        time.sleep(_POLL_SECONDS)
    raise UsageError(
        f"the local AWS was not ready after {seconds:g} s: its log ends as follows",
        details=last_words(local_aws),
    )


def _remaining(local_aws: LocalAws) -> list[Process]:
    """What still runs of it: members of its group, and who has its data folder on the command line.

    A process that merely got the number of one that ended long ago is not taken for it.
    """
    root = str(local_aws.directory / _DATA)
    everyone = process_table.processes()
    leader = next((each for each in everyone if each.pid == local_aws.pid), None)
    ours = leader is None or root in leader.command
    return [
        each
        for each in everyone
        if (ours and each.group == local_aws.pid) or (root in each.command and each.pid != os.getpid())
    ]


def _has(local_aws: LocalAws) -> bool:
    return any(each.pid == local_aws.pid for each in _remaining(local_aws))


def _wait(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
