"""The pipeline action and `stepline watch` explain a failed execution in the same words."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from stepline.aws.execution_history import ExecutionHistory
from stepline.core.executions.arns import ExecutionArn
from stepline.core.executions.failure import Failure
from stepline.localaws.protocol import JsonService, Params, in_process_client
from tests.pipeline.world import World

HISTORIES = sorted((Path(__file__).parent / "histories").glob("*.json"))
ARN = "arn:aws:states:eu-west-1:000000000000:execution:deploy:failed"


class RecordedStepFunctions(JsonService):
    """Answers GetExecutionHistory for one recorded execution."""

    service_name = "stepfunctions"

    def __init__(self, events: list[dict[str, Any]]) -> None:
        self._events = events

    def get_execution_history(self, params: Params) -> Params:
        return {"events": self._events[::-1] if params.get("reverseOrder") else self._events}


def _read(file: Path) -> dict[str, Any]:
    case: dict[str, Any] = json.loads(file.read_text())
    for event in case["events"]:
        event["timestamp"] = datetime.fromisoformat(event["timestamp"])
    return case


def _expected(case: dict[str, Any]) -> Failure:
    failure = case["failure"]
    return Failure(failure["error"], failure["cause"], failure["state"], failure["endedIn"])


@pytest.mark.parametrize("file", HISTORIES, ids=lambda file: file.stem)
def test_watch_shows_the_expected_failure(file: Path) -> None:
    case = _read(file)
    execution = ExecutionArn.parse(ARN)
    assert execution is not None
    history = ExecutionHistory(in_process_client(RecordedStepFunctions(case["events"])), execution)
    history.update()
    assert history.failure == _expected(case)


@pytest.mark.parametrize("file", HISTORIES, ids=lambda file: file.stem)
def test_pipeline_action_reports_the_expected_failure(file: Path, world: World) -> None:
    case = _read(file)
    event, execution = world.started()
    execution.history = case["events"]
    recorded = case["execution"]
    execution.fail(recorded.get("error"), recorded.get("cause"), status=recorded["status"])
    message = world.send(event)["failureDetails"]["message"]
    expected = _expected(case)
    ended_in = f" (ended in {expected.ended_in})" if expected.ended_in else ""
    assert message.startswith(f"{expected}{ended_in} https://")
