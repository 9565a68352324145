"""Executions on the local Step Functions, as a console reads them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from stepline.aws.execution_details import ExecutionDetails, ExecutionDetailsReader
from stepline.aws.state_visits import IterationCounts
from stepline.aws.statuses import VisitStatus
from stepline.core.errors import UsageError
from stepline.core.executions.describe import Status
from stepline.core.executions.failure import Failure
from tests.aws.executions import catch, denied, fail_until, run, start, task, visits_of, world_with_handlers
from tests.localaws.stepfunctions.world import World

States = dict[str, dict[str, Any]]
LOOK = {"GetExecutionHistory": 1}
WAIT = {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}


@pytest.fixture
def world() -> Iterator[World]:
    with world_with_handlers() as world:
        yield world


def statuses(details: ExecutionDetails) -> dict[str, str]:
    return {node_id: summary.status.value for node_id, summary in details.states.items()}


def test_execution_has_its_facts_without_secrets(world: World) -> None:
    details = run(world, {"Echo": task("echo")}, {"rows": 2, "password": "p"}).reader.read()
    assert (details.name, details.machine, details.status) == ("e", "machine", Status.SUCCEEDED)
    assert details.machine_arn.endswith(":stateMachine:machine")
    assert details.input == details.output == '{"rows": 2, "password": "(hidden)"}'
    assert details.ended is not None
    assert details.ended >= details.started
    assert (details.error, details.cause, details.failure, details.redrive_count) == (None, None, None, 0)
    assert details.graph is not None
    assert details.graph.start == "Echo"


def test_failed_execution_has_the_state_that_failed(world: World) -> None:
    details = run(world, {"Before": {"Type": "Pass", "Next": "Do"}, "Do": task("boom")}).reader.read()
    assert (details.status, details.error) == (Status.FAILED, "BoomError")
    assert details.failure == Failure(state="Do", error="BoomError", cause="attempt 1")
    assert statuses(details) == {"Before": "Succeeded", "Do": "Failed"}
    assert details.taken == {("Before", "Do")}


def test_only_the_chosen_way_is_taken(world: World) -> None:
    choices = [{"Variable": "$.n", "NumericEquals": 1, "Next": "One"}]
    states: States = {
        "Which": {"Type": "Choice", "Choices": choices, "Default": "Other"},
        "One": {"Type": "Pass", "Next": "End"},
        "Other": {"Type": "Pass", "Next": "End"},
        "End": {"Type": "Succeed"},
    }
    details = run(world, states, {"n": 1}).reader.read()
    assert details.taken == {("Which", "One"), ("One", "End")}
    assert set(details.states) == {"Which", "One", "End"}
    assert details.graph is not None
    assert details.taken < {(edge.source, edge.target) for edge in details.graph.edges}


def test_retry_that_succeeds_at_the_third_attempt_counts_two_retries(world: World) -> None:
    world.handlers["flaky"] = fail_until(3)
    retry = [{"ErrorEquals": ["BoomError"], "IntervalSeconds": 10, "BackoffRate": 1}]
    details = run(world, {"Try": task("flaky", Retry=retry)}).reader.read()
    (visit,) = details.visits
    assert (visit.type, visit.attempts, visit.retries) == ("Task", 3, 2)
    assert visit.resource == "arn:aws:lambda:us-east-1:000000000000:function:flaky"
    summary = details.states["Try"]
    assert (summary.status, summary.visits, summary.retries) == (VisitStatus.SUCCEEDED, 1, 2)
    assert summary.duration(details.started) == timedelta(seconds=20)
    assert (summary.first_entered, summary.last_exited) == (visit.entered, visit.exited)


def test_caught_error_in_a_parallel_takes_the_catch(world: World) -> None:
    good = {"StartAt": "Slow", "States": {"Slow": WAIT["Wait"]}}
    bad = {
        "StartAt": "First",
        "States": {"First": {"Type": "Pass", "Next": "Bad"}, "Bad": task("boom")},
    }
    parallel = {"Type": "Parallel", "Branches": [good, bad], "Catch": catch("Clean up"), "Next": "After"}
    states: States = {
        "Both": parallel,
        "After": {"Type": "Pass", "End": True},
        "Clean up": {"Type": "Pass", "End": True},
    }
    details = run(world, states).reader.read()
    assert details.status is Status.SUCCEEDED
    assert details.taken == {("Both", "Clean up"), ("First", "Bad")}
    shown = statuses(details)
    assert (shown["Both"], shown["Bad"], shown["Clean up"]) == ("Caught", "Failed", "Succeeded")
    assert shown["Slow"] == "Aborted"
    (both,) = visits_of(details.visits, "Both")
    assert {visit.container for visit in details.visits if visit.depth == 1} == {both.id}


def test_map_counts_its_iterations(world: World) -> None:
    choices = [{"Variable": "$", "NumericLessThan": 0, "Next": "Bad"}]
    inner = {
        "StartAt": "Check",
        "States": {
            "Check": {"Type": "Choice", "Choices": choices, "Default": "Good"},
            "Bad": {"Type": "Fail", "Error": "NegativeError"},
            "Good": {"Type": "Pass", "End": True},
        },
    }
    each = {"Type": "Map", "ItemProcessor": inner, "MaxConcurrency": 1, "Catch": catch("End"), "End": True}
    states: States = {"Each": each, "End": {"Type": "Succeed"}}
    details = run(world, states, [1, 2, -3, 4]).reader.read()
    counts = details.states["Each"].iterations
    assert counts is not None
    assert (counts.total, counts.succeeded, counts.failed) == (4, 2, 1)
    assert [visit.iteration for visit in visits_of(details.visits, "Good")] == [0, 1]
    assert [visit.iteration for visit in visits_of(details.visits, "Bad")] == [2]
    assert statuses(details)["Bad"] == "Failed"
    assert details.states["Check"].visits == 3
    assert details.taken == {("Check", "Good"), ("Check", "Bad"), ("Each", "End")}


def test_retried_map_counts_its_last_attempt(world: World) -> None:
    world.handlers["flaky"] = fail_until(2)
    inner = {"StartAt": "Try", "States": {"Try": task("flaky")}}
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 10}]
    each = {"Type": "Map", "ItemProcessor": inner, "MaxConcurrency": 1, "Retry": retry, "End": True}
    details = run(world, {"Each": each}, [1, 2]).reader.read()
    assert [visit.status.value for visit in visits_of(details.visits, "Try")] == [
        "Failed",
        "Succeeded",
        "Succeeded",
    ]
    summary = details.states["Each"]
    assert (summary.status, summary.retries) == (VisitStatus.SUCCEEDED, 1)
    assert summary.iterations == IterationCounts(2, succeeded=2)
    assert details.states["Try"].status is VisitStatus.SUCCEEDED


def test_running_map_counts_what_runs(world: World) -> None:
    inner = {"StartAt": "Wait", "States": WAIT}
    each = {"Type": "Map", "ItemProcessor": inner, "MaxConcurrency": 2, "End": True}
    execution = start(world, {"Each": each}, [1, 2, 3])
    world.virtual_clock.advance(30)
    details = execution.reader.read()
    assert details.status is Status.RUNNING
    assert details.states["Each"].iterations == IterationCounts(3, running=2)
    assert details.states["Wait"].duration(details.started + timedelta(seconds=30)) == timedelta(seconds=60)
    world.virtual_clock.run()
    assert execution.reader.read().states["Each"].iterations == IterationCounts(3, succeeded=3)


def test_nested_map_knows_its_iteration(world: World) -> None:
    inner = {"StartAt": "Leaf", "States": {"Leaf": {"Type": "Pass", "End": True}}}
    middle = {
        "StartAt": "Inner",
        "States": {"Inner": {"Type": "Map", "ItemProcessor": inner, "Next": "Last"}, "Last": WAIT["Wait"]},
    }
    details = run(world, {"Outer": {"Type": "Map", "ItemProcessor": middle, "End": True}}, [[1, 2], [3]])
    visits = details.reader.read().visits
    containers = {visit.id: visit for visit in visits}
    leaves = [(containers[leaf.container].iteration, leaf.iteration) for leaf in visits_of(visits, "Leaf")]
    assert sorted((outer or 0, leaf or 0) for outer, leaf in leaves) == [(0, 0), (0, 1), (1, 0)]
    assert details.reader.read().states["Inner"].iterations == IterationCounts(3, succeeded=3)
    assert sorted(visit.iteration or 0 for visit in visits_of(visits, "Last")) == [0, 1]


@pytest.mark.parametrize("pattern", ["", ".sync", ".sync:2"])
def test_task_has_the_execution_that_it_started(world: World, pattern: str) -> None:
    inner = world.create({"Pass": {"Type": "Pass", "End": True}}, name="inner")
    resource = f"arn:aws:states:::states:startExecution{pattern}"
    parameters = {"StateMachineArn": inner, "Name": "started"}
    states = {"Run": {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True}}
    execution = run(world, states)
    (visit,) = execution.reader.read().visits
    assert visit.child == "arn:aws:states:us-east-1:000000000000:execution:inner:started"
    assert ExecutionDetailsReader(world.client, visit.child).read().status is Status.SUCCEEDED
    assert execution.reader.read_state_data(visit.id).child == visit.child


def test_failed_task_has_the_execution_that_it_started(world: World) -> None:
    inner = world.create({"Bad": {"Type": "Fail", "Error": "InnerError"}}, name="inner")
    resource = "arn:aws:states:::states:startExecution.sync"
    parameters = {"StateMachineArn": inner, "Name": "started"}
    details = run(
        world, {"Run": {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True}}
    ).reader.read()
    (visit,) = details.visits
    assert visit.child == "arn:aws:states:us-east-1:000000000000:execution:inner:started"
    assert details.failure is not None
    assert details.failure.state == "Run"


def _distributed(world: World, data: Any) -> Any:
    inner = {"ProcessorConfig": {"Mode": "DISTRIBUTED"}, "StartAt": "Echo", "States": {"Echo": task("echo")}}
    return start(world, {"Each": {"Type": "Map", "ItemProcessor": inner, "End": True}}, data)


def test_distributed_map_has_the_counts_of_its_map_run(world: World) -> None:
    execution = _distributed(world, [1, 2, 3])
    world.virtual_clock.run()
    details = execution.reader.read()
    (visit,) = details.visits
    assert visit.map_run is not None
    assert ":mapRun:" in visit.map_run
    assert visit.iterations == IterationCounts(3, succeeded=3)
    assert details.states["Each"].iterations == visit.iterations
    assert execution.calls_of(execution.reader.read) == {}


def test_map_run_that_may_not_be_described_has_no_counts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_params: Any) -> Any:
        raise denied("DescribeMapRun")

    execution = _distributed(world, [1])
    world.virtual_clock.run()
    monkeypatch.setattr(world.client, "describe_map_run", refuse)
    (visit,) = execution.reader.read().visits
    assert visit.map_run is not None
    assert visit.iterations in {None, IterationCounts(1)}


def test_definition_that_may_not_be_read_leaves_no_graph(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_params: Any) -> Any:
        raise denied("DescribeStateMachineForExecution")

    execution = run(world, {"Echo": task("echo")})
    monkeypatch.setattr(world.client, "describe_state_machine_for_execution", refuse)
    details = execution.reader.read()
    assert details.graph is None
    assert statuses(details) == {"Echo": "Succeeded"}


def test_running_execution_takes_one_call_and_an_ended_one_none(world: World) -> None:
    execution = start(world, WAIT)
    world.virtual_clock.advance(10)
    read = execution.reader.read
    first = {"GetExecutionHistory": 1, "DescribeExecution": 1, "DescribeStateMachineForExecution": 1}
    assert execution.calls_of(read) == first
    assert execution.calls_of(read) == LOOK
    same = read()
    assert read() is same
    world.virtual_clock.run()
    assert execution.calls_of(read) == {**LOOK, "DescribeExecution": 1}
    assert read().status is Status.SUCCEEDED
    assert execution.calls_of(read) == {}
    assert execution.calls_of(execution.reader.read_events) == {}


def test_redrive_goes_on_with_the_state_that_failed(world: World) -> None:
    world.handlers["flaky"] = fail_until(2)
    execution = run(
        world,
        {
            "Before": {"Type": "Pass", "Next": "Try"},
            "Try": task("flaky", Next="After"),
            "After": {"Type": "Pass", "End": True},
        },
    )
    read = execution.reader.read
    assert statuses(read()) == {"Before": "Succeeded", "Try": "Failed"}
    world.client.redrive_execution(executionArn=execution.arn)
    world.virtual_clock.run()
    assert execution.calls_of(read) == {}
    assert read().status is Status.FAILED
    details = read(look_for_redrive=True)
    assert (details.status, details.redrive_count, details.failure) == (Status.SUCCEEDED, 1, None)
    assert (details.error, details.cause) == (None, None)
    assert statuses(details) == {"Before": "Succeeded", "Try": "Succeeded", "After": "Succeeded"}
    assert details.states["Try"].visits == 2
    assert details.taken == {("Before", "Try"), ("Try", "After")}
    assert execution.calls_of(read) == {}
    assert execution.calls_of(lambda: read(look_for_redrive=True)) == {"DescribeExecution": 1}


def test_stopped_execution_has_error_and_cause_without_secrets(world: World) -> None:
    execution = start(world, WAIT)
    world.virtual_clock.advance(1)
    world.client.stop_execution(executionArn=execution.arn, error="Stopped", cause="password=hunter2")
    details = execution.reader.read()
    assert (details.status, details.error, details.cause) == (Status.ABORTED, "Stopped", "password=(hidden)")
    assert details.failure is not None
    assert "hunter2" not in repr(details)
    assert statuses(details) == {"Wait": "Aborted"}


def test_loop_has_the_status_of_its_last_round(world: World) -> None:
    world.handlers["flaky"] = fail_until(2)
    states = {
        "Try": task("flaky", Catch=catch("Pause"), Next="Done"),
        "Pause": {"Type": "Wait", "Seconds": 5, "Next": "Try"},
        "Done": {"Type": "Succeed"},
    }
    details = run(world, states).reader.read()
    assert [visit.status.value for visit in visits_of(details.visits, "Try")] == ["Caught", "Succeeded"]
    assert (statuses(details)["Try"], details.states["Try"].visits) == ("Succeeded", 2)
    assert details.taken == {("Try", "Pause"), ("Pause", "Try"), ("Try", "Done")}


def test_unknown_execution_is_refused(world: World) -> None:
    world.create(WAIT)
    reader = ExecutionDetailsReader(
        world.client, "arn:aws:states:us-east-1:000000000000:execution:machine:none"
    )
    with pytest.raises(UsageError, match="does not exist"):
        reader.read()


@pytest.mark.parametrize(
    ("arn", "message"),
    [
        ("arn:aws:states:us-east-1:000000000000:express:machine:e:run", "Express.*no history"),
        ("arn:aws:states:us-east-1:000000000000:stateMachine:machine", "is not the ARN of an execution"),
    ],
)
def test_only_standard_executions_are_read(world: World, arn: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ExecutionDetailsReader(world.client, arn)
