"""The S3 trigger in memory: a bucket, the function that starts executions, and the sample state machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from statemachines.s3_trigger import start_execution, summarize_object
from stepline.localaws.clock import VirtualClock
from tests.fakes.clients import client_of
from tests.fakes.s3 import FakeS3
from tests.in_process_functions import InProcessFunctions
from tests.localaws.stepfunctions.service import build_stepfunctions
from tests.statemachines.execution import ROLE_ARN

PROJECT = Path(__file__).parents[3]
ASL_FILE = PROJECT / "statemachines/s3_trigger/s3_trigger.asl.json"
LOCAL_EVENTS = PROJECT / "local_events/start_execution"
NOTIFIED: dict[str, Any] = json.loads((LOCAL_EVENTS / "notified.json").read_text())
RECORDED: dict[str, Any] = json.loads((LOCAL_EVENTS / "recorded.json").read_text())
"""The two events with which AWS reports that an object was written."""

BUCKET, KEY, VERSION = "incoming", "orders/2026/November 21.csv", "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e"
"""The object of both events."""

MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:sample"
FUNCTION = "SummarizeObject"


class World:
    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.s3 = FakeS3(content_type="text/csv")
        self._service = build_stepfunctions(
            self.clock, lambda _service: InProcessFunctions({FUNCTION: summarize_object.handler})
        )
        self.stepfunctions = client_of(self._service)
        self.stepfunctions.create_state_machine(name="sample", definition=definition(), roleArn=ROLE_ARN)

    def deliver(self, event: Any) -> Mapping[str, Any]:
        """Call the function with an event; like in Lambda, event and result pass through JSON."""
        answer = start_execution.handler(json.loads(json.dumps(event)), None)
        return dict(json.loads(json.dumps(answer)))

    def executions(self) -> list[dict[str, Any]]:
        """Run all executions to their end and describe them."""
        listed = self._list()
        self.clock.run(until=lambda: all(item["status"] != "RUNNING" for item in self._list()))
        return [self.stepfunctions.describe_execution(executionArn=item["executionArn"]) for item in listed]

    def _list(self) -> list[dict[str, Any]]:
        return list(self.stepfunctions.list_executions(stateMachineArn=MACHINE)["executions"])

    def close(self) -> None:
        self._service.close()


def definition() -> str:
    arn = InProcessFunctions({}).arn(FUNCTION)
    text = ASL_FILE.read_text().replace("${Partition}", "aws")
    return text.replace(f"${{{FUNCTION}FunctionArn}}", arn)


def load_asl() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(ASL_FILE.read_text())
    return document
