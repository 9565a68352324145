"""What the starter and the sample stand in: an S3 with versions, and the local Step Functions."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.response import StreamingBody

from statemachines.s3_trigger import start_execution, summarize_object
from stepline.localaws.clock import VirtualClock
from tests.in_process_functions import InProcessFunctions
from tests.localaws.stepfunctions.service import build_stepfunctions
from tests.pipeline.clients import client_of
from tests.statemachines.fake_client import FakeAwsError, FakeService, fake_client

PROJECT = Path(__file__).parents[3]
ASL_FILE = PROJECT / "statemachines/s3_trigger/s3_trigger.asl.json"
MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:sample"
FUNCTION = "SummarizeObject"


@dataclass
class VersionedS3(FakeService):
    """Objects by (bucket, key, version); the version None is that of a bucket without versioning."""

    objects: dict[tuple[str, str, str | None], bytes] = field(default_factory=dict)
    may_be_read: bool = True
    broken_reads: int = 0

    def head_object(self, *, Bucket: str, Key: str, VersionId: str | None = None) -> dict[str, Any]:
        if not self.may_be_read:
            raise FakeAwsError("403", "Forbidden", 403)
        data, version = self._find(Bucket, Key, VersionId, missing=FakeAwsError("404", "Not Found", 404))
        return {"ContentLength": len(data), "ETag": _etag(data), **_version(version)}

    def get_object(
        self, *, Bucket: str, Key: str, VersionId: str | None = None, **_rest: Any
    ) -> dict[str, Any]:
        if not self.may_be_read:
            raise FakeAwsError("AccessDenied", "Access Denied", 403)
        code = "NoSuchVersion" if VersionId else "NoSuchKey"
        data, version = self._find(Bucket, Key, VersionId, missing=FakeAwsError(code, "It is gone.", 404))
        stream = io.BytesIO(data)
        length = len(data)
        if self.broken_reads:
            self.broken_reads -= 1
            length += 1  # the connection breaks off before the end
        body = StreamingBody(stream, length)
        return {"Body": body, "ContentLength": length, "ContentType": "text/csv", **_version(version)}

    def _find(
        self, bucket: str, key: str, version: str | None, *, missing: FakeAwsError
    ) -> tuple[bytes, str | None]:
        for (b, k, v), data in reversed(self.objects.items()):
            if (b, k) == (bucket, key) and version in {None, v}:
                return data, v
        raise missing


def _version(version: str | None) -> dict[str, str]:
    return {"VersionId": version} if version else {}


def _etag(data: bytes) -> str:
    return f'"{hashlib.sha256(data).hexdigest()}"'


class World:
    """Both functions, and the sample machine in a local Step Functions under a virtual clock."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.s3 = VersionedS3()
        self.functions = InProcessFunctions({FUNCTION: summarize_object.handler})
        self.service = build_stepfunctions(self.clock, lambda _service: self.functions)
        self.stepfunctions = client_of(self.service)
        self.stepfunctions.create_state_machine(
            name="sample", definition=definition(), roleArn="arn:aws:iam::000000000000:role/machine"
        )

    @property
    def s3_client(self) -> Any:
        return fake_client("s3", self.s3)

    def deliver(self, event: Any) -> Mapping[str, Any]:
        """As Lambda runs the starter: event and answer pass through JSON."""
        answer = start_execution.handler(json.loads(json.dumps(event)), None)
        return dict(json.loads(json.dumps(answer)))

    def executions(self) -> list[dict[str, Any]]:
        """All that were started, described, when all have ended."""
        listed = self._running_or_not()
        self.clock.run(until=lambda: all(e["status"] != "RUNNING" for e in self._running_or_not()))
        return [self.stepfunctions.describe_execution(executionArn=e["executionArn"]) for e in listed]

    def _running_or_not(self) -> list[dict[str, Any]]:
        return list(self.stepfunctions.list_executions(stateMachineArn=MACHINE)["executions"])

    def close(self) -> None:
        self.service.close()


def definition() -> str:
    arn = InProcessFunctions({}).arn(FUNCTION)
    return ASL_FILE.read_text().replace(f"${{{FUNCTION}FunctionArn}}", arn)


def load_asl() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(ASL_FILE.read_text())
    return document
