"""How many closed executions are kept, and how their histories are stored and read."""

from __future__ import annotations

import pytest

from stepline.localaws.stepfunctions import settings
from tests.localaws.stepfunctions.world import PASS, WAIT, State, World, error_of


def test_open_executions_and_the_newest_closed_ones_are_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "MAX_CLOSED_EXECUTIONS", 2)
    open_arn = world.start(world.create(WAIT, name="waits"))
    machine = world.create(PASS)
    closed = []
    for _ in range(4):
        closed.append(world.start(machine))
        world.virtual_clock.advance(1)
    for arn in closed[:2]:
        assert error_of(world.client.describe_execution, executionArn=arn)[0] == "ExecutionDoesNotExist"
    for arn in [*closed[2:], open_arn]:
        assert world.client.describe_execution(executionArn=arn)["executionArn"] == arn
    assert len(world.client.list_executions(stateMachineArn=machine)["executions"]) == 2


def test_redriven_execution_is_kept_while_it_runs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "MAX_CLOSED_EXECUTIONS", 1)
    redriven = world.start(world.create(WAIT, name="waits"))
    world.client.stop_execution(executionArn=redriven)
    world.client.redrive_execution(executionArn=redriven)
    machine = world.create(PASS)
    for _ in range(3):
        world.start(machine)
        world.virtual_clock.advance(1)
    assert world.client.describe_execution(executionArn=redriven)["status"] == "RUNNING"


def run_large(world: World, machine: str, size: int = 100_000) -> str:
    arn = world.start(machine, {"text": "x" * size})
    world.virtual_clock.advance(1)
    return arn


def test_oldest_closed_executions_are_deleted_when_histories_are_too_large(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "MAX_CLOSED_BYTES", 500_000)
    machine = world.create(PASS)
    arns = [run_large(world, machine) for _ in range(4)]
    kept = world.client.list_executions(stateMachineArn=machine)["executions"]
    assert [item["executionArn"] for item in kept] == [arns[3], arns[2]]


def test_newest_execution_is_kept_however_large(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "MAX_CLOSED_BYTES", 1)
    arn = run_large(world, world.create(PASS))
    assert world.client.describe_execution(executionArn=arn)["status"] == "SUCCEEDED"


def test_redrive_does_not_count_an_execution_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "MAX_CLOSED_BYTES", 500_000)
    machine = world.create(WAIT)
    arn = world.start(machine, {"text": "x" * 100_000})
    for _ in range(5):
        world.client.stop_execution(executionArn=arn)
        world.client.redrive_execution(executionArn=arn)
    world.virtual_clock.run()
    other = run_large(world, world.create(PASS, name="other"))
    for kept in (arn, other):
        assert world.client.describe_execution(executionArn=kept)["status"] == "SUCCEEDED"


def test_loop_with_a_large_payload_keeps_the_payload_once(world: World) -> None:
    """An earlier bug: 25,000 events with a payload of 20 kB took 550 MB."""
    states: dict[str, State] = {
        "Again": {"Type": "Pass", "Next": "More?"},
        "More?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.never", "IsPresent": True, "Next": "End"}],
            "Default": "Again",
        },
        "End": {"Type": "Succeed"},
    }
    arn = world.start(world.create(states), {"text": "x" * 20_000})
    world.virtual_clock.run()
    texts = set()
    count = 0
    pages = world.client.get_paginator("get_execution_history").paginate(
        executionArn=arn, maxResults=1000, includeExecutionData=False
    )
    for page in pages:
        count += len(page["events"])
    assert count == settings.MAX_EVENTS
    for event in world.service._executions.get(arn).events():
        for details in event.values():
            if isinstance(details, dict):
                texts |= {id(text) for text in details.values() if isinstance(text, str) and len(text) > 999}
    assert len(texts) <= 3


@pytest.mark.parametrize("newest_first", [False, True])
def test_pages_of_a_history_follow_each_other(world: World, *, newest_first: bool) -> None:
    states = {f"S{number}": {"Type": "Pass", "Next": f"S{number + 1}"} for number in range(20)}
    arn = world.start(world.create({**states, "S20": {"Type": "Succeed"}}))
    world.virtual_clock.run()
    pages = world.client.get_paginator("get_execution_history").paginate(
        executionArn=arn, reverseOrder=newest_first, PaginationConfig={"PageSize": 7}
    )
    ids = [event["id"] for page in pages for event in page["events"]]
    assert ids == sorted(ids, reverse=newest_first)
    assert sorted(ids) == list(range(1, 45))


def test_page_of_a_history_is_found_without_a_search(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []

    class Counted(dict[str, object]):
        def __getitem__(self, name: str) -> object:
            compared.append(name)
            return super().__getitem__(name)

    states = {f"S{number}": {"Type": "Pass", "Next": f"S{number + 1}"} for number in range(200)}
    arn = world.start(world.create({**states, "S200": {"Type": "Succeed"}}))
    world.virtual_clock.run()
    execution = world.service._executions.get(arn)
    first = world.client.get_execution_history(executionArn=arn, maxResults=300)
    monkeypatch.setattr(execution, "_events", [Counted(event) for event in execution._events])
    world.client.get_execution_history(executionArn=arn, maxResults=1, nextToken=first["nextToken"])
    assert compared.count("id") < 10


def test_token_of_another_history_is_invalid(world: World) -> None:
    machine = world.create(PASS)
    first, second = world.start(machine), world.start(machine)
    world.virtual_clock.run()
    token = world.client.get_execution_history(executionArn=first, maxResults=2)["nextToken"]
    call = world.client.get_execution_history
    assert error_of(call, executionArn=second, nextToken=token)[0] == "InvalidToken"
