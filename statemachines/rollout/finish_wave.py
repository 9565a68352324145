"""Finish Wave: counts the targets of a wave that failed, and decides what is next."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Any

from statemachines.approvals.setting import NOT_NEEDED
from statemachines.rollout.errors import WaveFailedError
from statemachines.rollout.results import Rollout
from statemachines.task import task
from stepline.core.fields import Fields, JsonObject


class Next(StrEnum):
    """What follows a wave, after its bake time and its approval."""

    WAVE = "wave"
    END = "end"


@task("rollout")
def handler(event: Fields) -> JsonObject:
    """Event: the state's data. Returns them with the results of the wave. Raises `WaveFailedError`.

    `progress` gets `next`, `bakes` (whether alarms are checked), `bake`, `approval` (whether a person is
    asked) and, at the end, `summary`.
    """
    plan, wave, outcomes = event.section("plan"), event.value("wave"), event.value("outcomes")
    before = Rollout.parse(event)
    rollout = replace(before, results=[*before.results, *outcomes])
    failures = sum(outcome["status"] == "failed" for outcome in outcomes)
    tolerated = plan.count("toleratedFailures")
    if failures > tolerated:
        allowed = f", of which {tolerated} are tolerated" if tolerated else ""
        count = f"{failures} of {len(outcomes)} targets failed{allowed}"
        raise WaveFailedError(f"The rollout stopped in {rollout.name}: {count}. {rollout.describe()}")
    seconds = wave["bakeSeconds"]
    has_alarms = bool(plan.value("alarms")) or any(target["alarms"] for target in wave["targets"])
    progress: dict[str, Any] = {
        "wave": rollout.wave,
        "nextWave": rollout.wave + 1,
        "results": rollout.results,
        "approvals": rollout.approvals,
        "approval": NOT_NEEDED if rollout.is_last else wave["approval"],
        "next": Next.END if rollout.is_last else Next.WAVE,
        "bakes": bool(seconds or has_alarms),
        "bake": bake(seconds, plan.count("pollSeconds")),
        "summary": rollout.summary() if rollout.is_last else "",
    }
    return {"plan": event.value("plan"), "wave": wave, "progress": progress}


def bake(remaining_seconds: int, poll_seconds: int) -> JsonObject:
    """Return the rest of the bake time, and how long to wait before the alarms are checked."""
    return {
        "remainingSeconds": remaining_seconds,
        "waitSeconds": min(remaining_seconds, poll_seconds),
        "isOver": remaining_seconds <= 0,
    }
