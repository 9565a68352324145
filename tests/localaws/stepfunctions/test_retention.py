"""How much is remembered of executions that have ended."""

from __future__ import annotations

import pytest

from stepline.localaws.stepfunctions import executions
from tests.localaws.stepfunctions.test_executions import PASS, WAIT, error_of
from tests.localaws.stepfunctions.world import World


def test_the_newest_closed_executions_are_kept_and_all_that_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executions, "MAX_KEPT", 2)
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


def test_a_redriven_execution_is_not_forgotten_while_it_runs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executions, "MAX_KEPT", 1)
    redriven = world.start(world.create(WAIT, name="waits"))
    world.client.stop_execution(executionArn=redriven)
    world.client.redrive_execution(executionArn=redriven)
    machine = world.create(PASS)
    for _ in range(3):
        world.start(machine)
        world.virtual_clock.advance(1)
    assert world.client.describe_execution(executionArn=redriven)["status"] == "RUNNING"
