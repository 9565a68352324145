"""Plan Rollout: validates the input and all targets, and divides the targets into waves.

IAM, only for inputs with `targetsPath`: s3:GetObject on the artifacts (kms:Decrypt with their key).
Environment: MAX_CONCURRENCY, the deployments that run at a time by default; BAKE_POLL_SECONDS; see also
`ApprovalSetting.of`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from statemachines.approvals.setting import NOT_NEEDED, ApprovalSetting
from statemachines.deploy.request import USER_KEYS
from statemachines.rollout.approval import WAVE_APPROVAL
from statemachines.rollout.limits import (
    MAX_BAKE_POLLS,
    MAX_CONCURRENCY,
    MAX_PLAN_BYTES,
    MAX_POLL_SECONDS,
)
from statemachines.rollout.targets import alarm_names, parse_targets, read_target_file
from statemachines.rollout.waves import Wave, divide, parse_waves
from statemachines.task import task
from stepline.core import clients
from stepline.core.environment import number
from stepline.core.errors import InvalidInputError
from stepline.core.executions.arns import ExecutionArn
from stepline.core.fields import Fields, JsonObject
from stepline.core.large_data import refuse_reference
from stepline.core.trigger_keys import TRIGGER_KEYS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_ROLLOUT_KEYS: Final = (
    "targets",
    "targetsPath",
    "waves",
    "maxConcurrency",
    "toleratedFailures",
    "bakeMinutes",
    WAVE_APPROVAL,
    "alarms",
    "targetAlarms",
)


@task("rollout")
def handler(event: Fields) -> JsonObject:
    """Event `{"input": …, "execution": the ARN}`. Returns `{"plan": …, "progress": …}`, the state's data."""
    rollout = ExecutionArn.parse(event.text("execution"))
    if rollout is None:
        raise event.wrong("execution", "must be the ARN of an execution", event.text("execution"))
    return plan_rollout(event.value("input"), rollout, clients.s3)


def plan_rollout(document: Any, rollout: ExecutionArn, s3: Any) -> JsonObject:
    """Return the plan. `s3()` returns the client, if the targets are in a file. Raise `InvalidInputError`."""
    fields = Fields(document, "the input")
    refuse_reference(fields)
    fields.allow_only((*_ROLLOUT_KEYS, *USER_KEYS, *TRIGGER_KEYS))
    base = {key: fields.value(key) for key in (*USER_KEYS, *TRIGGER_KEYS) if key in fields}
    targets = parse_targets(_items(fields, s3), base, rollout)
    waves = list(divide(targets, parse_waves(fields)))
    target_alarms = alarm_names(fields, "targetAlarms")
    plan = {
        "input": base,
        "waves": [_wave(wave, target_alarms, rollout) for wave in waves],
        "alarms": list(alarm_names(fields, "alarms")),
        "maxConcurrency": _max_concurrency(fields),
        "toleratedFailures": fields.count("toleratedFailures") if "toleratedFailures" in fields else 0,
        "pollSeconds": _poll_seconds(waves),
    }
    _check_size(plan, len(targets))
    return {"plan": plan, "progress": {"wave": 0, "results": [], "approvals": []}}


def _items(fields: Fields, s3: Any) -> list[Fields]:
    if ("targets" in fields) == ("targetsPath" in fields):
        raise InvalidInputError(
            'The input must have either "targets", a list, or "targetsPath", a file in the artifact.'
        )
    if "targets" in fields:
        return fields.sections("targets")
    client: S3Client = s3()
    return read_target_file(client, fields, fields.text("targetsPath"))


def _wave(wave: Wave, target_alarms: Sequence[str], rollout: ExecutionArn) -> JsonObject:
    setting = ApprovalSetting.of(wave.approval)
    return {
        "name": wave.name,
        "bakeSeconds": wave.bake_minutes * 60,
        "approval": setting.needed if setting.is_asked else NOT_NEEDED,
        "targets": [
            {
                "name": target.name,
                "executionName": target.execution_name(rollout),
                "alarms": list(dict.fromkeys((*target_alarms, *target.alarms))),
                "input": target.overrides,
            }
            for target in wave.targets
        ],
    }


def _max_concurrency(fields: Fields) -> int:
    if "maxConcurrency" not in fields:
        return number("MAX_CONCURRENCY", MAX_CONCURRENCY)
    value = fields.count("maxConcurrency")
    if not 1 <= value <= MAX_CONCURRENCY:
        raise fields.problem("maxConcurrency", f"must be from 1 to {MAX_CONCURRENCY}, but it is {value}")
    return value


def _poll_seconds(waves: Iterable[Wave]) -> int:
    """Return the time between two checks of alarms: at most MAX_BAKE_POLLS are made."""
    total = sum(wave.bake_minutes for wave in waves) * 60
    return max(number("BAKE_POLL_SECONDS", MAX_POLL_SECONDS), math.ceil(total / MAX_BAKE_POLLS))


def _check_size(plan: JsonObject, targets: int) -> None:
    size = len(json.dumps(plan, ensure_ascii=False).encode())
    if size > MAX_PLAN_BYTES:
        raise InvalidInputError(
            f"The input and its {targets} targets have {size:,} bytes as JSON; at most {MAX_PLAN_BYTES:,} "
            "are possible. Move what all targets share from targets to the input, or use several rollouts."
        )
