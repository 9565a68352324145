"""Starts the local AWS as a process, waits until it is ready, and stops it.

It runs `python -m stepline.localaws --port P --region R --directory D` in its own session and process group:
Ctrl-C in the terminal reaches only the command, which then stops the group. Its data and its log are in one
temporary folder.

A local AWS that a command owns reads from a pipe that closes when the command ends, even by `kill -9`, and
then stops (`--until-input-closes`). The console ends with the local AWS: see `console_process`.
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
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from stepline.aws import local_servers
from stepline.aws.local_servers import ConsoleServer, LocalAws, Owner
from stepline.core.errors import UsageError
from stepline.core.local_aws import CONSOLE_URL_VARIABLE, DEFAULT_PORT, HOST
from stepline.processes import console_process, process_table
from stepline.processes.interruptions import Interruptions
from stepline.processes.process_table import Process

_READY_SECONDS = 60.0  # usually less than one; more on a slow, busy machine
_CONNECT_SECONDS = 2.0
_TERMINATE_SECONDS = 10.0  # from SIGTERM to SIGKILL
_KILL_SECONDS = 5.0  # from SIGKILL until we give up
_END_SECONDS = 1.0  # from the first broken connection to the end of a killed process
_POLL_SECONDS = 0.05
_LOG_TAIL_LINES = 15

ServerCommand = Callable[[int, str, Path], Sequence[str]]

# Processes that this process has started and must collect when they end, by id.
_children: dict[int, subprocess.Popen[bytes]] = {}


def server_command(port: int, region: str, directory: Path) -> Sequence[str]:
    options = {"--port": str(port), "--region": region, "--directory": str(directory)}
    return [sys.executable, "-m", "stepline.localaws", *chain.from_iterable(options.items())]


def start(
    port: int,
    *,
    region: str,
    interruptions: Interruptions,
    owner: Owner | None,
    options: Sequence[str] = (),
    command: ServerCommand | None = None,
    console_listener: socket.socket | None = None,
) -> LocalAws:
    """Start a local AWS on a free `port`, with further `options`, and wait until it responds.

    Its console is started at the same time, if there is a socket for it; nobody waits for
    that. Raises UsageError, with nothing left running, if it ends or is not ready in time.
    """
    with interruptions.deferred():
        local_aws = _spawn(
            port, region, owner, command or server_command, options, console_listener=console_listener
        )
    try:
        _wait_until_ready(local_aws)
    except BaseException:
        with interruptions.deferred():
            stop(local_aws)
        raise
    return local_aws


def owner_has_ended(local_aws: LocalAws) -> bool:
    """Whether the command that should stop this local AWS was itself killed."""
    return local_aws.owner is not None and process_table.find_process(local_aws.owner.pid) is None


def stop(local_aws: LocalAws) -> None:
    """Stop it and every process that it started; delete its folder and its state file.

    Sends SIGTERM, and after ten seconds SIGKILL to the remaining processes of the group.
    """
    if _is_running(local_aws):
        with suppress(ProcessLookupError):
            os.kill(local_aws.pid, signal.SIGTERM)
        _wait_until(lambda: not _is_running(local_aws), _TERMINATE_SECONDS)
    for each in _list_processes(local_aws):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(each.pid, signal.SIGKILL)
    _wait_until(lambda: not _list_processes(local_aws), _KILL_SECONDS)
    for pid in (local_aws.pid, local_aws.console.pid if local_aws.console else 0):
        if child := _children.pop(pid, None):
            child.wait()
            if child.stdin is not None:
                child.stdin.close()
    shutil.rmtree(local_aws.directory, ignore_errors=True)
    local_servers.delete(local_aws)


def read_log_tail(local_aws: LocalAws) -> list[str]:
    """Return the end of its log, without empty lines."""
    try:
        text = local_aws.log_file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    return [line.rstrip() for line in text.splitlines() if line.strip()][-_LOG_TAIL_LINES:]


def port_is_free(port: int) -> bool:
    """Whether `port` of the loopback address is free. Raises UsageError if we may not listen on it."""
    with socket.socket() as probe:
        probe.settimeout(_CONNECT_SECONDS)
        if probe.connect_ex((HOST, port)) == 0:
            return False
    with socket.socket() as probe:
        # As the server does: closed connections of an earlier one do not block the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError as error:
            raise UsageError(
                f"port {port} is reserved for the system: use one above 1023, such as --port {DEFAULT_PORT}"
            ) from error
        except OSError:
            return False
    return True


def unexpected_end(local_aws: LocalAws, doing: str) -> UsageError:
    """Return the error for a local AWS that ended while `doing` something, with the end of its log."""
    lines = read_log_tail(local_aws)
    reason = lines[-1].strip() if lines else "its log is empty"
    return UsageError(f"the local AWS ended while {doing}: {reason}", details=lines[:-1])


def was_stopped(local_aws: LocalAws) -> bool:
    """Whether a child of this process has ended because it was stopped, not because of an error."""
    child = _children.get(local_aws.pid)
    return child is not None and child.poll() in {0, -signal.SIGTERM, -signal.SIGINT}


def ends_soon(local_aws: LocalAws) -> bool:
    """Whether it has ended or ends within a second: its connections break a moment before that."""
    _wait_until(lambda: not is_alive(local_aws), _END_SECONDS)
    return not is_alive(local_aws)


def is_alive(local_aws: LocalAws) -> bool:
    child = _children.get(local_aws.pid)
    return child.poll() is None if child else _is_running(local_aws)


def _spawn(
    port: int,
    region: str,
    owner: Owner | None,
    command: ServerCommand,
    options: Sequence[str],
    *,
    console_listener: socket.socket | None,
) -> LocalAws:
    root = Path(tempfile.mkdtemp(prefix=f"stepline-{port}-")).resolve()
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    local_aws = LocalAws(0, port, region, root, started_at, owner)
    local_aws.data_folder.mkdir()
    closes_with_console, closes_with_server = os.pipe()
    console_port = console_listener.getsockname()[1] if console_listener is not None else None
    server = _spawn_server(
        local_aws,
        [*command(port, region, local_aws.data_folder), *options],
        closes_with_server,
        console_port=console_port,
    )
    local_aws = replace(local_aws, pid=server.pid)
    _children[server.pid] = server
    try:
        if console_listener is not None:
            console = console_process.spawn(
                console_listener, local_aws, environment=_environment(), until_closed=closes_with_console
            )
            _children[console.pid] = console
            local_aws = replace(local_aws, console=ConsoleServer(console.pid, console_port or 0))
        local_servers.save(local_aws)
    except BaseException as error:
        _discard(local_aws)
        if not isinstance(error, FileExistsError):
            raise
        raise UsageError(f"another `stepline` is starting on port {port}: use another --port") from error
    finally:
        os.close(closes_with_console)
        os.close(closes_with_server)
    return local_aws


def _spawn_server(
    local_aws: LocalAws, command: Sequence[str], kept_open: int, *, console_port: int | None
) -> subprocess.Popen[bytes]:
    """Start the server; it holds one end of a pipe as long as it lives, and links to its console."""
    owner = local_aws.owner
    environment = _environment()
    if console_port is not None:
        environment[CONSOLE_URL_VARIABLE] = ConsoleServer(0, console_port).url
    with local_aws.log_file.open("wb") as log:
        return subprocess.Popen(  # noqa: S603 (our own interpreter)
            [*command, *(["--until-input-closes"] if owner else [])],
            stdin=subprocess.PIPE if owner else subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            pass_fds=[kept_open],
            start_new_session=True,
        )


def _discard(local_aws: LocalAws) -> None:
    """End what has just been started, which no state file names; one of another server is not touched."""
    for pid in (local_aws.pid, local_aws.console.pid if local_aws.console else 0):
        if child := _children.pop(pid, None):
            child.kill()
            child.wait()
    shutil.rmtree(local_aws.directory, ignore_errors=True)


def _environment() -> dict[str, str]:
    """Return our environment without credentials and profiles, so that local code cannot reach AWS."""
    left_out = ("AWS_", CONSOLE_URL_VARIABLE)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(left_out)}
    return kept | {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONUNBUFFERED": "1",
    }


def _wait_until_ready(local_aws: LocalAws) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        if not is_alive(local_aws):
            raise unexpected_end(local_aws, "starting")
        if local_servers.read_health(local_aws.port).get("pid") == local_aws.pid:
            return
        time.sleep(_POLL_SECONDS)
    raise UsageError(
        f"the local AWS was not ready after {_READY_SECONDS:g} s: the end of its log is above",
        details=read_log_tail(local_aws),
    )


def _list_processes(local_aws: LocalAws) -> list[Process]:
    """Return its running processes: its group, and processes with its data folder in their command line.

    Another process that has got the id of one that ended is not in the list.
    """
    folder = str(local_aws.data_folder)
    processes = process_table.list_processes()
    leader = next((each for each in processes if each.pid == local_aws.pid), None)
    has_own_group = leader is None or folder in leader.command
    return [
        each
        for each in processes
        if (has_own_group and each.group == local_aws.pid)
        or (folder in each.command and each.pid != os.getpid())
    ]


def _is_running(local_aws: LocalAws) -> bool:
    return any(each.pid == local_aws.pid for each in _list_processes(local_aws))


def _wait_until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
