"""Patches what takes time in moto's states: it follows the wall clock, and a stop does not end it."""

from __future__ import annotations

import datetime
from types import SimpleNamespace
from typing import Any

from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata
from moto.stepfunctions.parser.asl.component.state import state
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_callback
from moto.stepfunctions.parser.asl.component.state.wait.wait_function import seconds as seconds_field
from moto.stepfunctions.parser.asl.component.state.wait.wait_function import timestamp, wait_function

from stepline.localaws.emulators.moto.choices import parse_timestamp
from stepline.localaws.emulators.moto.data import aws_time
from stepline.localaws.emulators.moto.failures import evaluation_failure, type_failure
from stepline.localaws.stepfunctions.threads import own_threads


def wait_on_the_clock() -> None:
    """Wait on the execution's clock; moto counts seconds of the wall clock, and misses an earlier stop."""

    def wait_interval(_self: Any, env: Any, wait_seconds: float) -> None:
        own_threads().wait(lambda: not env.is_running(), wait_seconds)

    wait_function.WaitFunction._wait_interval = wait_interval


def wait_until_timestamps_of_the_clock() -> None:
    """Compare `Timestamp` with the clock in UTC; moto compares it with local time, and knows no offsets."""
    timestamp.Timestamp._from_timestamp_string = staticmethod(_parse_naive_utc)
    timestamp.Timestamp._create_failure_event = _timestamp_failure(timestamp.Timestamp._create_failure_event)
    timestamp.datetime = SimpleNamespace(
        datetime=SimpleNamespace(now=_naive_now, strptime=datetime.datetime.strptime),
        timezone=datetime.timezone,
    )


def wait_for_numbers_of_seconds() -> None:
    """Fail with States.QueryEvaluationError for `Seconds` that are no number; moto has a Python error."""

    def seconds(self: Any, env: Any) -> int:
        self.string_jsonata.eval(env=env)
        value = env.stack.pop()
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise type_failure(env, self.string_jsonata, "number", value)
        return int(value)

    seconds_field.SecondsJSONata._get_wait_seconds = seconds


def _parse_naive_utc(timestamp: str) -> datetime.datetime | None:
    moment = parse_timestamp(timestamp)
    return None if moment is None else moment.replace(tzinfo=None, microsecond=0)


def _timestamp_failure(original: Any) -> Any:
    def create(self: Any, env: Any, text: str) -> Any:
        if not isinstance(self.string, StringJSONata):
            return original(self, env, text)
        cause = (
            "The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: "
            f"{text}"
        )
        return evaluation_failure(env, cause, self.string.location).failure_event

    return create


def back_off_on_the_clock() -> None:
    """Sleep before a retry on the clock; moto sleeps on the wall clock, and no stop wakes it."""

    facade = SimpleNamespace(sleep=lambda seconds: own_threads().sleep(seconds))
    retrier_decl.time = facade
    state_task_service_callback.time = facade


def enter_states_on_the_clock() -> None:
    """Read `$$.State.EnteredTime` from the clock, in AWS's format; moto reads the wall clock."""
    now = SimpleNamespace(now=lambda tz: SimpleNamespace(isoformat=lambda: aws_time(own_threads().now())))
    state.datetime = SimpleNamespace(datetime=now, timezone=datetime.timezone)


def _naive_now() -> datetime.datetime:
    return own_threads().now().replace(tzinfo=None)
