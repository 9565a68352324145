"""What executions of the batch workflow do, and how they fail. The cases are in `cases.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stepline.localaws.batch import Outcome
from tests.cases import parameters, read_cases
from tests.pipeline.world import World
from tests.statemachines.batch.machine import ENVIRONMENT, LOG_GROUP, Machine

INPUT = {
    "parameters": {
        "step1_parameter": "one",
        "step2_parameters": ["a", "b", "c"],
        "step3_parameters": ["p", "q"],
    }
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("case", parameters(read_cases(Path(__file__).with_name("cases.json"))))
def test_execution_ends_as_expected(case: dict[str, Any]) -> None:
    """A case has these members.

    {
      "parameters": step1_parameter, step2_parameters and step3_parameters; or "input", the whole input
      "name":       of the execution
      "outcomes":   {parameter: [exit code, reason?]} of jobs that fail
      "seconds":    {parameter: seconds} that jobs run
      "attempts":   of each job
      "faults":     error codes of the first submissions
      "expected":   {"error"?, "cause"?: [parts of it], "states", "jobs": {name: status}}
    }
    """
    names = ("step1_parameter", "step2_parameters", "step3_parameters")
    document = case.get("input") or {"parameters": dict(zip(names, case["parameters"], strict=True))}
    machine = Machine(
        outcomes={key: Outcome(*value) for key, value in case.get("outcomes", {}).items()},
        seconds=case.get("seconds", {}),
        faults=case.get("faults", []),
        attempts=case.get("attempts", 1),
    )
    execution = machine.run(document, name=case.get("name", "run"))
    expected = case["expected"]
    assert execution.error == expected.get("error", ""), execution.cause
    assert execution.status == ("FAILED" if "error" in expected else "SUCCEEDED")
    for part in expected.get("cause", []):
        assert part in execution.cause
    assert execution.states == expected["states"]
    assert machine.jobs() == list(expected["jobs"].items())


def test_execution_started_by_the_pipeline_action_succeeds() -> None:
    """An earlier bug: Validate Input refused the keys that the trigger adds."""
    pipeline = World()
    pipeline.send(pipeline.first_job({"input": INPUT}))
    document = json.loads(pipeline.execution.input)
    assert {"codepipeline", "revisionS3Bucket", "revisionS3Key"} < document.keys()
    assert Machine().run(document).status == "SUCCEEDED"


def test_output_has_the_jobs_and_their_log_streams() -> None:
    execution = Machine().run(INPUT)
    assert execution.status == "SUCCEEDED"
    assert execution.output["logGroupName"] == LOG_GROUP
    assert execution.output["step1"].keys() == {"jobId", "logStreamName"}
    assert [len(execution.output[step]) for step in ("step2", "step3")] == [3, 2]
    assert execution.output["step2"][0]["logStreamName"].startswith("job/default/")


def test_job_gets_its_step_item_and_parameter() -> None:
    machine = Machine()
    machine.run(INPUT)
    commands = [task.command for task in machine.containers.started]
    assert commands[0] == ("--step=1", "--parameter=one")
    assert ("--step=2", "--item=1", "--parameter=b") in commands
    assert machine.containers.started[0].environment["MANAGED_BY_AWS"] == "STARTED_BY_STEP_FUNCTIONS"


def test_no_more_jobs_of_a_step_run_at_once_than_allowed() -> None:
    lists = {"step2_parameters": list("abcdefg"), "step3_parameters": []}
    machine = Machine()
    machine.run({"parameters": {"step1_parameter": 1, **lists}})
    assert machine.containers.most_running == int(ENVIRONMENT["MAX_CONCURRENCY"])


def test_job_that_exceeds_its_time_out_fails_the_execution() -> None:
    machine = Machine(seconds={"one": 7200.0})
    execution = machine.run(INPUT)
    assert execution.error == "JobTimedOutError"
    assert "Job attempt duration exceeded timeout; exit code 143" in execution.cause
    assert machine.jobs() == [("run-step1", "FAILED")]


def test_job_that_does_not_end_within_a_day_is_terminated() -> None:
    """The time-out of the task, which includes the time in the queue, terminates the job."""
    machine = Machine(seconds={"one": 100_000.0}, timeout_seconds=200_000)
    execution = machine.run(INPUT)
    assert execution.error == "States.Timeout"
    assert execution.cause.startswith(
        "run-step1: the job did not end within a day: does the compute environment have room for it"
    )
    assert machine.jobs() == [("run-step1", "FAILED")]


def test_stopped_execution_terminates_its_jobs() -> None:
    machine = Machine()
    arn = machine.start(INPUT)
    machine.clock.run(until=lambda: ("run-step1", "RUNNING") in machine.jobs())
    machine.stepfunctions.stop_execution(executionArn=arn)
    machine.settle()
    assert machine.jobs() == [("run-step1", "FAILED")]
    assert machine.status(arn) == "ABORTED"
    machine.close()


def test_reason_of_a_terminated_job_is_the_cause() -> None:
    machine = Machine()
    arn = machine.start(INPUT)
    machine.clock.run(until=lambda: ("run-step1", "RUNNING") in machine.jobs())
    (job,) = machine.batch.list_jobs(jobQueue="queue")["jobSummaryList"]
    machine.batch.terminate_job(jobId=job["jobId"], reason="not needed any more")
    machine.clock.run(until=lambda: machine.status(arn) == "FAILED")
    answer = machine.stepfunctions.describe_execution(executionArn=arn)
    assert answer["error"] == "JobStoppedError"
    assert answer["cause"].startswith("run-step1: not needed any more; exit code 143; job ")
    machine.close()


def test_job_is_described_twice_however_long_it_runs() -> None:
    """Once after the submission, once when the event of its end arrives."""
    machine = Machine(seconds={"one": 50.0})
    arn = machine.start(INPUT)
    machine.clock.run(until=lambda: ("run-step1", "SUCCEEDED") in machine.jobs())
    machine.clock.advance(0.001)
    assert machine.status(arn) == "RUNNING"
    assert machine.batch_service.describe_calls - 2 <= 2  # the first two jobs of the second step
    machine.stepfunctions.stop_execution(executionArn=arn)
    machine.close()


def test_end_of_a_job_is_noticed_within_a_minute_without_its_event() -> None:
    lists: dict[str, list[str]] = {"step2_parameters": [], "step3_parameters": []}
    machine = Machine(seconds={"one": 10.0}, publishes_events=False)
    execution = machine.run({"parameters": {"step1_parameter": "one", **lists}})
    assert execution.status == "SUCCEEDED"
    assert (machine.clock.now().minute, machine.clock.now().second) == (1, 0)
