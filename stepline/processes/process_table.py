"""Lists the processes of this machine and finds the one that listens on a port.

Reads /proc, or else calls `ps` and `lsof`: a slim container has no `ps`, macOS has no /proc.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_LISTEN = "0A"  # the state of a listening socket in /proc/net/tcp, proc(5)


@dataclass(frozen=True)
class Process:
    """A running process; `command` is its command line with its words joined by spaces."""

    pid: int
    group: int
    command: str

    @property
    def name(self) -> str:
        return Path(self.command.split(" ", 1)[0]).name


def list_processes() -> list[Process]:
    """Return all running processes, without those that have ended but are not yet collected."""
    if (_PROC / "self" / "stat").exists():
        return list(_from_proc())
    return list(_from_ps())


def find_process(pid: int) -> Process | None:
    return next((each for each in list_processes() if each.pid == pid), None)


def find_listener(port: int) -> Process | None:
    """Return the process that listens on TCP `port`; None if there is none or it cannot be seen."""
    has_proc = (_PROC / "net" / "tcp").exists()
    pid = _listener_from_proc(port) if has_proc else _listener_from_lsof(port)
    return find_process(pid) if pid is not None else None


def _from_proc() -> Iterator[Process]:
    for folder in _PROC.glob("[0-9]*"):
        try:
            # "pid (name) state ppid pgrp …", proc(5); the name may have spaces and brackets
            state, _, group = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
            command = (folder / "cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ")
        except (OSError, ValueError):  # it has ended meanwhile
            continue
        if state not in {"Z", "X"}:
            yield Process(int(folder.name), int(group), command.decode(errors="replace"))


def _from_ps() -> Iterator[Process]:
    for line in _output("ps", "-A", "-ww", "-o", "pid=,pgid=,stat=,args=").splitlines():
        pid, group, state, *command = line.split(None, 3)
        if not state.startswith("Z"):
            yield Process(int(pid), int(group), command[0] if command else "")


def _listener_from_proc(port: int) -> int | None:
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    if not sockets:
        return None
    for folder in _PROC.glob("[0-9]*"):
        try:
            if any(str(link.readlink()) in sockets for link in (folder / "fd").iterdir()):
                return int(folder.name)
        except OSError:  # it is another user's, or has ended meanwhile
            continue
    return None


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        file = _PROC / "net" / table
        lines = file.read_text().splitlines()[1:] if file.exists() else []
        for fields in (line.split() for line in lines):
            local, state, inode = fields[1], fields[3], fields[9]
            if state == _LISTEN and int(local.rpartition(":")[2], 16) == port:
                yield inode


def _listener_from_lsof(port: int) -> int | None:
    pids = _output("lsof", "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-t").split()
    return int(pids[0]) if pids else None


def _output(program: str, *arguments: str) -> str:
    path = shutil.which(program)
    if path is None:
        return ""
    environment = os.environ | {"LC_ALL": "C"}
    return subprocess.run(  # noqa: S603 (a fixed program)
        [path, *arguments], capture_output=True, text=True, check=False, env=environment
    ).stdout
