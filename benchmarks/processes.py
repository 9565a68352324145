"""Measures memory, threads, open files and CPU of a server and its functions, from Linux's /proc."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from stepline.localaws.functions import fork_server, launcher

_PROC = Path("/proc")
_PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20
_SECONDS_BETWEEN_SAMPLES = 1.0
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Sample:
    """The resources of a server, and of the processes of functions.

    Memory is resident memory in MiB: pages that processes share are counted for each of them.
    """

    server_mib: float
    server_threads: int
    server_open_files: int
    server_cpu_seconds: float
    functions: int
    functions_mib: float

    @classmethod
    def take(cls, server: int) -> Sample:
        functions = _functions(server)
        return cls(
            server_mib=_resident_mib(server),
            server_threads=len(list((_PROC / str(server) / "task").iterdir())),
            server_open_files=len(list((_PROC / str(server) / "fd").iterdir())),
            server_cpu_seconds=_cpu_seconds(server),
            functions=len(functions),
            functions_mib=sum(_resident_mib(function) for function in functions),
        )


class Sampler:
    """Takes a sample each second until the end of its context."""

    def __init__(self, server: int) -> None:
        self._server = server
        self._samples: list[Sample] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()

    def peak(self) -> Sample:
        """Return the maximum of each value; they may be of different times."""
        return Sample(*(max(getattr(item, name) for item in self._samples) for name in Sample.__match_args__))

    def _run(self) -> None:
        while not self._stop.wait(_SECONDS_BETWEEN_SAMPLES) or not self._samples:
            self._samples.append(Sample.take(self._server))


def idle_cpu_share(server: int, seconds: float) -> float:
    """Return the share of one core that the server uses without requests."""
    before = _cpu_seconds(server)
    time.sleep(seconds)
    return (_cpu_seconds(server) - before) / seconds


def _children(pid: int) -> list[int]:
    found = []
    for task in (_PROC / str(pid) / "task").iterdir():
        try:
            found += [int(child) for child in (task / "children").read_text().split()]
        except OSError:  # the thread has ended
            continue
    return found


def _functions(server: int) -> list[int]:
    """Return the processes that run functions; git, or a copy of the server that will start one, does not."""
    children = _children(server)
    fork_servers = [child for child in children if _runs(child, fork_server.__file__)]
    spawned = [child for child in children if _runs(child, launcher.__file__) and child not in fork_servers]
    return [*spawned, *(function for parent in fork_servers for function in _children(parent))]


def _runs(pid: int, file: str) -> bool:
    try:
        return file.encode() in (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return False


def _resident_mib(pid: int) -> float:
    try:
        return int((_PROC / str(pid) / "statm").read_text().split()[1]) * _PAGE_MIB
    except OSError:
        return 0.0


def _cpu_seconds(pid: int) -> float:
    fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND  # utime and stime, proc(5)
