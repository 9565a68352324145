"""What executions of the batch workflow do, and what they say when they fail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stepline.localaws.batch import Outcome
from tests.statemachines.batch.machine import ENVIRONMENT, LOG_GROUP, Machine

CASES = sorted((Path(__file__).parent / "cases").glob("*.json"))
INPUT = {
    "parameters": {
        "step1_parameter": "one",
        "step2_parameters": ["a", "b", "c"],
        "step3_parameters": ["p", "q"],
    }
}
JOB_ID = r"[0-9a-f-]{36}"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    """`{"input", "outcomes"?: {parameter: [exit code, reason]}, "faults"?, "expected": {…}}`."""
    case: dict[str, Any] = json.loads(path.read_text())
    outcomes = {key: Outcome(*value) for key, value in case.get("outcomes", {}).items()}
    machine = Machine(
        outcomes=outcomes,
        seconds=case.get("seconds", {}),
        faults=case.get("faults", []),
        attempts=case.get("attempts", 1),
    )
    run = machine.run(case["input"], name=case.get("name", "run"))
    expected = case["expected"]
    assert run.status == expected["status"], f"{run.error}: {run.cause}"
    assert run.error == expected.get("error", "")
    for part in expected.get("cause", []):
        assert part in run.cause
    assert run.states == expected["states"]
    assert run.jobs == [tuple(job) for job in expected["jobs"]]


def test_output_says_which_jobs_ran_and_where_their_logs_are() -> None:
    run = Machine().run(INPUT)
    assert run.status == "SUCCEEDED"
    assert run.output["logGroupName"] == LOG_GROUP
    assert run.output["step1"].keys() == {"jobId", "logStreamName"}
    assert [len(run.output[step]) for step in ("step2", "step3")] == [3, 2]
    assert run.output["step2"][0]["logStreamName"].startswith("job/default/")


def test_a_job_is_told_its_step_item_and_parameter() -> None:
    machine = Machine()
    machine.run(INPUT)
    commands = [task.command for task in machine.containers.started]
    assert commands[0] == ("--step=1", "--parameter=one")
    assert ("--step=2", "--item=1", "--parameter=b") in commands
    assert machine.containers.started[0].environment["MANAGED_BY_AWS"] == "STARTED_BY_STEP_FUNCTIONS"


def test_no_more_jobs_of_a_step_at_a_time_than_allowed() -> None:
    lists = {"step2_parameters": list("abcdefg"), "step3_parameters": []}
    run = Machine().run({"parameters": {"step1_parameter": 1, **lists}})
    assert run.most_at_once == int(ENVIRONMENT["MAX_CONCURRENCY"])


def test_a_job_that_takes_too_long_fails_the_execution_with_its_name() -> None:
    machine = Machine(seconds={"one": 7200.0})
    run = machine.run(INPUT)
    assert run.error == "JobTimedOutError"
    assert "Job attempt duration exceeded timeout; exit code 143" in run.cause
    assert run.jobs == [("run-step1", "FAILED")]


def test_a_job_that_waits_for_a_day_is_given_up() -> None:
    """The task's own time-out, which also counts the time in the queue; the job goes with it."""
    machine = Machine(seconds={"one": 100_000.0}, timeout_seconds=200_000)
    run = machine.run(INPUT)
    assert run.error == "States.Timeout"
    assert run.cause.startswith(
        "run-step1: the job did not end within a day: does the compute environment have room for it"
    )
    assert run.jobs == [("run-step1", "FAILED")]


def test_a_stopped_execution_terminates_its_jobs() -> None:
    machine = Machine()
    arn = machine.start(INPUT, name="run")
    machine.clock.run(until=lambda: ("run-step1", "RUNNING") in machine.jobs())
    machine.client.stop_execution(executionArn=arn)
    machine.clock.run(max_steps=1_000)
    assert machine.jobs() == [("run-step1", "FAILED")]
    assert machine.status(arn) == "ABORTED"
    machine.service.close()


def test_a_job_terminated_by_somebody_is_told_with_the_reason() -> None:
    machine = Machine()
    arn = machine.start(INPUT, name="run")
    machine.clock.run(until=lambda: ("run-step1", "RUNNING") in machine.jobs())
    (job,) = machine.batch_client.list_jobs(jobQueue="queue")["jobSummaryList"]
    machine.batch_client.terminate_job(jobId=job["jobId"], reason="not needed any more")
    machine.clock.run(until=lambda: machine.status(arn) == "FAILED")
    answer = machine.client.describe_execution(executionArn=arn)
    assert answer["error"] == "JobStoppedError"
    assert answer["cause"].startswith("run-step1: not needed any more; exit code 143; job ")
    machine.service.close()


def test_waiting_for_a_job_asks_for_it_twice_however_long_it_takes() -> None:
    """Once after the submission, once when its end was told."""
    asked: list[Any] = []
    machine = Machine(seconds={"one": 50.0})
    arn = machine.start(INPUT, name="run")
    machine.batch_client.meta.events.register(
        "before-call.batch.DescribeJobs", lambda **call: asked.append(call)
    )
    machine.clock.run(until=lambda: ("run-step1", "SUCCEEDED") in machine.jobs())
    machine.clock.advance(0.001)
    assert machine.status(arn) == "RUNNING"
    assert len(asked) - 2 <= 2  # the second step's first two jobs
    machine.client.stop_execution(executionArn=arn)
    machine.service.close()


def test_an_end_whose_event_was_lost_is_noticed_within_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Machine, "_hear", lambda _self, _event: None)
    lists: dict[str, list[str]] = {"step2_parameters": [], "step3_parameters": []}
    machine = Machine(seconds={"one": 10.0})
    run = machine.run({"parameters": {"step1_parameter": "one", **lists}})
    assert run.status == "SUCCEEDED"
    assert (machine.clock.now().minute, machine.clock.now().second) == (1, 0)
