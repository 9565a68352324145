"""`python -m benchmarks.waiting_callers`: 500 callers wait in the sample service at once.

The service, the facade (a fake one, which refuses as API Gateway does what exceeds the usage plan), the
callers, and an onlooker who asks GET /health are processes of their own. Needs Linux's /proc.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import platform
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from tests.ports import free_port
from tests.sample_service.fake_facade import API_KEY

_PROJECT = Path(__file__).parents[1]
_HEALTH_EVERY_SECONDS = 0.1
_STARTED_WITHIN_SECONDS = 30.0
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Case:
    """A usage plan, a process, and how the service is told to use them."""

    name: str
    plan_requests_per_second: float
    plan_burst: int
    process_seconds: float
    settings: dict[str, str]


USAGE_PLAN = Case("5 requests/s, burst 10", 5, 10, 10.0, {})
TENFOLD = Case("50 requests/s, burst 100", 50, 100, 10.0, {"REQUESTS_PER_SECOND": "50", "BURST": "80"})
# The same service without its queue: every caller asks when it likes, and waits when it is refused.
UNCOORDINATED = Case(
    "50 requests/s, burst 100, no queue", 50, 100, 10.0, {"REQUESTS_PER_SECOND": "10000", "BURST": "10000"}
)


@dataclass(frozen=True)
class Usage:
    """Of one process, from /proc."""

    cpu_seconds: float
    memory_mib: float
    open_files: int

    @classmethod
    def of(cls, pid: int) -> Usage:
        process = Path("/proc") / str(pid)
        # After the name, which may hold spaces: proc(5); utime and stime are the 14th and 15th of all.
        fields = (process / "stat").read_text().rpartition(")")[2].split()
        pages = int((process / "statm").read_text().split()[1])
        return cls(
            (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND,
            pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
            len(list((process / "fd").iterdir())),
        )


@dataclass(frozen=True)
class Result:
    """Seconds and MiB; `answers` by status; `requests` to the facade by path, `429` for the refused ones."""

    answers: Counter[int]
    waits: list[float]
    health: list[float]
    before: Usage
    peak_mib: float
    peak_open_files: int
    cpu_seconds: float
    requests: dict[str, int]

    @property
    def seconds(self) -> float:
        return max(self.waits)

    @property
    def cpu_share(self) -> float:
        """Of one core."""
        return self.cpu_seconds / self.seconds


def measure(case: Case, callers: int) -> Result:
    facade_port, port = free_port(), free_port()
    facade = [
        "tests.sample_service.fake_facade", str(facade_port), str(case.plan_requests_per_second),
        str(case.plan_burst), str(case.process_seconds),
    ]  # fmt: skip
    environment = {
        "PROCESS_URL": f"http://127.0.0.1:{facade_port}",
        "PROCESS_API_KEY": API_KEY,
        "POWERTOOLS_LOG_LEVEL": "CRITICAL",
        "TIMEOUT_SECONDS": "3600",
        "MAX_WAITING": str(callers),
    }
    with (
        _process(*facade),
        _process(
            "statemachines.process.sample_service", "--port", str(port), **environment, **case.settings
        ) as service,
    ):
        return asyncio.run(_callers(service.pid, port, facade_port, callers))


async def _callers(pid: int, port: int, facade_port: int, callers: int) -> Result:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=None, limits=limits) as client:
        counts = f"http://127.0.0.1:{facade_port}/counts"
        health = f"http://127.0.0.1:{port}/health"
        for address in (counts, health):
            await _until_served(client, address)
        before = Usage.of(pid)
        with _Onlooker(health, pid) as onlooker:
            begin = time.perf_counter()

            async def call(number: int) -> tuple[int, float]:
                response = await client.post(f"http://127.0.0.1:{port}/p1", json={"caller": number})
                if response.is_success and response.json()["data"]["processInput"] != {"caller": number}:
                    raise RuntimeError("a caller was answered with another one's data")
                return response.status_code, time.perf_counter() - begin

            answers = await asyncio.gather(*(call(number) for number in range(callers)))
        latencies, usages = onlooker.seen()
        requests: dict[str, int] = (await client.get(counts)).json()
    return Result(
        answers=Counter(status for status, _ in answers),
        waits=[seconds for _, seconds in answers],
        health=latencies,
        before=before,
        peak_mib=max(usage.memory_mib for usage in usages),
        peak_open_files=max(usage.open_files for usage in usages),
        cpu_seconds=usages[-1].cpu_seconds - before.cpu_seconds,
        requests=requests,
    )


class _Onlooker:
    """Somebody who has nothing to do with the crowd, in a process of its own."""

    def __init__(self, url: str, pid: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._ended = context.Event()
        self._results, theirs = context.Pipe(duplex=False)
        self._looking = context.Event()
        arguments = (url, pid, self._looking, self._ended, theirs)
        self._process = context.Process(target=_look_on, args=arguments, daemon=True)

    def __enter__(self) -> _Onlooker:
        self._process.start()
        self._looking.wait(_STARTED_WITHIN_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()

    def seen(self) -> tuple[list[float], list[Usage]]:
        """Latencies in seconds, and what the service took meanwhile."""
        latencies, usages = self._results.recv()
        self._process.join()
        return latencies, usages


def _look_on(url: str, pid: int, looking: Event, ended: Event, results: Connection) -> None:
    latencies, usages = [], []
    with httpx.Client(timeout=60) as client:
        client.get(url)
        looking.set()
        while not ended.wait(_HEALTH_EVERY_SECONDS):
            begin = time.perf_counter()
            client.get(url).raise_for_status()
            latencies.append(time.perf_counter() - begin)
            usages.append(Usage.of(pid))
    results.send((latencies, usages))


async def _until_served(client: httpx.AsyncClient, url: str) -> None:
    deadline = time.monotonic() + _STARTED_WITHIN_SECONDS
    while True:
        try:
            await client.get(url)
        except httpx.ConnectError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)
        else:
            return


@contextmanager
def _process(module: str, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=_PROJECT,
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


def show(console: Console, results: dict[str, Result]) -> None:
    table = Table(title="Callers that wait at once", title_justify="left")
    table.add_column("usage plan")
    for name in results:
        table.add_column(name, justify="right")
    for label, text in _ROWS.items():
        table.add_row(label, *(text(result) for result in results.values()))
    console.print(table)


def _by_status(result: Result) -> str:
    return ", ".join(f"{count} x {status}" for status, count in sorted(result.answers.items()))


_ROWS: dict[str, Any] = {
    "answers": _by_status,
    "all answered after": lambda result: f"{result.seconds:,.0f} s",
    "mean wait": lambda result: f"{sum(result.waits) / len(result.waits):,.0f} s",
    "requests to the process's API": lambda result: f"{_admitted(result):,}",
    "refused with 429": lambda result: f"{result.requests.get('429', 0):,}",
    "GET /health meanwhile, median": lambda result: f"{median(result.health) * 1000:.1f} ms",
    "GET /health meanwhile, longest": lambda result: f"{max(result.health) * 1000:.0f} ms",
    "CPU of the service, of one core": lambda result: f"{result.cpu_share:.1%}",
    "its memory, before and at most": lambda result: (
        f"{result.before.memory_mib:.0f}, {result.peak_mib:.0f} MiB"
    ),
    "its open files, at most": lambda result: f"{result.peak_open_files}",
}


def _admitted(result: Result) -> int:
    return sum(count for path, count in result.requests.items() if path != "429")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.waiting_callers", description=__doc__)
    parser.add_argument("--callers", type=int, default=500)
    parser.add_argument("--quick", action="store_true", help="leave out 5 requests/s, which takes 5 minutes")
    arguments = parser.parse_args()
    console = Console()
    console.print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()}\n")
    cases = [TENFOLD, UNCOORDINATED] if arguments.quick else [USAGE_PLAN, TENFOLD, UNCOORDINATED]
    results = {}
    for case in cases:
        results[case.name] = measure(case, arguments.callers)
        console.print(f"{case.name}: {_by_status(results[case.name])}", style="dim")
    show(console, results)
    without, queued = results[UNCOORDINATED.name], results[TENFOLD.name]
    console.print(
        f"Without the queue: {without.cpu_seconds / queued.cpu_seconds:.1f} times the CPU, "
        f"{without.seconds / queued.seconds:.1f} times the time."
    )
    del results[UNCOORDINATED.name]  # nothing is claimed of it
    sys.exit(0 if all(set(result.answers) == {200} for result in results.values()) else 1)


if __name__ == "__main__":
    main()
