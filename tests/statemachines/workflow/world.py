"""The macro with S3 in memory and the local Step Functions, behind real botocore clients."""

from __future__ import annotations

import io
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from botocore.response import StreamingBody

from statemachines.workflow import inject_definition
from stepline.core import clients
from tests.localaws.stepfunctions.service import build_stepfunctions
from tests.pipeline.clients import client_of
from tests.statemachines.fake_client import FakeAwsError, FakeService, fake_client

PROJECT = Path(__file__).parents[3]
EVENTS = PROJECT / "local_events/inject_definition"
BUCKET, KEY, VERSION = "definitions-bucket", "definitions/orders/Workflow.asl.json", "v1"


@dataclass
class VersionedS3(FakeService):
    """Versions by (bucket, key, version)."""

    versions: dict[tuple[str, str, str], bytes] = field(default_factory=dict)

    def get_object(self, *, Bucket: str, Key: str, VersionId: str) -> dict[str, Any]:
        body = self.versions.get((Bucket, Key, VersionId))
        if body is None:
            raise FakeAwsError("NoSuchVersion", "The specified version does not exist.", 404)
        return {"Body": StreamingBody(io.BytesIO(body), len(body)), "ContentLength": len(body)}


class World:
    def __init__(self) -> None:
        self.variables = {"DEFINITIONS_BUCKET": BUCKET, "DEFINITIONS_PREFIX": "definitions/"}
        self.s3 = VersionedS3()
        self.stepfunctions = build_stepfunctions()

    def put(self, body: bytes) -> None:
        self.s3.versions[BUCKET, KEY, VERSION] = body

    def inject(self, event: Any) -> Any:
        with (
            mock.patch.object(clients, "s3", return_value=fake_client("s3", self.s3)),
            mock.patch.object(clients, "stepfunctions", return_value=client_of(self.stepfunctions)),
            mock.patch.dict(os.environ, self.variables),
        ):
            answer = inject_definition.handler(event, None)
        return json.loads(json.dumps(answer))


def load_event(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event
