"""The events that AWS services put on the default event bus."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class AwsEvent:
    """An event of an AWS service. `source` is `aws.codecommit`, for example.

    `PutEvents` rejects sources that begin with `aws.`, so services send their events to an `EventSink`.
    """

    source: str
    detail_type: str
    detail: Mapping[str, Any]
    time: datetime
    resources: tuple[str, ...] = ()


EventSink = Callable[[AwsEvent], None]
