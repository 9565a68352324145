"""The machine's processes and the port they listen on, from /proc, else from `ps` and `lsof`.

A slim container has no `ps`, a Mac has no /proc; both are served.
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
    """A process that runs; `command` is its whole command line, words joined by a blank."""

    pid: int
    group: int
    command: str

    @property
    def name(self) -> str:
        return Path(self.command.split(" ", 1)[0]).name


def processes() -> list[Process]:
    """All processes that run; what has ended but was not collected by its parent is not one."""
    if (_PROC / "self" / "stat").exists():
        return list(_from_proc())
    return list(_from_ps())


def process(pid: int) -> Process | None:
    return next((each for each in processes() if each.pid == pid), None)


def listener(port: int) -> Process | None:
    """The process that listens on TCP `port`; None if nobody does, or it is not ours to see."""
    has_proc = (_PROC / "net" / "tcp").exists()
    pid = _listener_from_proc(port) if has_proc else _listener_from_lsof(port)
    return process(pid) if pid is not None else None


def _from_proc() -> Iterator[Process]:
    for folder in _PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            # "pid (name) state ppid pgrp …", proc(5); the name may hold blanks and brackets
            state, _, group = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
            command = (folder / "cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ")
        except (OSError, ValueError):  # it ended meanwhile
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
    for folder in _PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            if any(str(link.readlink()) in sockets for link in (folder / "fd").iterdir()):
                return int(folder.name)
        except OSError:  # somebody else's, or ended meanwhile
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
    words = _output("lsof", "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-t").split()
    return int(words[0]) if words else None


def _output(program: str, *arguments: str) -> str:
    path = shutil.which(program)
    if path is None:
        return ""
    environment = os.environ | {"LC_ALL": "C"}
    done = subprocess.run(  # noqa: S603 (a fixed program)
        [path, *arguments], capture_output=True, text=True, check=False, env=environment
    )
    return done.stdout
