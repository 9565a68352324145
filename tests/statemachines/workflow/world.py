"""The macro of the workflow updater, with S3 in memory and the local Step Functions."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from unittest import mock

from statemachines.workflow import inject_definition
from stepline.core import clients
from tests.fakes.clients import client_of
from tests.fakes.s3 import FakeS3
from tests.localaws.stepfunctions.service import build_stepfunctions

PROJECT = Path(__file__).parents[3]
EVENTS = PROJECT / "local_events/inject_definition"
BUCKET, KEY, VERSION = "definitions-bucket", "definitions/orders/Workflow.asl.json", "v1"


class World:
    def __init__(self) -> None:
        self.variables = {"DEFINITIONS_BUCKET": BUCKET, "DEFINITIONS_PREFIX": "definitions/"}
        self.s3 = FakeS3()
        self._stepfunctions = build_stepfunctions()

    def put(self, body: bytes) -> None:
        self.s3.put(BUCKET, KEY, body, version=VERSION)

    def inject(self, event: Any) -> Any:
        """Call the macro and return its response."""
        with (
            mock.patch.object(clients, "s3", return_value=client_of(self.s3)),
            mock.patch.object(clients, "stepfunctions", return_value=client_of(self._stepfunctions)),
            mock.patch.dict(os.environ, self.variables),
        ):
            answer = inject_definition.handler(event, None)
        return json.loads(json.dumps(answer))


def load_event(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event
