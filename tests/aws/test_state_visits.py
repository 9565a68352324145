"""The visits in histories that the local Step Functions does not write, and in long ones."""

from __future__ import annotations

import json
import time
from datetime import datetime
from pathlib import Path

import pytest

from stepline.aws.state_summaries import NodeIds, summarize, taken_edges
from stepline.aws.state_visits import IterationCounts, VisitCollector, child_arn, list_visits
from stepline.aws.statuses import VisitStatus
from stepline.aws.workflow_graph import parse_workflow
from stepline.core.executions.history import parse_event
from tests.aws.histories import History

MAX_EVENTS = 25_000
"""[Step Functions quotas: maximum execution history size]"""


def test_redrive_without_another_entered_event_continues_the_visit() -> None:
    history = History()
    history.add("ExecutionStarted")
    entered = history.add("TaskStateEntered", 0, name="Try")
    history.add("TaskScheduled", resourceType="lambda", resource="invoke")
    failed = history.add("TaskFailed", error="BoomError")
    history.add("ExecutionFailed", error="BoomError")
    history.add("ExecutionRedriven", redriveCount=1)
    history.add("TaskScheduled", resourceType="lambda", resource="invoke")
    (running,) = list_visits(history.events)
    assert (running.id, running.status, running.attempts) == (entered, VisitStatus.RUNNING, 2)
    assert (running.error, running.exited) == (None, None)
    history.add("TaskSucceeded")
    history.add("TaskStateExited", name="Try")
    (visit,) = list_visits(history.events)
    assert (visit.status, visit.resource) == (VisitStatus.SUCCEEDED, "lambda:invoke")
    assert list_visits(history.events[: failed + 1])[0].status is VisitStatus.FAILED


def test_redrive_in_a_map_opens_the_map_again() -> None:
    history = History()
    history.add("MapStateEntered", 0, name="Each")
    history.add("MapStateStarted", length=1)
    history.add("MapIterationStarted", name="Each", index=0)
    history.add("TaskStateEntered", name="Try")
    scheduled = history.add("TaskScheduled")
    history.add("TaskFailed", error="BoomError")
    history.add("MapIterationFailed", name="Each", index=0)
    history.add("MapStateFailed", scheduled + 1)
    history.add("ExecutionFailed", error="BoomError")
    history.add("ExecutionRedriven", redriveCount=1)
    history.add("TaskScheduled", scheduled + 1)
    each, task = list_visits(history.events)
    assert (each.status, task.status) == (VisitStatus.RUNNING, VisitStatus.RUNNING)
    history.add("TaskSucceeded")
    history.add("TaskStateExited", name="Try")
    history.add("MapIterationSucceeded", name="Each", index=0)
    history.add("MapStateSucceeded")
    history.add("MapStateExited", name="Each")
    each, task = list_visits(history.events)
    assert (each.status, task.status) == (VisitStatus.SUCCEEDED, VisitStatus.SUCCEEDED)
    assert task.container == each.id


def test_state_that_a_parallel_aborts_is_aborted() -> None:
    history = History()
    history.add("ParallelStateEntered", 0, name="Both")
    started = history.add("ParallelStateStarted")
    waiting = history.add("WaitStateEntered", started, name="Wait")
    history.add("TaskStateEntered", started, name="Bad")
    failed = history.add("TaskFailed", error="BoomError")
    history.add("WaitStateAborted", waiting)
    history.add("ParallelStateFailed", failed)
    history.add("ExecutionFailed", error="BoomError")
    both, wait, bad = list_visits(history.events)
    assert [visit.status.value for visit in (both, wait, bad)] == ["Failed", "Aborted", "Failed"]
    assert {wait.container, bad.container} == {both.id}


def test_failed_map_has_the_error_of_its_iteration_and_runs_none() -> None:
    history = History()
    history.add("MapStateEntered", 0, name="Each")
    started = history.add("MapStateStarted", length=3)
    history.add("MapIterationStarted", started, name="Each", index=0)
    history.add("TaskStateEntered", name="Slow")
    history.add("MapIterationStarted", started, name="Each", index=1)
    history.add("TaskStateEntered", name="Bad")
    history.add("TaskFailed", error="BoomError", cause="no room")
    history.add("MapIterationFailed", name="Each", index=1)
    history.add("MapStateFailed")
    history.add("ExecutionFailed", error="BoomError", cause="no room")
    each, slow, bad = list_visits(history.events)
    assert [(visit.status.value, visit.error, visit.cause) for visit in (each, slow, bad)] == [
        ("Failed", "BoomError", "no room"),
        ("Aborted", None, None),
        ("Failed", "BoomError", "no room"),
    ]
    assert each.iterations == IterationCounts(3, running=0, failed=1, aborted=1)


