"""Events that AWS services themselves put on the default event bus."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class AwsEvent:
    """One event of a service, such as source `aws.codecommit`.

    `PutEvents` refuses sources that begin with `aws.`, so services hand their events to an `EventSink`.
    """

    source: str
    detail_type: str
    detail: Mapping[str, Any]
    time: datetime
    resources: tuple[str, ...] = ()


EventSink = Callable[[AwsEvent], None]
