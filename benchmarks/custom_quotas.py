"""Simulates custom actions under Step Functions' quota for DescribeExecution, in virtual time.

This is a model of the worker, not its code: it has the worker's delays, and the calls to DescribeExecution
that `benchmarks.waiting.hour` counts with the code. It does not repeat a throttled call at once, as the SDK
does on AWS.
"""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass

from benchmarks.quotas import Bucket, Delays, Quota
from benchmarks.waiting.hour import SWEEP_SECONDS
from pipeline.limits import OLD_ANSWER_DELAYS_SECONDS, WORKER_MARGIN_SECONDS

WORKER_SECONDS = 360.0
"""Time-out of the worker [template]."""

EVENT_SECONDS = 1.0
"""From the end of an execution to the invocation for its event [ours]: AWS documents no time."""

CHECK_SECONDS = 0.06
"""Of a check of an open job: DescribeExecution and ListActionExecutions, one after the other [ours]."""


@dataclass
class Outcome(Delays):
    """Results of concurrent actions.

    `answered_by_event` of `actions`; sweeps answered the others. `sweep_checks`: the jobs that were checked
    in the sweep with the most.
    """

    actions: int
    answered_by_event: int = 0
    throttled: int = 0
    calls: int = 0
    sweep_checks: int = 0


def simulate(
    actions: int,
    *,
    quota: Quota,
    begin_seconds: float,
    execution_seconds: float,
    seed: int = 1,
) -> Outcome:
    """Simulate `actions` that start within `begin_seconds`.

    Their executions take `execution_seconds`, plus or minus 25 %.
    """
    simulation = _Simulation(actions, quota)
    chance = random.Random(seed)
    for job in range(actions):
        begin = chance.uniform(0, begin_seconds)
        simulation.at(begin, "start", job)
        simulation.at(begin + execution_seconds * chance.uniform(0.75, 1.25), "end", job)
    simulation.at(SWEEP_SECONDS, "sweep", 0)
    simulation.run()
    return simulation.outcome


class _Simulation:
    """What happens is a heap of (time, number, what, job, number of attempts before)."""

    def __init__(self, actions: int, quota: Quota) -> None:
        self.outcome = Outcome(actions)
        self._bucket = Bucket(quota, tokens=quota.bucket)
        self._due: list[tuple[float, int, str, int, int]] = []
        self._number = 0
        self._ended: dict[int, float] = {}
        self._open: set[int] = set()
        self._unchecked: list[int] = []
        self._sweep_ends = 0.0
        self._checks = 0

    def at(self, seconds: float, what: str, job: int, attempts: int = 0) -> None:
        self._number += 1
        heapq.heappush(self._due, (seconds, self._number, what, job, attempts))

    def run(self) -> None:
        while len(self.outcome.delays_seconds) < self.outcome.actions:
            now, _, what, job, attempts = heapq.heappop(self._due)
            if what == "start":
                self._open.add(job)
                self._describe(now)
            elif what == "end":
                self._ended[job] = now
                self.at(now + EVENT_SECONDS, "event", job)
            elif what == "event":
                self._answer(now, job, attempts, is_event=True)
            elif what == "sweep":
                self._sweep(now)
            else:
                self._check_next(now)

    def _describe(self, now: float) -> bool:
        self.outcome.calls += 1
        is_answered = self._bucket.take(now)
        self.outcome.throttled += not is_answered
        return is_answered

    def _answer(self, now: float, job: int, attempts: int, *, is_event: bool) -> None:
        if job not in self._open:
            return
        if self._describe(now):
            self._open.discard(job)
            self.outcome.answered_by_event += is_event
            self.outcome.delays_seconds.append(now - self._ended[job])
        elif is_event and attempts < len(OLD_ANSWER_DELAYS_SECONDS):
            self.at(now + OLD_ANSWER_DELAYS_SECONDS[attempts], "event", job, attempts + 1)

    def _sweep(self, now: float) -> None:
        self.at(now + SWEEP_SECONDS, "sweep", 0)
        ended = [job for job in self._open if job in self._ended]
        running = [job for job in self._open if job not in self._ended]
        self._unchecked = [*running, *ended]  # the last one is checked first
        self._sweep_ends = now + WORKER_SECONDS - WORKER_MARGIN_SECONDS
        self._checks = 0
        self.at(now, "check", 0)

    def _check_next(self, now: float) -> None:
        self.outcome.sweep_checks = max(self.outcome.sweep_checks, self._checks)
        if not self._unchecked or now >= self._sweep_ends:
            return
        job = self._unchecked.pop()
        if job not in self._ended:
            self._checks += self._describe(now)
            self.at(now + CHECK_SECONDS, "check", 0)
            return
        open_before = len(self._open)
        waited = 0.0
        for delay in (*OLD_ANSWER_DELAYS_SECONDS, None):
            self._answer(now + waited, job, 0, is_event=False)
            if len(self._open) < open_before or delay is None:
                break
            waited += delay
        self._checks += len(self._open) < open_before
        self.at(now + waited + CHECK_SECONDS, "check", 0)
