"""The fake SNS and CloudWatch: they keep what they receive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from stepline.localaws.protocol import Params
from tests.fakes.service import FakeService


@dataclass(eq=False)
class FakeSns(FakeService):
    """`messages` are the parameters of Publish; `on_message` is called after each."""

    service_name: ClassVar[str] = "sns"
    messages: list[Params] = field(default_factory=list)
    on_message: Callable[[Params], object] = lambda _message: None

    def publish(self, **message: Any) -> Params:
        self.messages.append(message)
        self.on_message(message)
        return {"MessageId": str(len(self.messages))}


@dataclass(eq=False)
class FakeCloudWatch(FakeService):
    """`metrics` are the parameters of PutMetricData."""

    service_name: ClassVar[str] = "cloudwatch"
    metrics: list[Params] = field(default_factory=list)

    def put_metric_data(self, **metrics: Any) -> None:
        self.metrics.append(metrics)
