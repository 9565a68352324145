"""The load test of `make load` with few executions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.load import bounds, burst, invariants, local_aws
from benchmarks.load.invariants import Finding
from benchmarks.processes import Sample, Sampler
from tests.ports import free_port

EXECUTIONS = 30
TIME_LIMIT_SECONDS = 120.0

pytestmark = [
    pytest.mark.xdist_group("load"),
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads processes from Linux's /proc"),
]


@dataclass(frozen=True)
class Load:
    base: Sample
    peak: Sample
    burst: burst.Burst
    findings: list[Finding]


@pytest.fixture(scope="module")
def load() -> Iterator[Load]:
    with local_aws.deployed(free_port(), open_files=1024) as aws:
        burst.commit(aws, local_aws.PROJECT / "app")
        base, before = Sample.take(aws.server.pid), aws.calls()
        with Sampler(aws.server.pid) as sampler:
            finished = burst.run(
                aws, executions=EXECUTIONS, time_limit_seconds=TIME_LIMIT_SECONDS, report=lambda _text: None
            )
        yield Load(base, sampler.peak(), finished, invariants.check(aws, finished, aws.calls() - before))


def test_all_executions_are_in_progress_at_once(load: Load) -> None:
    assert load.burst.in_progress_at_once == EXECUTIONS


def test_no_invariant_is_violated(load: Load) -> None:
    assert load.findings
    assert [finding for finding in load.findings if not finding.holds] == []


def test_use_of_resources_stays_within_the_bounds(load: Load) -> None:
    findings = bounds.check_peak(load.base, load.peak, executions=EXECUTIONS)
    assert [finding for finding in findings if not finding.holds] == []
