"""Check Alarms: stops the rollout if an alarm went off after a wave.

IAM: cloudwatch:DescribeAlarms on the account's alarms; for alarms of a target, sts:AssumeRole and
sts:TagSession on the role of the target, and cloudwatch:DescribeAlarms for that role.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from statemachines.deploy.request import find_target
from statemachines.rollout.errors import AlarmError
from statemachines.rollout.finish_wave import bake
from statemachines.rollout.results import Rollout
from statemachines.task import task
from stepline.core import clients
from stepline.core.clients import AssumedRole, assuming
from stepline.core.fields import Fields, JsonObject, listed_names
from stepline.core.text import quoted


@dataclass(frozen=True)
class Watched:
    """Alarms in one place. `role` is None for the account and region of the rollout."""

    place: str
    role: AssumedRole | None
    names: Sequence[str]


@task("rollout")
def handler(event: Fields) -> JsonObject:
    """Event: the state's data. Returns the rest of the bake time. Raises `AlarmError`."""
    plan, progress = event.section("plan"), event.section("progress")
    rollout = Rollout.parse(event)
    for watched in list(_watched(event)):
        if problem := _problem(watched):
            raise AlarmError(f"The rollout stopped after {rollout.name}: {problem}. {rollout.describe()}")
    times = progress.section("bake")
    remaining = times.count("remainingSeconds") - times.count("waitSeconds")
    return bake(remaining, plan.count("pollSeconds"))


def _watched(event: Fields) -> Iterator[Watched]:
    plan = event.section("plan")
    if names := plan.text_list("alarms"):
        yield Watched("the account of the rollout", None, names)
    base = plan.value("input")
    for item in event.section("wave").sections("targets"):
        if names := item.text_list("alarms"):
            target = find_target(Fields({**base, **item.value("input")}, "the input"))
            place = f"the target {quoted(item.text('name'))}"
            yield Watched(place, target.role if target else None, names)


def _problem(watched: Watched) -> str:
    """Return what is wrong with the first alarm that is not as it should be; blank if there is none."""
    with assuming(watched.role):
        response = clients.cloudwatch().describe_alarms(
            AlarmNames=list(watched.names), AlarmTypes=["MetricAlarm", "CompositeAlarm"], MaxRecords=100
        )
    alarms = [*response.get("MetricAlarms", []), *response.get("CompositeAlarms", [])]
    states = {alarm["AlarmName"]: alarm for alarm in alarms}
    for name in watched.names:
        if name in states and states[name].get("StateValue") == "ALARM":
            reason = states[name].get("StateReason") or "no reason was given"
            return f"the alarm {quoted(name)} of {watched.place} is in ALARM ({reason})"
    return _missing(watched, states)


def _missing(watched: Watched, found: Iterable[str]) -> str:
    missing = set(watched.names) - set(found)
    return f"{watched.place} has no alarm {listed_names(missing)}" if missing else ""
