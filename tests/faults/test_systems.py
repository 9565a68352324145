"""As `test_faults`, for the other systems: a sample of what `make faults` runs whole."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

import pytest

from statemachines.s3_trigger import execution_names
from statemachines.s3_trigger.start_execution import _log as logger
from tests.faults.deployed import PROJECT, Deployed
from tests.faults.exploration import Explorer, pairs, singles
from tests.faults.kinds import Fault, Injection, Schedule
from tests.faults.network import ENVIRONMENT
from tests.faults.ways import of_systems

SINGLES_PER_WAY = 24
PAIRS_PER_WAY = 8


@pytest.fixture(scope="module")
def explorer() -> Iterator[Explorer]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        yield Explorer()


def some(schedules: list[Schedule], count: int, *, seed: str) -> list[Schedule]:
    return random.Random(seed).sample(schedules, min(count, len(schedules)))


@pytest.mark.parametrize("way", of_systems())
def test_what_must_hold_holds_whatever_fails(explorer: Explorer, way: str) -> None:
    assert explorer.run(Schedule(way)).violations == ()
    baseline = explorer.baseline(way)
    once = [
        explorer.run(schedule)
        for schedule in some(list(singles([baseline], seed=1)), SINGLES_PER_WAY, seed=way)
    ]
    assert [result for result in once if result.violations] == []
    for schedule in some(list(pairs([baseline], once, seed=1)), PAIRS_PER_WAY, seed=way):
        assert explorer.run(schedule).violations == (), schedule


def test_every_function_of_every_system_is_on_some_way(explorer: Explorer) -> None:
    invoked: set[tuple[str, str]] = set()
    for name, way in of_systems().items():
        simulation = explorer.simulation(Schedule(name))
        simulation.run()
        invoked |= {(way.system, run.function) for run in simulation.functions.invocations}
    folders = {path.parent.name for path in (PROJECT / "statemachines").glob("*/template.yaml")}
    there = {(folder, function) for folder in folders for function in Deployed(folder).functions()}
    assert there <= invoked


@pytest.mark.parametrize(
    "text",
    [
        "s3_trigger/gone: 4 cut-short",  # S3's error itself breaks off: urllib3's exception, not botocore's
    ],
)
def test_what_was_found_once_stays_mended(explorer: Explorer, text: str) -> None:
    assert explorer.run(Schedule.parse(text)).violations == ()


class TestIsFound:
    """Known mistakes, made on purpose."""

    def test_an_execution_named_by_the_delivery(
        self, explorer: Explorer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        numbers = iter(range(1000))
        explorer.baseline("s3_trigger/notified")
        monkeypatch.setattr(
            "statemachines.s3_trigger.start_execution.execution_name",
            lambda write: f"{execution_names.execution_name(write)[:60]}-{next(numbers)}",
        )
        schedule = Schedule("s3_trigger/notified", (Injection(2, Fault.KILLED_AFTER),))
        texts = explorer.run(schedule).violations
        assert any("transient faults changed the executions" in text for text in texts)

    @pytest.mark.parametrize("way", ["batch/three_steps", "process/whole", "s3_trigger/notified"])
    def test_a_definition_that_tries_nothing_again(
        self, explorer: Explorer, monkeypatch: pytest.MonkeyPatch, way: str
    ) -> None:
        call = 1 + [site[1] for site in explorer.baseline(way).sites].index("lambda:Invoke")
        definition = Deployed._definition

        def hasty(self: Deployed, properties: object) -> str:
            return re.sub(r'("MaxAttempts":) \d+', r"\1 0", definition(self, properties))

        monkeypatch.setattr(Deployed, "_definition", hasty)
        for fault in (Fault.THROTTLED, Fault.KILLED_AFTER):
            texts = explorer.run(Schedule(way, (Injection(call, fault),))).violations
            assert any("transient faults changed the executions" in text for text in texts), fault

    def test_a_definition_that_tries_everything_again(
        self, explorer: Explorer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        definition = Deployed._definition

        def stubborn(self: Deployed, properties: object) -> str:
            return definition(self, properties).replace('"TransientAwsError"', '"States.ALL"')

        monkeypatch.setattr(Deployed, "_definition", stubborn)
        site = ("StepBFunction", "s3:GetObject")
        call = 1 + [site[:2] for site in explorer.baseline("process/whole").sites].index(site)
        schedule = Schedule("process/whole", (Injection(call, Fault.ACCESS_DENIED),))
        assert any("although it was denied" in text for text in explorer.run(schedule).violations)

    def test_an_object_in_the_log(self, explorer: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
        def talkative(_write: object) -> str:
            logger.warning("the environment", extra={"environment": ENVIRONMENT})
            return "{}"

        monkeypatch.setattr("statemachines.s3_trigger.start_execution.input_text", talkative)
        assert "a secret is in a log" in explorer.run(Schedule("s3_trigger/notified")).violations
