"""The states in the histories of executions on the local Step Functions."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest

from stepline.aws.execution_history import ExecutionHistory, parse_standard_execution
from stepline.aws.state_visits import StateVisit, list_visits
from stepline.aws.statuses import VisitStatus
from stepline.core.executions.arns import ExecutionArn
from stepline.core.executions.failure import Failure
from stepline.core.executions.history import parse_event
from stepline.localaws.clock import VirtualClock
from stepline.localaws.protocol import in_process_client
from tests.cli.local_pipeline import task
from tests.in_process_functions import InProcessFunctions
from tests.localaws.stepfunctions.service import build_stepfunctions

NOW = datetime(2026, 1, 1, tzinfo=UTC)
Read = Callable[..., ExecutionHistory]


class BoomError(Exception):
    pass


def explode(_event: Any, _context: Any) -> None:
    raise BoomError("no room left")


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


def started(
    clock: VirtualClock, machine: Mapping[str, Any], functions: Mapping[str, Any] | None = None
) -> tuple[Any, ExecutionArn]:
    """Start an execution of the machine; returns the client and the execution."""
    known = InProcessFunctions(functions or {})
    service = build_stepfunctions(clock, lambda _name: known)
    client = in_process_client(service)
    role = "arn:aws:iam::000000000000:role/machine"
    arn = client.create_state_machine(name="m", definition=json.dumps(machine), roleArn=role)
    response = client.start_execution(stateMachineArn=arn["stateMachineArn"], name="e", input="{}")
    execution = ExecutionArn.parse(response["executionArn"])
    assert execution is not None
    return client, execution


@pytest.fixture
def run(clock: VirtualClock) -> Read:
    """Runs a machine until it ends, and reads its history."""

    def execute(machine: Mapping[str, Any], functions: Mapping[str, Any] | None = None) -> ExecutionHistory:
        client, execution = started(clock, machine, functions)
        clock.run()
        history = ExecutionHistory(client, execution)
        history.update()
        return history

    return execute


def short(seen: tuple[StateVisit, ...]) -> list[tuple[str, int, str]]:
    return [(visit.name, visit.depth, visit.status.value) for visit in seen]


def test_states_are_in_order_with_their_times(run: Read) -> None:
    machine = {
        "StartAt": "First",
        "States": {
            "First": {"Type": "Pass", "Next": "Pause"},
            "Pause": {"Type": "Wait", "Seconds": 90, "Next": "Done"},
            "Done": {"Type": "Succeed"},
        },
    }
    seen = run(machine).update()
    assert short(seen) == [("First", 0, "Succeeded"), ("Pause", 0, "Succeeded"), ("Done", 0, "Succeeded")]
    assert seen[1].duration(NOW).total_seconds() == 90


def test_failure_of_a_task_has_state_error_and_cause(run: Read) -> None:
    history = run({"StartAt": "Create", "States": {"Create": task("f", End=True)}}, {"f": explode})
    assert history.failure == Failure(state="Create", error="BoomError", cause="no room left")
    (visit,) = history.update()
    assert (visit.status, visit.error) == (VisitStatus.FAILED, "BoomError")


def test_caught_failure_is_not_the_failure(run: Read) -> None:
    machine = {
        "StartAt": "Create",
        "States": {
            "Create": task("f", Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Clean up"}], End=True),
            "Clean up": {"Type": "Pass", "Next": "Give up"},
            "Give up": {"Type": "Fail", "Error": "NotCreatedError", "Cause": "see above"},
        },
    }
    history = run(machine, {"f": explode})
    assert short(history.update()) == [
        ("Create", 0, "Caught"),
        ("Clean up", 0, "Succeeded"),
        ("Give up", 0, "Failed"),
    ]
    assert history.failure == Failure(state="Give up", error="NotCreatedError", cause="see above")


def test_fail_state_that_passes_an_error_on_is_not_the_failed_state(run: Read) -> None:
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Failure Clean"}]
    machine = {
        "StartAt": "Create",
        "States": {
            "Create": task("f", Catch=catch, End=True),
            "Failure Clean": {"Type": "Fail", "ErrorPath": "$.Error", "CausePath": "$.Cause"},
        },
    }
    failure = run(machine, {"f": explode}).failure
    assert failure is not None
    assert (failure.state, failure.error, failure.cause) == ("Create", "BoomError", "no room left")


def test_failure_before_a_successful_retry_is_dropped(run: Read) -> None:
    attempts: list[None] = []

    def second_time_lucky(_event: Any, _context: Any) -> str:
        attempts.append(None)
        if len(attempts) == 1:
            raise BoomError
        return "fine"

    retry = [{"ErrorEquals": ["BoomError"], "IntervalSeconds": 60}]
    history = run(
        {"StartAt": "Try", "States": {"Try": task("f", Retry=retry, End=True)}}, {"f": second_time_lucky}
    )
    (visit,) = history.update()
    assert (visit.status, visit.error, visit.duration(NOW).total_seconds()) == (
        VisitStatus.SUCCEEDED,
        None,
        60,
    )
    assert history.failure is None


INNER = {
    "StartAt": "Inner",
    "States": {"Inner": {"Type": "Pass", "Next": "Last"}, "Last": {"Type": "Pass", "End": True}},
}


def test_states_within_a_map_have_a_greater_depth(run: Read) -> None:
    machine = {
        "StartAt": "Each",
        "States": {
            "Each": {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": INNER, "Next": "After"},
            "After": {"Type": "Pass", "End": True},
        },
    }
    with_items = {
        "StartAt": "Items",
        "States": {"Items": {"Type": "Pass", "Result": {"items": [1, 2]}, "Next": "Each"}},
    }
    with_items["States"].update(machine["States"])  # type: ignore[attr-defined]
    seen = short(run(with_items).update())
    assert seen[:2] == [("Items", 0, "Succeeded"), ("Each", 0, "Succeeded")]
    assert sorted(seen[2:-1]) == [("Inner", 1, "Succeeded")] * 2 + [("Last", 1, "Succeeded")] * 2
    assert seen[-1] == ("After", 0, "Succeeded")


def test_states_within_nested_maps_have_their_depths(run: Read) -> None:
    inner = {
        "StartAt": "Branches",
        "States": {"Branches": {"Type": "Parallel", "Branches": [INNER], "End": True}},
    }
    machine = {
        "StartAt": "Items",
        "States": {
            "Items": {"Type": "Pass", "Result": [1], "Next": "Each"},
            "Each": {"Type": "Map", "ItemProcessor": inner, "Next": "After"},
            "After": {"Type": "Pass", "End": True},
        },
    }
    assert short(run(machine).update()) == [
        ("Items", 0, "Succeeded"),
        ("Each", 0, "Succeeded"),
        ("Branches", 1, "Succeeded"),
        ("Inner", 2, "Succeeded"),
        ("Last", 2, "Succeeded"),
        ("After", 0, "Succeeded"),
    ]


def test_failure_within_a_map_can_be_caught_outside(run: Read) -> None:
    inner = {"StartAt": "Create", "States": {"Create": task("f", End=True)}}
    machine = {
        "StartAt": "Items",
        "States": {
            "Items": {"Type": "Pass", "Result": [1], "Next": "Each"},
            "Each": {
                "Type": "Map",
                "ItemProcessor": inner,
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "After"}],
                "End": True,
            },
            "After": {"Type": "Pass", "End": True},
        },
    }
    seen = {visit.name: visit for visit in run(machine, {"f": explode}).update()}
    assert (seen["After"].depth, seen["After"].status) == (0, VisitStatus.SUCCEEDED)
    assert seen["Each"].status is VisitStatus.CAUGHT
    assert seen["Create"].error == "BoomError"


PAUSE = {"StartAt": "Pause", "States": {"Pause": {"Type": "Wait", "Seconds": 60, "End": True}}}


def test_update_adds_new_events(clock: VirtualClock) -> None:
    history = ExecutionHistory(*started(clock, PAUSE))
    clock.advance(10)
    assert short(history.update()) == [("Pause", 0, "Running")]
    assert short(history.update()) == [("Pause", 0, "Running")]
    clock.run()
    assert short(history.update()) == [("Pause", 0, "Succeeded")]


def test_states_of_a_stopped_execution_are_aborted(clock: VirtualClock) -> None:
    client, execution = started(clock, PAUSE)
    clock.advance(10)
    client.stop_execution(executionArn=str(execution), error="Stopped", cause="by hand")
    history = ExecutionHistory(client, execution)
    assert short(history.update()) == [("Pause", 0, "Aborted")]
    assert history.failure == Failure(state="Pause", error="Stopped", cause="by hand")


def test_every_event_type_of_the_model_is_accepted() -> None:
    shape = botocore.session.get_session().get_service_model("stepfunctions").shape_for("HistoryEventType")
    for number, kind in enumerate(shape.enum, start=1):  # type: ignore[attr-defined]
        document = {"id": number, "previousEventId": number - 1, "type": kind, "timestamp": NOW}
        list_visits([parse_event(document)])


def test_only_standard_executions_have_a_history() -> None:
    standard = parse_standard_execution("arn:aws-cn:states:cn-north-1:123456789012:execution:m:e")
    assert standard is not None
    assert standard.region == "cn-north-1"
    assert parse_standard_execution("arn:aws:states:eu-west-1:123456789012:express:m:e:run") is None
    assert parse_standard_execution("my-build:42") is None
    assert parse_standard_execution(None) is None
