"""What executions of the rollout do, and how they fail. The cases are in `cases.json`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from statemachines.deploy.request import DeployRequest
from statemachines.rollout.limits import (
    MAX_APPROVER_CHARACTERS,
    MAX_PLAN_BYTES,
    MAX_REASON_BYTES,
    MAX_TARGETS,
    MAX_WAVES,
)
from tests.cases import merged, parameters, read_cases
from tests.statemachines.rollout.machine import BASE_INPUT, Machine, target

CASES = read_cases(Path(__file__).with_name("cases.json"))


@pytest.mark.parametrize("case", parameters(CASES))
def test_rollout_ends_as_expected(case: dict[str, Any]) -> None:
    """A case has these members.

    {
      "why":      what the case shows
      "targets":  names, each in an account of its own; or objects, merged over such a target
      "input":    more members of the input
      "file":     content of `targets.json` in the artifact, instead of "targets"
      "alarms":   alarms that exist: {name: null, or the minute in which it goes off}
      "trigger":  that of the pipeline execution, {"triggerType", "triggerDetail"}
      "environment": variables of the functions
      "answers":  what people answer to each message, as in `tests/statemachines/approvals/approvers.py`
      "answered": the statuses and the beginnings of errors that they get
      "expected": {"error"?, "cause"?: [parts], "summary"?, "waves": [[names of deployments that started at
                  the same time]], "minutes"?: of the rollout, "results"?: {name: status},
                  "approvals"?: [{"wave", "approvedBy", "reason"}]}
    }
    """
    alarms = case.get("alarms", {})
    raised = {name: minute * 60 for name, minute in alarms.items() if minute is not None}
    machine = Machine(alarms=list(alarms), raised=raised)
    document = merged(BASE_INPUT, case.get("input", {}))
    if "file" in case:
        machine.push({"targets.json": case["file"]})
    else:
        document["targets"] = [_target(item) for item in case["targets"]]
    machine.approvers.answers = case.get("answers", ())
    machine.codepipeline.trigger = case.get("trigger", {})
    began = machine.clock.now()
    with mock.patch.dict(os.environ, case.get("environment", {})):
        execution = machine.run(document)
    expected = case["expected"]
    assert execution.error == expected.get("error", ""), execution.cause
    for part in expected.get("cause", []):
        assert part in execution.cause
    assert _waves(machine) == expected["waves"]
    if "minutes" in expected:
        assert (machine.clock.now() - began).total_seconds() == expected["minutes"] * 60
    if execution.status == "SUCCEEDED":
        results = {item["name"]: item["status"] for item in execution.output["targets"]}
        assert results == expected["results"]
        assert execution.output["stepline_summary"] == expected["summary"]
        approvals = [_without_time(item) for item in execution.output["approvals"]]
        assert approvals == expected.get("approvals", [])
    assert len(machine.approvers.results) == len(case.get("answered", []))
    for result, beginning in zip(machine.approvers.results, case.get("answered", []), strict=True):
        assert result.startswith(beginning)
    machine.close()


def _without_time(approval: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in approval.items() if name != "approvedAt"}


def _target(item: Any) -> Any:
    return target(item) if isinstance(item, str) else merged(target(item["name"]), item)


def _waves(machine: Machine) -> list[list[str]]:
    waves: dict[Any, list[str]] = {}
    for deployment in machine.deployments():
        name = deployment["name"].removeprefix("run-").rpartition("-")[0]
        waves.setdefault(deployment["startDate"], []).append(name)
    return list(waves.values())


def test_input_of_a_deployment_is_that_of_the_rollout_with_the_overrides_of_the_target() -> None:
    machine = Machine()
    shared = {"target": {"externalId": "shared"}, "capabilities": ["CAPABILITY_IAM"]}
    one = target("one", environmentName="eu", parameters={"Size": "2"})
    document: dict[str, Any] = {**BASE_INPUT, **shared, "targets": [one]}
    machine.run(document)
    (deployment,) = machine.deployments()
    started = machine.input_of(deployment)
    request = DeployRequest.parse(started)
    machine.close()
    assert request.stack_name == "eu-app"
    assert request.parameters == {"Seconds": "60", "Failure": "", "Size": "2"}
    assert request.target is not None
    assert request.target.external_id == "shared"
    assert request.target.role_arn == one["target"]["roleArn"]
    assert started["codepipeline"] == BASE_INPUT["codepipeline"]
    assert "targets" not in started


def test_stopped_rollout_stops_its_deployments() -> None:
    machine = Machine()
    with machine.connected():
        arn = machine.start({**BASE_INPUT, "targets": [target("a"), target("b")], "waves": ["rest"]})
        machine.clock.run(until=lambda: len(machine.deployments()) == 2)
        machine.clock.advance(10)
        machine.stepfunctions.stop_execution(executionArn=arn)
        machine.clock.run(max_steps=1_000)
    assert [item["status"] for item in machine.deployments()] == ["ABORTED", "ABORTED"]
    machine.close()


def test_largest_rollout_whose_targets_all_fail_fits_into_the_data_of_a_state() -> None:
    machine = Machine()
    failing = {**BASE_INPUT, "parameters": {"Seconds": "1", "Failure": "ü\n" * 1_000}}
    targets = [target(f"{index:03}-{'x' * 30}") for index in range(MAX_TARGETS)]
    execution = machine.run(
        {**failing, "targets": targets, "waves": ["100%"], "maxConcurrency": 40, "toleratedFailures": 1_000}
    )
    machine.close()
    assert execution.status == "SUCCEEDED", execution.cause
    reasons = [item["reason"] for item in execution.output["targets"]]
    assert len(reasons) == MAX_TARGETS
    assert max(len(reason.encode()) for reason in reasons) <= MAX_REASON_BYTES


def test_limits_leave_room_in_the_data_of_a_state() -> None:
    """The plan, the wave's targets once more, and a result for each target, an approval for each wave."""
    result = {
        "name": "x" * 64,
        "execution": "x" * 80,
        "status": "succeeded",
        "reason": "x" * MAX_REASON_BYTES,
    }
    approval = {
        "wave": 50,
        "approvedBy": "x" * MAX_APPROVER_CHARACTERS,
        "approvedAt": "2026-01-01T00:00:00+00:00",
        "reason": "x" * MAX_REASON_BYTES,
    }
    approvals = MAX_WAVES * len(json.dumps(approval))
    assert 2 * MAX_PLAN_BYTES + MAX_TARGETS * len(json.dumps(result)) + approvals < 262_144 - 10_000
