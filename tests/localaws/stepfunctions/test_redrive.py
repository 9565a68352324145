"""Executions that are redriven."""

from __future__ import annotations

from typing import Any

from tests.in_process_functions import LambdaContext
from tests.localaws.stepfunctions.world import (
    PASS,
    Outcome,
    World,
    error_of,
    task,
)


def test_redrive_continues_from_the_failed_state(world: World) -> None:
    calls: list[Any] = []

    def fails_first(event: Any, _context: LambdaContext) -> Any:
        calls.append(event)
        if len(calls) == 1:
            raise ValueError("first time")
        return {"ok": True}

    world.handlers["f"] = fails_first
    failed = world.run({"Before": {"Type": "Pass", "Result": {"x": 1}, "Next": "Flaky"}, "Flaky": task("f")})
    assert failed.status == "FAILED"
    assert failed.description["redriveStatus"] == "REDRIVABLE"
    first = world.client.redrive_execution(executionArn=failed.arn, clientToken="t")
    again = world.client.redrive_execution(executionArn=failed.arn, clientToken="t")
    assert again["redriveDate"] == first["redriveDate"]
    world.virtual_clock.run()
    outcome = Outcome(world, failed.arn)
    assert outcome.output == {"ok": True}
    assert calls == [{"x": 1}, {"x": 1}]
    assert outcome.path == ["Before", "Flaky", "Flaky"]
    redriven = next(event for event in outcome.history if event["type"] == "ExecutionRedriven")
    assert redriven["executionRedrivenEventDetails"] == {"redriveCount": 1}
    assert outcome.history[redriven["id"]]["previousEventId"] == redriven["id"]
    assert outcome.description["redriveCount"] == 1
    assert "error" not in outcome.description
    assert world.statuses() == ["RUNNING", "FAILED", "RUNNING", "SUCCEEDED"]


def test_succeeded_and_old_executions_cannot_be_redriven(world: World) -> None:
    outcome = world.run(PASS)
    assert error_of(world.client.redrive_execution, executionArn=outcome.arn)[0] == "ExecutionNotRedrivable"
    failed = world.run({"Bad": {"Type": "Fail"}}, name="other")
    world.virtual_clock.advance(15 * 86_400)
    assert error_of(world.client.redrive_execution, executionArn=failed.arn)[0] == "ExecutionNotRedrivable"
