"""Simulates actions that poll under AWS's account-wide quotas, in virtual time.

The code of the trigger runs against token buckets of AWS's sizes.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import Any

from stepline.localaws.clock import VirtualClock
from stepline.localaws.protocol import AwsError, Params
from tests.pipeline.world import MACHINE, World


@dataclass(frozen=True)
class Quota:
    """A token bucket for an account and region: `bucket` calls at once, then `refill` calls per second."""

    bucket: int
    refill: int


# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html, "Quotas related to API action
# throttling", Standard workflows.
SMALL_REGIONS = {
    "StartExecution": Quota(800, 150),
    "StopExecution": Quota(500, 25),
    "DescribeExecution": Quota(250, 10),
    "GetExecutionHistory": Quota(400, 20),
}
"""For regions other than `LARGE_REGIONS`."""

LARGE_REGIONS = {
    "StartExecution": Quota(1300, 300),
    "StopExecution": Quota(1000, 200),
    "DescribeExecution": Quota(300, 15),
    "GetExecutionHistory": Quota(400, 20),
}
"""For us-east-1, us-west-2 and eu-west-1."""

INTERVALS_SECONDS = (10, 15, 30, 60)
"""Examples of the time between two jobs of an action, for which AWS documents only "periodically"."""


def sustained_actions(quota: Quota, interval_seconds: float) -> int:
    """Return the number of actions that can poll once in each interval."""
    return int(quota.refill * interval_seconds)


@dataclass
class Bucket:
    """The state of a quota; times are in seconds."""

    quota: Quota
    tokens: float = 0
    filled_at: float = 0

    def take(self, now: float) -> bool:
        """Take a token for a call, and return whether there was one."""
        refilled = self.tokens + (now - self.filled_at) * self.quota.refill
        self.tokens, self.filled_at = min(float(self.quota.bucket), refilled), now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass
class Delays:
    """A delay is from the end of an execution to the end of its action."""

    delays_seconds: list[float] = field(default_factory=list, kw_only=True)

    @property
    def median_delay_seconds(self) -> float:
        return median(self.delays_seconds)

    @property
    def longest_delay_seconds(self) -> float:
        return max(self.delays_seconds)


@dataclass
class Outcome(Delays):
    """Results of concurrent actions."""

    actions: int
    succeeded: int = 0
    failed: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    throttled: Counter[str] = field(default_factory=Counter)


def simulate(
    actions: int,
    *,
    quotas: dict[str, Quota],
    interval_seconds: float,
    execution_seconds: float,
    seed: int = 1,
) -> Outcome:
    """Simulate `actions` that start within one interval, whose executions take that time, plus or minus 25 %.

    A throttled call is not repeated within the job. botocore would repeat it twice, so AWS is faster.
    """
    chance = random.Random(seed)
    simulation = _Simulation(
        actions, quotas, interval_seconds, lambda: execution_seconds * chance.uniform(0.75, 1.25)
    )
    for _ in range(actions):
        simulation.clock.call_later(chance.uniform(0, interval_seconds), simulation.begin)
    simulation.clock.run(max_steps=10_000_000)
    return simulation.outcome


class _Simulation:
    def __init__(
        self,
        actions: int,
        quotas: dict[str, Quota],
        interval_seconds: float,
        execution_seconds: Callable[[], float],
    ) -> None:
        self.clock = VirtualClock()
        self.outcome = Outcome(actions)
        self._interval_seconds = interval_seconds
        self._execution_seconds = execution_seconds
        self._buckets = {name: Bucket(quota, tokens=quota.bucket) for name, quota in quotas.items()}
        self._began = self._now()
        self._world = World()
        self._ended_at: dict[str, float] = {}
        self._perform = self._world.stepfunctions.perform
        setattr(self._world.stepfunctions, "perform", self._throttle)  # noqa: B010 - replaces a method

    def begin(self) -> None:
        self._deliver(self._world.first_job())

    def _throttle(self, operation: str, params: Params, act: Callable[[], Params]) -> Params:
        self.outcome.calls[operation] += 1
        bucket = self._buckets.get(operation)
        if bucket is not None and not bucket.take(self._now() - self._began):
            self.outcome.throttled[operation] += 1
            raise AwsError("Rate exceeded", code="ThrottlingException")
        result = self._perform(operation, params, act)
        if operation == "StartExecution":
            self.clock.call_later(self._execution_seconds(), partial(self._end, params["name"]))
        return result

    def _end(self, name: str) -> None:
        self._world.stepfunctions.executions[self._execution_arn(name)].succeed()
        self._ended_at[name] = self._now()

    def _deliver(self, event: dict[str, Any]) -> None:
        self._world.now = self._now()
        self._world.deliver(event)
        result = self._world.job_result(event)
        if "continuationToken" in result:
            following = self._world.next_job(event)
            self.clock.call_later(self._interval_seconds, partial(self._deliver, following))
        elif "failureDetails" in result:
            self.outcome.failed += 1
        else:
            self.outcome.succeeded += 1
            name = result["executionDetails"]["externalExecutionId"].rpartition(":")[2]
            self.outcome.delays_seconds.append(self._now() - self._ended_at[name])

    @staticmethod
    def _execution_arn(name: str) -> str:
        return f"{MACHINE.replace(':stateMachine:', ':execution:')}:{name}"

    def _now(self) -> float:
        return self.clock.now().timestamp()
