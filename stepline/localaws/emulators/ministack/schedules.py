"""Patches ministack's schedules, of rules and of EventBridge Scheduler, which are late and ignore much.

It looks every ten seconds, invokes the targets of EventBridge Scheduler as those of rules, without their
role, and ignores time zones, context attributes and that a rate begins at once.
"""

from __future__ import annotations

import contextvars
import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ministack.core import responses
from ministack.services import eventbridge, scheduler

from stepline.localaws.emulators.ministack.eventbridge import SCHEDULER, invoking_service
from stepline.localaws.iam import Actor, Permission
from stepline.localaws.service_roles import ServiceRoles

_log = logging.getLogger(__name__)

_TICK_SECONDS = 0.5
_ONCE = "at("
_ACTIONS = {
    "codebuild": "codebuild:StartBuild",
    "codepipeline": "codepipeline:StartPipelineExecution",
    "events": "events:PutEvents",
    "lambda": "lambda:InvokeFunction",
    "sns": "sns:Publish",
    "sqs": "sqs:SendMessage",
    "states": "states:StartExecution",
}
"""What the role of a schedule needs, by the service of its target [Scheduler guide, "Templated targets"]."""

_Json = dict[str, Any]
_Response = tuple[int, dict[str, str], bytes]


def fire_within_a_second() -> None:
    """Look for due schedules more often. The threads end with the process."""
    eventbridge._SCHEDULER_TICK_INTERVAL = _TICK_SECONDS
    scheduler._SCHEDULE_TICK_INTERVAL = _TICK_SECONDS


def fire_schedules_as_scheduler(roles: ServiceRoles) -> None:
    """Fire the schedules of EventBridge Scheduler when they are due, with the permissions of their role."""
    fired: dict[tuple[str, str, str], float] = {}
    planned: dict[tuple[str, str, str], tuple[object, float | None]] = {}
    """When each schedule is due, so that the expressions of a thousand are not parsed at every tick."""

    def due_time(key: tuple[str, str, str], schedule: _Json, last: float | None) -> float | None:
        state = schedule["LastModificationDate"], last
        if planned.get(key, (None,))[0] != state:
            planned[key] = state, _next_time(schedule, last)
        return planned[key][1]

    def tick() -> None:
        now = time.time()
        for key, schedule in list(scheduler._schedules._data.items()):
            if schedule.get("State") != "ENABLED":
                continue
            # An update, or a new schedule of the name, begins anew.
            last = fired.get(key)
            if last is not None and last < schedule["LastModificationDate"]:
                last = None
            due = due_time(key, schedule, last)
            if due is not None and due > now:
                continue
            if due is not None:
                fired[key] = now
                contextvars.copy_context().run(_fire, key, schedule, due, roles)
            if _is_complete(schedule, fired.get(key), now):
                for known in (scheduler._schedules._data, fired, planned):
                    known.pop(key, None)

    scheduler._tick_schedules = tick


def check_schedules(roles: ServiceRoles) -> None:
    """Refuse a schedule without a valid expression and time zone, or whose role cannot be assumed."""
    for name in ("_create_schedule", "_update_schedule"):
        setattr(scheduler, name, _checked(getattr(scheduler, name), roles))


def _checked(original: Callable[..., _Response], roles: ServiceRoles) -> Callable[..., _Response]:
    def change(name: str, body: _Json) -> _Response:
        if message := _problem(body, roles):
            response: _Response = scheduler._error(400, "ValidationException", message)
            return response
        return original(name, body)

    return change


def _problem(body: Mapping[str, Any], roles: ServiceRoles) -> str | None:
    expression = body.get("ScheduleExpression", "")
    if expression and not _is_valid(expression):
        return f"Invalid Schedule Expression {expression}."
    if _zone(body) is None:
        return "The provided timezone is invalid."
    role = body.get("Target", {}).get("RoleArn")
    if role and not roles.can_assume(Actor(SCHEDULER, role, "schedule")):
        return "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
    return None


