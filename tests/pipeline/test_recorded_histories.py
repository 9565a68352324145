"""The pipeline action and `stepline watch` report a failed execution with the same text."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest

from stepline.aws.execution_history import ExecutionHistory
from stepline.core.executions.arns import ExecutionArn
from stepline.core.executions.failure import Failure
from stepline.localaws.protocol import Params
from tests.fakes.clients import client_of
from tests.fakes.service import FakeService
from tests.pipeline.world import World

HISTORIES = sorted((Path(__file__).parent / "histories").glob("*.json"))
ARN = "arn:aws:states:eu-west-1:000000000000:execution:deploy:failed"


@dataclass(eq=False)
class RecordedStepFunctions(FakeService):
    """Returns one recorded history."""

    service_name: ClassVar[str] = "stepfunctions"
    events: list[dict[str, Any]] = field(default_factory=list)

    def get_execution_history(self, *, reverseOrder: bool = False, **_rest: Any) -> Params:
        return {"events": self.events[::-1] if reverseOrder else self.events}


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
    history = ExecutionHistory(client_of(RecordedStepFunctions(events=case["events"])), execution)
    history.update()
    assert history.failure == _expected(case)


@pytest.mark.parametrize("file", HISTORIES, ids=lambda file: file.stem)
def test_pipeline_action_reports_the_expected_failure(file: Path, world: World) -> None:
    case = _read(file)
    event, execution = world.start_execution()
    execution.history = case["events"]
    recorded = case["execution"]
    execution.fail(recorded.get("error"), recorded.get("cause"), status=recorded["status"])
    message = world.send(event)["failureDetails"]["message"]
    expected = _expected(case)
    ended_in = f" (ended in {expected.ended_in})" if expected.ended_in else ""
    assert message.startswith(f"{expected}{ended_in} https://")
