"""A sample of what `make faults` explores of the systems besides the pipeline, and bugs that it must find."""

from __future__ import annotations

import random
import re

import pytest

from statemachines.s3_trigger import execution_names
from statemachines.s3_trigger.start_execution import _log as logger
from stepline.deployment.systems import list_systems
from tests.faults.exploration import Explorer, pairs, singles
from tests.faults.network import ENVIRONMENT
from tests.faults.scenarios import system_scenarios
from tests.faults.schedule import Fault, Injection, Schedule
from tests.system_template import PROJECT, SystemTemplate

SINGLES_PER_SCENARIO = 24
PAIRS_PER_SCENARIO = 8


def sample(schedules: list[Schedule], count: int, *, seed: str) -> list[Schedule]:
    return random.Random(seed).sample(schedules, min(count, len(schedules)))


@pytest.mark.parametrize("scenario", system_scenarios())
def test_invariants_hold_with_one_and_two_faults(explorer: Explorer, scenario: str) -> None:
    assert explorer.run(Schedule(scenario)).violations == ()
    baseline = explorer.baseline(scenario)
    once = [
        explorer.run(schedule)
        for schedule in sample(list(singles([baseline], seed=1)), SINGLES_PER_SCENARIO, seed=scenario)
    ]
    assert [result for result in once if result.violations] == []
    for schedule in sample(list(pairs([baseline], once, seed=1)), PAIRS_PER_SCENARIO, seed=scenario):
        assert explorer.run(schedule).violations == (), schedule


def test_every_function_of_every_system_is_in_a_scenario(explorer: Explorer) -> None:
    invoked: set[tuple[str, str]] = set()
    for name, scenario in system_scenarios().items():
        world = explorer.world(Schedule(name))
        world.run()
        invoked |= {(scenario.system, run.function) for run in world.functions.invocations}
    folders = {system.folder.name for system in list_systems(PROJECT)}
    existing = {(folder, function) for folder in folders for function in SystemTemplate(folder).functions}
    assert existing <= invoked


@pytest.mark.parametrize(
    "text",
    [
        "s3_trigger/deleted_object: 4 cut-short",  # an error response of S3 breaks off: urllib3's exception
    ],
)
def test_earlier_finding_does_not_return(explorer: Explorer, text: str) -> None:
    assert explorer.run(Schedule.parse(text)).violations == ()


class TestBugIsFound:
    """Each test introduces a bug."""

    def test_execution_named_by_the_delivery(
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

    @pytest.mark.parametrize("scenario", ["batch/three_steps", "process/whole", "s3_trigger/notified"])
    def test_definition_without_retries(
        self, explorer: Explorer, monkeypatch: pytest.MonkeyPatch, scenario: str
    ) -> None:
        call = 1 + [site[1] for site in explorer.baseline(scenario).sites].index("lambda:Invoke")
        definition = SystemTemplate._definition

        def without_retries(self: SystemTemplate, properties: object) -> str:
            return re.sub(r'("MaxAttempts":) \d+', r"\1 0", definition(self, properties))

        monkeypatch.setattr(SystemTemplate, "_definition", without_retries)
        for fault in (Fault.THROTTLED, Fault.KILLED_AFTER):
            texts = explorer.run(Schedule(scenario, (Injection(call, fault),))).violations
            assert any("transient faults changed the executions" in text for text in texts), fault

    def test_definition_that_retries_all_errors(
        self, explorer: Explorer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        definition = SystemTemplate._definition

        def with_all_retries(self: SystemTemplate, properties: object) -> str:
            return definition(self, properties).replace('"TransientAwsError"', '"States.TaskFailed"')

        monkeypatch.setattr(SystemTemplate, "_definition", with_all_retries)
        site = ("StepBFunction", "s3:GetObject")
        call = 1 + [site[:2] for site in explorer.baseline("process/whole").sites].index(site)
        schedule = Schedule("process/whole", (Injection(call, Fault.ACCESS_DENIED),))
        assert any("although it was denied" in text for text in explorer.run(schedule).violations)

    def test_secret_in_the_log(self, explorer: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
        def log_environment(_write: object) -> str:
            logger.warning("the environment", extra={"environment": ENVIRONMENT})
            return "{}"

        monkeypatch.setattr("statemachines.s3_trigger.start_execution.input_text", log_environment)
        assert "a secret is in a log" in explorer.run(Schedule("s3_trigger/notified")).violations
