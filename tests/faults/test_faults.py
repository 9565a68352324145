"""A sample of what `make faults` runs whole; and that it would find what it looks for."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from contextlib import nullcontext

import pytest
from click.testing import CliRunner

from pipeline import trigger
from pipeline.continuation import Continuation
from pipeline.observability import logger
from statemachines.deploy.attempt import DeploymentAttempt
from stepline.core import aws_errors
from tests.faults import __main__ as command
from tests.faults.exploration import Explorer, Finding, Findings, Result, pairs, singles
from tests.faults.kinds import CLASSES, Fault, Injection, Schedule
from tests.faults.network import ENVIRONMENT
from tests.faults.pipeline_ways import distinct, ways

SINGLES_PER_WAY = 3
PAIRS_PER_WAY = 8
WAYS_WITH_PAIRS = ("update", "new_stack", "removal_refused")


@pytest.fixture(scope="module")
def explorer() -> Iterator[Explorer]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        yield Explorer()


def found(explorer: Explorer, way: str, call: int, *faults: Fault) -> list[str]:
    """The violations of single faults at one call."""
    schedules = [Schedule(way, (Injection(call, fault),)) for fault in faults]
    return [text for schedule in schedules for text in explorer.run(schedule).violations]


@pytest.mark.parametrize("way", distinct())
def test_every_job_gets_its_one_answer_whatever_fails_once(explorer: Explorer, way: str) -> None:
    assert explorer.run(Schedule(way)).violations == ()
    schedules = list(singles([explorer.baseline(way)], seed=1))
    for schedule in random.Random(way).sample(schedules, SINGLES_PER_WAY):
        assert explorer.run(schedule).violations == (), schedule


@pytest.mark.parametrize("way", WAYS_WITH_PAIRS)
def test_every_job_gets_its_one_answer_whatever_fails_twice(explorer: Explorer, way: str) -> None:
    baseline = explorer.baseline(way)
    some = random.Random(way).sample(list(singles([baseline], seed=1)), PAIRS_PER_WAY)
    results = [explorer.run(schedule) for schedule in some]
    twice = list(pairs([baseline], results, seed=1))
    for schedule in random.Random(way).sample(twice, PAIRS_PER_WAY):
        assert explorer.run(schedule).violations == (), schedule


def test_a_run_is_the_same_each_time(explorer: Explorer) -> None:
    schedule = Schedule.parse("update: 9 timed-out-after + 12 killed-after")
    first, second = explorer.run(schedule), explorer.run(schedule)
    assert first == second
    assert first.aftermath


class TestIsFound:
    """Known mistakes, made on purpose."""

    def test_an_execution_named_by_a_counter(
        self, explorer: Explorer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        numbers = itertools.count()
        monkeypatch.setattr(
            Continuation,
            "execution_name",
            property(lambda self: f"codepipeline-{self.first_job_id}-{next(numbers)}"),
        )
        texts = found(explorer, "update", 4, Fault.KILLED_BEFORE)
        assert any("belongs to no action" in text for text in texts)
        assert any("2 executions for 1 actions" in text for text in texts)

    def test_an_update_without_a_lasting_token(
        self, explorer: Explorer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        numbers = itertools.count()
        monkeypatch.setattr(
            DeploymentAttempt, "update_token", property(lambda _self: f"stepline-{next(numbers)}")
        )
        call = 1 + [site[1] for site in explorer.baseline("update").sites].index(
            "cloudformation:ExecuteChangeSet"
        )
        assert any("changed the" in text for text in found(explorer, "update", call, Fault.KILLED_AFTER))

    def test_a_throttle_taken_for_a_refusal(
        self, explorer: Explorer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(aws_errors, "classify", lambda _error: aws_errors.FailureKind.PERMANENT)
        assert any("changed the" in text for text in found(explorer, "update", 3, Fault.THROTTLED))

    def test_an_event_in_the_log(self, explorer: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
        handler = trigger.handler

        def talkative(event: object, context: object) -> object:
            logger.info("called", extra={"event": event})
            return handler(event, context)

        monkeypatch.setattr(trigger, "handler", talkative)
        assert "a credential is in a log" in explorer.run(Schedule("update")).violations

    def test_a_handler_that_raises_what_nobody_knows(
        self, explorer: Explorer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("statemachines.task.translated", lambda _translator: nullcontext())
        texts = found(explorer, "new_stack", 5, Fault.THROTTLED)
        assert any("ended with ClientError" in text for text in texts)


def test_a_schedule_is_what_its_text_says() -> None:
    schedule = Schedule.parse("update: 12 throttled + 17 killed-after")
    assert schedule.injections == (Injection(12, Fault.THROTTLED), Injection(17, Fault.KILLED_AFTER))
    assert Schedule.parse(str(schedule)) == schedule
    assert Schedule.parse(str(Schedule("update"))) == Schedule("update")


def test_every_fault_belongs_to_one_class() -> None:
    listed = [fault for faults in CLASSES.values() for fault in faults]
    assert sorted(listed) == sorted(Fault)


def test_the_shortest_schedule_is_shown() -> None:
    findings = Findings()
    for text in ("update: 3 throttled + 9 late", "update: 7 throttled", "update: 5 throttled"):
        findings.add(Result(Schedule.parse(text), (f"{len(text)} things went wrong",)))
    (finding,) = findings.found.values()
    assert finding == Finding("19 things went wrong", Schedule.parse("update: 5 throttled"), count=3)
    assert findings.runs == findings.violations == 3


def test_command_explores_one_way() -> None:
    result = CliRunner().invoke(command.main, ["--way", "input_wrong", "--jobs", "1", "--once"])
    assert result.exit_code == 0, result.output
    assert "0 violations" in " ".join(result.output.split())


def test_command_replays_a_schedule() -> None:
    result = CliRunner().invoke(
        command.main, ["--replay", "input_wrong: 3 throttled"], env={"COLUMNS": "200"}
    )
    assert result.exit_code == 0, result.output
    assert "StartExecution" in result.output
    assert "everything holds" in result.output


@pytest.mark.parametrize("text", ["nowhere: 1 throttled", "update: throttled", "update: 1 melted"])
def test_command_names_what_is_wrong_with_a_schedule(text: str) -> None:
    result = CliRunner().invoke(command.main, ["--replay", text])
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_every_case_that_nothing_breaks_is_a_way() -> None:
    assert {"update", "new_stack", "unchanged", "deadline"} <= set(distinct()) <= set(ways())