def test_map_that_a_fail_state_ends_has_the_error_of_the_execution() -> None:
    history = History()
    history.add("MapStateEntered", 0, name="Each")
    history.add("MapStateStarted", length=1)
    history.add("MapIterationStarted", name="Each", index=0)
    history.add("FailStateEntered", name="Bad")
    history.add("MapIterationFailed", name="Each", index=0)
    history.add("MapStateFailed")
    history.add("ExecutionFailed", error="NegativeError", cause="below zero")
    each, bad = list_visits(history.events)
    assert (each.error, each.cause, bad.status) == ("NegativeError", "below zero", VisitStatus.FAILED)


RECORDED = sorted((Path(__file__).parents[1] / "pipeline" / "histories").glob("*.json"))


@pytest.mark.parametrize("path", RECORDED, ids=[path.stem for path in RECORDED])
def test_no_state_runs_after_the_end_of_a_recorded_execution(path: Path) -> None:
    case = json.loads(path.read_text())
    items = [{**item, "timestamp": datetime.fromisoformat(item["timestamp"])} for item in case["events"]]
    visits = list_visits([parse_event(item) for item in items])
    assert VisitStatus.RUNNING not in {visit.status for visit in visits}
    ended_badly = {visit.name for visit in visits if visit.status is not VisitStatus.SUCCEEDED}
    assert case["failure"]["state"] in ended_badly
    assert not any(visit.iterations.running for visit in visits if visit.iterations)


def test_retried_map_counts_its_iterations_anew() -> None:
    history = History()
    history.add("MapStateEntered", 0, name="Each")
    history.add("MapStateStarted", length=2)
    history.add("MapIterationStarted", name="Each", index=0)
    history.add("FailStateEntered", name="Bad")
    history.add("MapIterationFailed", name="Each", index=0)
    history.add("MapStateFailed")
    history.add("MapStateStarted", length=2)
    each, bad = list_visits(history.events)
    assert each.iterations is not None
    assert (each.attempts, each.status) == (2, VisitStatus.RUNNING)
    assert (each.iterations.pending, each.iterations.failed) == (2, 0)
    assert bad.status is VisitStatus.FAILED


def test_state_with_a_repeated_name_is_found_by_its_container() -> None:
    inner = {"StartAt": "A", "States": {"A": {"Type": "Task", "End": True}}}
    branches = {"Type": "Parallel", "Branches": [inner], "End": True}
    graph = parse_workflow({"StartAt": "A", "States": {"A": {"Type": "Task", "Next": "P"}, "P": branches}})
    history = History()
    exited = history.task("A", 0)
    history.add("ParallelStateEntered", exited, name="P")
    history.task("A", history.add("ParallelStateStarted"))
    visits = list_visits(history.events)
    assert list(NodeIds(graph).of(visits).values()) == ["A", "P", "P/0/A"]


def test_iterations_of_an_earlier_round_do_not_count() -> None:
    history = History()
    previous = 0
    for kind in ("Fail", "Pass"):
        history.add("MapStateEntered", previous, name="Each")
        started = history.add("MapStateStarted", length=1)
        history.add("MapIterationStarted", started, name="Each", index=0)
        history.add(f"{kind}StateEntered", name="Inner")
        history.add("MapStateFailed" if kind == "Fail" else "MapStateSucceeded")
        previous = history.add("MapStateExited", name="Each")
    visits = list_visits(history.events)
    states = summarize(visits, NodeIds(None).of(visits))
    assert [visit.status.value for visit in visits] == ["Caught", "Failed", "Succeeded", "Aborted"]
    assert (states["Inner"].status, states["Inner"].visits) == (VisitStatus.ABORTED, 2)


def test_only_json_with_an_arn_names_a_child() -> None:
    assert child_arn('{"ExecutionArn": "arn:x"}') == "arn:x"
    for text in (None, "", "no", "{", "[]", '{"ExecutionArn": 3}', "{" * 10_000):
        assert child_arn(text) is None


def _long_history() -> History:
    """A Map of tasks, then a loop: about half of the events each."""
    history = History()
    history.add("MapStateEntered", 0, name="Each")
    started = history.add("MapStateStarted", length=1_700)
    for index in range(1_700):
        first = history.add("MapIterationStarted", started, name="Each", index=index)
        history.task("Do", first)
        history.add("MapIterationSucceeded", name="Each", index=index)
    history.add("MapStateSucceeded")
    previous = history.add("MapStateExited", name="Each")
    while len(history.items) < MAX_EVENTS - 5:
        previous = history.task("Again", previous)
    return history


def test_longest_history_takes_less_than_two_seconds() -> None:
    events = _long_history().events
    begin = time.process_time()
    collector = VisitCollector()
    collector.add(events)
    visits = collector.visits()
    node_ids = NodeIds(None).of(visits)
    states = summarize(visits, node_ids)
    edges = taken_edges(visits, node_ids)
    seconds = time.process_time() - begin
    assert (states["Do"].visits, states["Each"].visits) == (1_700, 1)
    assert edges == {("Each", "Again"), ("Again", "Again")}
    assert seconds < 2, f"{len(events)} events took {seconds:.2f} s of the processor"
