"""The trigger's function as its template deploys it: time-out, and what Lambda does with its events."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from stepline.deployment.template import read_template
from stepline.localaws.clock import VirtualClock
from tests.faults.schedule import Fault

TEMPLATE = Path(__file__).parents[2] / "pipeline/template.yaml"
QUEUED_SECONDS = {Fault.EVENT_DELAYED: 600, Fault.EVENT_LATE: 25 * 60}
"""So long Lambda does not run the function, because other functions use up the concurrency."""

CLEAN_UP_TIMEOUT_SECONDS = 300.0
"""Of Clean Up [template of the Deploy state machine]."""

_HANDLER = "pipeline.trigger.handler"
_RETRY_SECONDS = (60.0, 120.0)
_DEFAULTS = {"MaximumEventAgeInSeconds": 6 * 3600, "MaximumRetryAttempts": 2}
"""Lambda's own, for a function without an EventInvokeConfig [doc]."""


@dataclass(frozen=True)
class Configuration:
    """`retry_seconds`: Lambda's delays before it runs the function again on an event on which it failed."""

    timeout_seconds: float
    task_timeout_seconds: float
    max_event_age_seconds: float
    retry_seconds: tuple[float, ...]


@functools.cache
def configuration() -> Configuration:
    template = read_template(TEMPLATE)
    (properties,) = (
        resource["Properties"]
        for resource in template["Resources"].values()
        if resource.get("Properties", {}).get("Handler") == _HANDLER
    )
    default_timeout = template["Globals"]["Function"]["Timeout"]
    events = {**_DEFAULTS, **properties.get("EventInvokeConfig", {})}
    return Configuration(
        timeout_seconds=float(properties.get("Timeout", default_timeout)),
        task_timeout_seconds=float(default_timeout),
        max_event_age_seconds=float(events["MaximumEventAgeInSeconds"]),
        retry_seconds=_RETRY_SECONDS[: events["MaximumRetryAttempts"]],
    )


@dataclass
class EventQueue:
    """Lambda's queue of asynchronous events. `discarded`: the jobs whose events became too old."""

    clock: VirtualClock
    discarded: list[str] = field(default_factory=list)
    _sent: dict[str, datetime] = field(default_factory=dict)
    _throttled_until: datetime | None = None

    def throttle(self, fault: Fault) -> None:
        """Do not run the function for some time."""
        self._throttled_until = self.clock.now() + timedelta(seconds=QUEUED_SECONDS[fault])

    def admit(self, event: Any) -> bool:
        """Return whether Lambda runs the function now, or False if it discards the event.

        Raise ClientError while the function is throttled.
        """
        job_id, now = event["CodePipeline.job"]["id"], self.clock.now()
        self._sent.setdefault(job_id, now)
        if self._throttled_until is not None and now < self._throttled_until:
            raise _throttled()
        if self.is_too_old(job_id):
            self.discarded.append(job_id)
            return False
        return True

    def is_too_old(self, job_id: str) -> bool:
        return self.age_seconds(job_id) > configuration().max_event_age_seconds

    def age_seconds(self, job_id: str) -> float:
        return (self.clock.now() - self._sent[job_id]).total_seconds()


def _throttled() -> ClientError:
    response: Any = {
        "Error": {"Code": "TooManyRequestsException", "Message": "Rate Exceeded."},
        "ResponseMetadata": {"HTTPStatusCode": 429, "RequestId": "1"},
    }
    return ClientError(response, "Invoke")
