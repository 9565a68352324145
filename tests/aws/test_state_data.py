"""The data of the states of executions on the local Step Functions, and how many pages they take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from stepline.aws.event_data import plan, read_event_data
from stepline.aws.state_data import StateData, function_name
from stepline.core.errors import UsageError
from stepline.core.executions.arns import ExecutionArn
from tests.aws.executions import Execution, as_json, catch, fail_until, run, start, task, visits_of
from tests.aws.histories import History, HistoryClient
from tests.localaws.stepfunctions.world import World

EXECUTION = ExecutionArn.parse("arn:aws:states:us-east-1:000000000000:execution:machine:e")


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def data_of(execution: Execution, name: str) -> StateData:
    (visit,) = visits_of(execution.reader.read().visits, name)
    return execution.reader.read_state_data(visit.id)


def test_state_has_its_input_output_and_parameters_without_secrets(world: World) -> None:
    world.handlers["echo"] = lambda event, _context: {**event, "apiKey": "a"}
    states = {"Echo": task("echo", Parameters={"rows.$": "$.rows", "password.$": "$.password"})}
    data = data_of(run(world, states, {"rows": 2, "password": "p"}), "Echo")
    assert as_json(data.input) == {"rows": 2, "password": "(hidden)"}
    assert as_json(data.parameters) == {"rows": 2, "password": "(hidden)"}
    assert as_json(data.output) == {"rows": 2, "password": "(hidden)", "apiKey": "(hidden)"}
    assert (data.function, data.child) == ("echo", None)


def test_attempts_have_their_errors_and_requests(world: World) -> None:
    world.handlers["flaky"] = fail_until(3)
    retry = [{"ErrorEquals": ["BoomError"], "IntervalSeconds": 10, "BackoffRate": 1}]
    execution = run(world, {"Try": task("flaky", Retry=retry)})
    first, second, third = data_of(execution, "Try").attempts
    assert [each.error for each in (first, second, third)] == ["BoomError", "BoomError", None]
    assert as_json(first.cause)["errorMessage"] == "attempt 1"
    assert first.request_id == as_json(first.cause)["requestId"]
    assert (second.started - first.started).total_seconds() == 10
    assert third.ended is not None
    assert data_of(execution, "Try").request_ids == ()  # a function's own result does not tell


def test_all_requests_are_known_if_each_attempt_failed(world: World) -> None:
    world.handlers["boom"] = fail_until(1_000)
    execution = run(world, {"Try": task("boom", Catch=catch("End"), Next="End"), "End": {"Type": "Succeed"}})
    data = data_of(execution, "Try")
    (attempt,) = data.attempts
    assert data.request_ids == (attempt.request_id,)
    assert as_json(data.output)["Error"] == "BoomError"


def test_action_of_a_service_has_its_function(world: World) -> None:
    world.handlers["echo"] = lambda event, _context: event
    parameters = {"FunctionName": "arn:aws:lambda:us-east-1:000000000000:function:echo:live", "Payload": {}}
    resource = "arn:aws:states:::lambda:invoke"
    states = {"Echo": {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True}}
    data = data_of(run(world, states), "Echo")
    assert (data.function, data.visit.resource) == ("echo", "lambda:invoke")


def test_running_state_has_no_output(world: World) -> None:
    execution = start(world, {"Wait": {"Type": "Wait", "Seconds": 9, "End": True}}, {"rows": 1})
    world.virtual_clock.advance(1)
    data = data_of(execution, "Wait")
    assert (data.input, data.output, data.attempts) == ('{"rows":1}', None, ())


def test_failed_map_has_the_error_of_its_iteration(world: World) -> None:
    world.handlers["boom"] = fail_until(1_000)
    inner = {"StartAt": "Try", "States": {"Try": task("boom")}}
    each = {"Type": "Map", "ItemProcessor": inner, "MaxConcurrency": 1, "Catch": catch("End"), "Next": "End"}
    data = data_of(run(world, {"Each": each, "End": {"Type": "Succeed"}}, [1, 2]), "Each")
    assert as_json(data.input) == [1, 2]
    (attempt,) = data.attempts
    assert attempt.ended is not None
    assert (attempt.error, as_json(attempt.cause)["errorMessage"]) == ("BoomError", "attempt 1")


def test_unknown_visit_is_refused(world: World) -> None:
    execution = run(world, {"Pass": {"Type": "Pass", "End": True}})
    execution.reader.read()
    for event in (0, 1, 3, 99):
        with pytest.raises(UsageError, match=f"no state with the event {event}"):
            execution.reader.read_state_data(event)


@pytest.mark.parametrize(
    ("resource", "parameters", "name"),
    [
        ("arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST", None, "f"),
        ("lambda:invoke.waitForTaskToken", '{"FunctionName": "f:live"}', "f"),
        ("aws-sdk:lambda:invoke", '{"FunctionName": "000000000000:function:f"}', "f"),
        ("lambda:invoke", '{"FunctionName": 3}', None),
        ("lambda:invoke", "cut {", None),
        ("states:startExecution", '{"FunctionName": "f"}', None),
        ("arn:aws:states:us-east-1:000000000000:activity:a", None, None),
        (None, None, None),
    ],
)
def test_function_of_a_task_is_found(resource: str | None, parameters: str | None, name: str | None) -> None:
    assert function_name(resource, parameters) == name


@pytest.mark.parametrize(
    ("ids", "newest", "first"),
    [
        ([5, 900], 25_000, 2),
        ([24_500, 24_990], 25_000, 0),
        ([5, 24_990], 25_000, 1),
        ([5], 10, 1),
        ([], 10, 0),
        ([1_500, 1_501], 2_600, 0),
    ],
)
def test_events_are_read_from_the_near_end(ids: list[int], newest: int, first: int) -> None:
    begin, end = plan(ids, newest)
    assert (list(begin), list(end)) == (ids[:first], ids[first:])


@pytest.mark.parametrize(
    ("ids", "pages"), [([2, 4_999], 2), ([2, 3, 6], 1), ([2_500], 3), ([4_001, 5_000], 1)]
)
def test_no_more_pages_than_needed_are_read(ids: list[int], pages: int) -> None:
    history = History()
    while len(history.items) < 5_000:
        history.task("T")
    client: Any = HistoryClient(history.items)
    assert EXECUTION is not None
    found = read_event_data(client, EXECUTION, ids, 5_000)
    assert (sorted(found), client.pages) == (ids, pages)


def test_events_that_are_not_listed_yet_are_missing() -> None:
    history = History()
    history.task("T")
    client: Any = HistoryClient(history.items)
    assert EXECUTION is not None
    assert sorted(read_event_data(client, EXECUTION, [1, 9], 9)) == [1]


def test_events_are_shown_page_by_page(world: World) -> None:
    world.handlers["boom"] = fail_until(1_000)
    execution = run(world, {"Before": {"Type": "Pass", "Next": "Try"}, "Try": task("boom")})
    details = execution.reader.read()
    page = execution.reader.read_events(offset=2, limit=3)
    assert (page.offset, page.total, [event.id for event in page.events]) == (2, details.events, [3, 4, 5])
    shown = [(event.type, event.state) for event in page.events]
    assert shown == [
        ("PassStateExited", "Before"),
        ("TaskStateEntered", "Try"),
        ("LambdaFunctionScheduled", "Try"),
    ]
    assert page.events[1].visit == page.events[2].visit == 4
    assert page.events[2].detail == "arn:aws:lambda:us-east-1:000000000000:function:boom"
    newest = execution.reader.read_events(limit=2, newest_first=True)
    assert [(event.type, event.state, event.detail) for event in newest.events] == [
        ("ExecutionFailed", None, "BoomError: attempt 1"),
        ("LambdaFunctionFailed", "Try", "BoomError: attempt 1"),
    ]
    assert execution.reader.read_events(offset=10_000).events == ()
    assert execution.reader.read_events(offset=-5, limit=1).events[0].id == 1
    newest_rest = execution.reader.read_events(offset=2, newest_first=True)
    assert [event.id for event in newest_rest.events] == list(range(details.events - 2, 0, -1))
