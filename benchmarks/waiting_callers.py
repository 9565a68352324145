"""`python -m benchmarks.waiting_callers`: 500 callers wait in the sample service at once.

The service, a fake API of the process with the usage plan of API Gateway, the callers, and a client that
measures GET /health are processes of their own. Needs Linux's /proc.
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
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median

import httpx
from rich.console import Console
from rich.table import Table

from benchmarks.processes import Sample, Sampler
from tests.ports import free_port
from tests.sample_service.fake_facade import API_KEY

_PROJECT = Path(__file__).parents[1]
_HEALTH_EVERY_SECONDS = 0.1
_READY_SECONDS = 30.0
_PROCESS_SECONDS = 10.0
"""Duration of each process."""


@dataclass(frozen=True)
class Case:
    """A usage plan, and environment variables of the service."""

    name: str
    requests_per_second: int
    burst: int
    settings: dict[str, str] = field(default_factory=dict)


USAGE_PLAN = Case("5 requests/s, burst 10", 5, 10)
TENFOLD = Case("50 requests/s, burst 100", 50, 100, {"REQUESTS_PER_SECOND": "50", "BURST": "80"})
# Without its queue: each caller sends requests at once, and waits if one is throttled.
WITHOUT_QUEUE = Case(
    "50 requests/s, burst 100, no queue", 50, 100, {"REQUESTS_PER_SECOND": "10000", "BURST": "10000"}
)


@dataclass(frozen=True)
class Result:
    """`answers` by status; `requests` to the API by path, and the throttled ones as `429`."""

    answers: Counter[int]
    waits_seconds: list[float]
    health_seconds: list[float]
    requests: Counter[str]
    before: Sample
    peak: Sample
    cpu_seconds: float

    @property
    def seconds(self) -> float:
        return max(self.waits_seconds)

    @property
    def answers_text(self) -> str:
        return ", ".join(f"{count} x {status}" for status, count in sorted(self.answers.items()))


_ROWS: dict[str, Callable[[Result], str]] = {
    "answers": lambda result: result.answers_text,
    "all answered after": lambda result: f"{result.seconds:,.0f} s",
    "mean wait": lambda result: f"{mean(result.waits_seconds):,.0f} s",
    "requests to the process's API": lambda result: f"{result.requests.total() - result.requests['429']:,}",
    "throttled with 429": lambda result: f"{result.requests['429']:,}",
    "GET /health meanwhile, median": lambda result: f"{median(result.health_seconds) * 1000:.1f} ms",
    "GET /health meanwhile, longest": lambda result: f"{max(result.health_seconds) * 1000:.0f} ms",
    "CPU of the service, of one core": lambda result: f"{result.cpu_seconds / result.seconds:.1%}",
    "its memory, before and at most": lambda result: (
        f"{result.before.server_mib:.0f}, {result.peak.server_mib:.0f} MiB"
    ),
    "its open files, at most": lambda result: f"{result.peak.server_open_files}",
}


def measure(case: Case, callers: int) -> Result:
    facade_port, port = free_port(), free_port()
    usage_plan = (str(case.requests_per_second), str(case.burst))
    environment = {
        "PROCESS_URL": f"http://127.0.0.1:{facade_port}",
        "PROCESS_API_KEY": API_KEY,
        "POWERTOOLS_LOG_LEVEL": "CRITICAL",
        "TIMEOUT_SECONDS": "3600",
        "MAX_WAITING": str(callers),
        **case.settings,
    }
    with (
        _process("tests.sample_service.fake_facade", str(facade_port), *usage_plan, str(_PROCESS_SECONDS)),
        _process("statemachines.process.sample_service", "--port", str(port), **environment) as service,
    ):
        return asyncio.run(_call(service.pid, port, facade_port, callers))


async def _call(service_pid: int, port: int, facade_port: int, callers: int) -> Result:
    service_url, counts_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{facade_port}/counts"
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=None, limits=limits) as client:

        async def call(number: int) -> tuple[int, float]:
            response = await client.post(f"{service_url}/p1", json={"caller": number})
            if response.is_success and response.json()["data"]["processInput"] != {"caller": number}:
                raise RuntimeError("a caller received the data of another caller")
            return response.status_code, time.perf_counter() - begin

        for url in (counts_url, f"{service_url}/health"):
            await _wait_until_ready(client, url)
        with (
            ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool,
            Sampler(service_pid) as sampler,
        ):
            pool.submit(os.getpid).result()  # starts the process
            before, begin = Sample.take(service_pid), time.perf_counter()
            health = asyncio.get_running_loop().run_in_executor(pool, measure_health, f"{service_url}/health")
            answers = await asyncio.gather(*(call(number) for number in range(callers)))
            end = Sample.take(service_pid)
            health_seconds = await health
        requests = Counter[str]((await client.get(counts_url)).json())
    return Result(
        answers=Counter(status for status, _ in answers),
        waits_seconds=[seconds for _, seconds in answers],
        health_seconds=health_seconds,
        requests=requests,
        before=before,
        peak=sampler.peak(),
        cpu_seconds=end.server_cpu_seconds - before.server_cpu_seconds,
    )


def measure_health(url: str) -> list[float]:
    """Return the seconds that GET /health takes, until no callers wait any more."""
    latencies, begin = [], time.perf_counter()
    with httpx.Client(timeout=60) as client:
        while True:
            sent = time.perf_counter()
            response = client.get(url).raise_for_status()
            latencies.append(time.perf_counter() - sent)
            if time.perf_counter() - begin > _PROCESS_SECONDS / 2 and not response.json()["waiting"]:
                return latencies
            time.sleep(_HEALTH_EVERY_SECONDS)


async def _wait_until_ready(client: httpx.AsyncClient, url: str) -> None:
    deadline = time.monotonic() + _READY_SECONDS
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


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.waiting_callers", description=__doc__)
    parser.add_argument("--callers", type=int, default=500)
    parser.add_argument("--quick", action="store_true", help="skip 5 requests/s, which takes 5 minutes")
    arguments = parser.parse_args()
    console = Console()
    console.print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()}\n")
    cases = [TENFOLD, WITHOUT_QUEUE] if arguments.quick else [USAGE_PLAN, TENFOLD, WITHOUT_QUEUE]
    results = {case.name: measure(case, arguments.callers) for case in cases}
    table = Table("usage plan", *results, title="Callers that wait at once", title_justify="left")
    for label, text in _ROWS.items():
        table.add_row(label, *map(text, results.values()))
    console.print(table)
    without, queued = results.pop(WITHOUT_QUEUE.name), results[TENFOLD.name]
    console.print(
        f"Without the queue: {without.cpu_seconds / queued.cpu_seconds:.1f} times the CPU, "
        f"{without.seconds / queued.seconds:.1f} times the time."
    )
    sys.exit(0 if all(set(result.answers) == {200} for result in results.values()) else 1)


if __name__ == "__main__":
    main()