def _is_valid(expression: str) -> bool:
    if expression.startswith(_ONCE):
        return _at(expression, UTC) is not None
    is_rate = eventbridge._parse_rate_seconds(expression) is not None
    return is_rate or eventbridge._parse_cron_fields(expression) is not None


def _next_time(schedule: Mapping[str, Any], last: float | None) -> float | None:
    """Return when the schedule is due after it was fired at `last`, as epoch seconds; None if never.

    A rate begins at StartDate, or at once
    (https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html).
    """
    expression = schedule.get("ScheduleExpression", "")
    start = scheduler._to_epoch(schedule.get("StartDate"))
    begin = max(start or 0.0, schedule["LastModificationDate"])
    zone = _zone(schedule) or UTC
    if expression.startswith(_ONCE):
        return None if last is not None else _at(expression, zone)
    due: float | None
    if interval := eventbridge._parse_rate_seconds(expression):
        due = begin if last is None else last + interval
    else:
        due = _next_cron(expression, begin if last is None else last, zone)
    end = scheduler._to_epoch(schedule.get("EndDate"))
    return None if due is None or (end is not None and due > end) else due


def _at(expression: str, zone: ZoneInfo | Any) -> float | None:
    text = expression.removeprefix(_ONCE).removesuffix(")")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or zone).timestamp()


def _next_cron(expression: str, after: float, zone: ZoneInfo | Any) -> float | None:
    fields = eventbridge._parse_cron_fields(expression)
    if fields is None:
        return None
    found: datetime | None = eventbridge._cron_next_fire(fields, datetime.fromtimestamp(after, tz=zone))
    return None if found is None else found.timestamp()


def _zone(schedule: Mapping[str, Any]) -> ZoneInfo | None:
    try:
        return ZoneInfo(schedule.get("ScheduleExpressionTimezone") or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return None


def _is_complete(schedule: Mapping[str, Any], last: float | None, now: float) -> bool:
    """Return whether a schedule is to be deleted, because it is not invoked any more.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-delete.html
    """
    if schedule.get("ActionAfterCompletion") != "DELETE":
        return False
    end = scheduler._to_epoch(schedule.get("EndDate"))
    return _next_time(schedule, last) is None and (last is not None or (end is not None and end < now))


def _fire(key: tuple[str, str, str], schedule: _Json, due: float, roles: ServiceRoles) -> None:
    account_id, region, name = key
    responses.set_request_account_id(account_id)
    responses.set_request_region(region)
    target = schedule["Target"]
    arn = target["Arn"]
    action = _ACTIONS.get(arn.split(":")[2])
    actor = Actor(SCHEDULER, target["RoleArn"], schedule["Name"])
    event = {
        "EventId": responses.new_uuid(),
        "Source": "aws.scheduler",
        "DetailType": "Scheduled Event",
        "Detail": "{}",
        "Time": due,
        "Resources": [schedule["Arn"]],
        "Account": account_id,
        "Region": region,
    }
    try:
        if action is not None:
            roles.authorize(actor, [Permission(action, arn)])
        invoking_service.set(SCHEDULER)
        eventbridge._invoke_target({**target, **_input(schedule, event)}, event, schedule)
    except Exception as error:
        _log.warning("EventBridge Scheduler cannot invoke the target of %s: %s", name, error)


def _input(schedule: Mapping[str, Any], event: Mapping[str, Any]) -> dict[str, str]:
    """Return the target's Input with the values of its context attributes, if it has one.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
    """
    text = schedule["Target"].get("Input")
    if not text:
        return {}
    attributes = {
        "schedule-arn": schedule["Arn"],
        "scheduled-time": f"{datetime.fromtimestamp(event['Time'], tz=UTC):%Y-%m-%dT%H:%M:%SZ}",
        "execution-id": event["EventId"],
        "attempt-number": "1",
    }
    for name, value in attributes.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return {"Input": text}
