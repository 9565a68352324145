"""How many closed executions are kept."""

from __future__ import annotations

import pytest

from stepline.localaws.stepfunctions import settings
from tests.localaws.stepfunctions.world import PASS, WAIT, World, error_of


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
