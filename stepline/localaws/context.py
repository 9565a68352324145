"""The context that every service of the local AWS is built with."""

from __future__ import annotations

from dataclasses import dataclass

from stepline.core.local_aws import ACCOUNT_ID, DEFAULT_REGION
from stepline.localaws.clock import Clock
from stepline.localaws.events import EventSink


@dataclass(frozen=True)
class Context:
    """`events` receives the events that the service puts on the default event bus."""

    clock: Clock
    events: EventSink
    account_id: str = ACCOUNT_ID
    region: str = DEFAULT_REGION
