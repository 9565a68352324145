"""A small load: what `make load` does with a thousand executions, in the time of a test."""

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
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="looks at processes in Linux's /proc"),
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
            done = burst.run(
                aws, executions=EXECUTIONS, time_limit_seconds=TIME_LIMIT_SECONDS, report=lambda _text: None
            )
        yield Load(base, sampler.peak(), done, invariants.check(aws, done, aws.calls() - before))


def test_all_were_in_progress_at_once(load: Load) -> None:
    assert load.burst.in_progress_at_once == EXECUTIONS


def test_nothing_is_lost_and_nothing_done_twice(load: Load) -> None:
    assert load.findings
    assert [finding for finding in load.findings if not finding.holds] == []


def test_the_local_aws_stays_within_its_bounds(load: Load) -> None:
    findings = bounds.check_peak(load.base, load.peak, executions=EXECUTIONS)
    assert [finding for finding in findings if not finding.holds] == []
