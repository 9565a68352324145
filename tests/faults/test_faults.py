"""A sample of what `make faults` explores completely, and bugs that it must find."""

from __future__ import annotations

import itertools
import random
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
from tests.faults.pipeline_scenarios import distinct, scenarios
from tests.faults.places import resolve
from tests.faults.schedule import CLASSES, Fault, Injection, Schedule
from tests.statemachines.deploy import case_runner

SINGLES_PER_SCENARIO = 3
PAIRS_PER_SCENARIO = 8
SCENARIOS_WITH_PAIRS = ("update", "new_stack", "removal_refused")


def violations(explorer: Explorer, scenario: str, call: int, *faults: Fault) -> list[str]:
    """Return the violations of single faults at one call."""
    schedules = [Schedule(scenario, (Injection(call, fault),)) for fault in faults]
    return [text for schedule in schedules for text in explorer.run(schedule).violations]


@pytest.mark.parametrize("scenario", distinct())
def test_invariants_hold_with_one_fault(explorer: Explorer, scenario: str) -> None:
    assert explorer.run(Schedule(scenario)).violations == ()
    schedules = list(singles([explorer.baseline(scenario)], seed=1))
    for schedule in random.Random(scenario).sample(schedules, SINGLES_PER_SCENARIO):
        assert explorer.run(schedule).violations == (), schedule


@pytest.mark.parametrize("scenario", SCENARIOS_WITH_PAIRS)
def test_invariants_hold_with_two_faults(explorer: Explorer, scenario: str) -> None:
    baseline = explorer.baseline(scenario)
    some = random.Random(scenario).sample(list(singles([baseline], seed=1)), PAIRS_PER_SCENARIO)
    results = [explorer.run(schedule) for schedule in some]
    twice = list(pairs([baseline], results, seed=1))
    for schedule in random.Random(scenario).sample(twice, PAIRS_PER_SCENARIO):
        assert explorer.run(schedule).violations == (), schedule


def test_schedule_has_the_same_result_each_time(explorer: Explorer) -> None:
    schedule = Schedule.parse("update: 9 timed-out-after + 12 killed-after")
    first, second = explorer.run(schedule), explorer.run(schedule)
    assert first == second
    assert first.aftermath


@pytest.mark.parametrize(
    "text",
    [
        # an execution that was started without a response, and may not be described
        "deadline: StartExecution-1 server-error-after + DescribeExecution-1 access-denied",
        # a change set that was just created is not found, and another process deletes the stack
        "update_policy_stack_deleted: DescribeChangeSet-1 stale-minute",
        # the events of a stack that was just created do not exist
        "new_stack_fails: DescribeStackEvents-1 stale-minute",
    ],
)
def test_earlier_finding_does_not_return(explorer: Explorer, text: str) -> None:
    assert explorer.run(resolve(text, explorer)).violations == ()


def test_call_is_named_by_its_operation(explorer: Explorer) -> None:
    assert str(resolve("update: ExecuteChangeSet-1 killed-after", explorer)) == "update: 12 killed-after"


def test_case_that_ends_otherwise_is_a_violation(explorer: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = {**case_runner.load("update"), "expected": {"output": {"Size": "7"}}}
    monkeypatch.setattr(case_runner, "load", lambda _name: expected)
    assert any("the case expects" in text for text in explorer.run(Schedule("update")).violations)


class TestBugIsFound:
    """Each test introduces a bug."""

    def test_execution_named_by_a_counter(self, explorer: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
        numbers = itertools.count()
        monkeypatch.setattr(
            Continuation,
            "execution_name",
            property(lambda self: f"codepipeline-{self.first_job_id}-{next(numbers)}"),
        )
        texts = violations(explorer, "update", 4, Fault.KILLED_BEFORE)
        assert any("belongs to no action" in text for text in texts)
        assert any("2 executions for 1 actions" in text for text in texts)

    def test_update_token_that_changes(self, explorer: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
        numbers = itertools.count()
        monkeypatch.setattr(
            DeploymentAttempt, "update_token", property(lambda _self: f"stepline-{next(numbers)}")
        )
        call = 1 + [site[1] for site in explorer.baseline("update").sites].index(
            "cloudformation:ExecuteChangeSet"
        )
        assert any("changed the" in text for text in violations(explorer, "update", call, Fault.KILLED_AFTER))

    def test_throttling_taken_for_a_permanent_error(
        self, explorer: Explorer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(aws_errors, "classify", lambda _error: aws_errors.FailureKind.PERMANENT)
        assert any("changed the" in text for text in violations(explorer, "update", 3, Fault.THROTTLED))

    def test_event_in_the_log(self, explorer: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
        handler = trigger.handler

        def log_event(event: object, context: object) -> object:
            logger.info("called", extra={"event": event})
            return handler(event, context)

        monkeypatch.setattr(trigger, "handler", log_event)
        assert "a credential is in a log" in explorer.run(Schedule("update")).violations

    def test_handler_that_raises_an_unknown_error(
        self, explorer: Explorer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("statemachines.task.translated", lambda _translator: nullcontext())
        texts = violations(explorer, "new_stack", 5, Fault.THROTTLED)
        assert any("ended with ClientError" in text for text in texts)


def test_schedule_is_parsed_from_its_text() -> None:
    schedule = Schedule.parse("update: 12 throttled + 17 killed-after")
    assert schedule.injections == (Injection(12, Fault.THROTTLED), Injection(17, Fault.KILLED_AFTER))
    assert Schedule.parse(str(schedule)) == schedule
    assert Schedule.parse(str(Schedule("update"))) == Schedule("update")


def test_every_fault_belongs_to_one_class() -> None:
    listed = [fault for faults in CLASSES.values() for fault in faults]
    assert sorted(listed) == sorted(Fault)


def test_finding_has_the_shortest_schedule() -> None:
    findings = Findings()
    for text in ("update: 3 throttled + 9 late", "update: 7 throttled", "update: 5 throttled"):
        findings.add(Result(Schedule.parse(text), (f"{len(text)} things went wrong",)))
    (finding,) = findings.found.values()
    assert finding == Finding("19 things went wrong", Schedule.parse("update: 5 throttled"), count=3)
    assert findings.runs == findings.violations == 3


def test_command_explores_one_scenario() -> None:
    result = CliRunner().invoke(command.main, ["--scenario", "input_invalid", "--jobs", "1", "--once"])
    assert result.exit_code == 0, result.output
    assert "0 violations" in " ".join(result.output.split())


def test_command_replays_a_schedule() -> None:
    result = CliRunner().invoke(
        command.main, ["--replay", "input_invalid: 3 throttled"], env={"COLUMNS": "200"}
    )
    assert result.exit_code == 0, result.output
    assert "StartExecution" in result.output
    assert "0 violations" in result.output


@pytest.mark.parametrize("text", ["nowhere: 1 throttled", "update: throttled", "update: 1 melted"])
def test_command_refuses_an_invalid_schedule(text: str) -> None:
    result = CliRunner().invoke(command.main, ["--replay", text])
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_deploy_cases_are_scenarios() -> None:
    assert {"update", "new_stack", "unchanged", "deadline"} <= set(distinct()) <= set(scenarios())
