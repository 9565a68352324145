"""EventBridge Scheduler in memory: schedules that fire once, and delete themselves."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from stepline.localaws.protocol import AwsError, Params
from tests.fakes.service import FakeService


@dataclass(eq=False)
class FakeScheduler(FakeService):
    """`on_schedule` is called with the time and the event of each new schedule."""

    service_name: ClassVar[str] = "scheduler"
    on_schedule: Callable[[datetime, Any], object] = lambda _at, _event: None
    schedules: dict[tuple[str, str], Params] = field(default_factory=dict)

    def create_schedule(self, *, GroupName: str, Name: str, Target: Params, **schedule: Any) -> Params:
        key = (GroupName, Name)
        if key in self.schedules:
            raise AwsError(f"Schedule {Name} already exists.", code="ConflictException", status=409)
        assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
        assert schedule["ActionAfterCompletion"] == "DELETE"
        self.schedules[key] = {**schedule, "Target": Target}
        at = datetime.strptime(schedule["ScheduleExpression"], "at(%Y-%m-%dT%H:%M:%S)").replace(tzinfo=UTC)
        self.on_schedule(at, json.loads(Target["Input"]))
        return {"ScheduleArn": f"arn:aws:scheduler:us-east-1:000000000000:schedule/{GroupName}/{Name}"}
