"""Activities: tasks of state machines that workers ask for [guide, "Activities"]."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from stepline.localaws.clock import VirtualClock
from stepline.localaws.context import Context
from stepline.localaws.protocol import Params
from stepline.localaws.stepfunctions import errors
from stepline.localaws.stepfunctions.names import Arns
from stepline.localaws.stepfunctions.settings import ACTIVITY_POLL_SECONDS
from stepline.localaws.stepfunctions.validation import check_arn, check_name


class ActivityTask(Protocol):
    """A task that waits for a worker."""

    task_token: str
    task_input: str


@dataclass
class Activity:
    """An activity and its tasks, the oldest first."""

    arn: str
    name: str
    creation_date: datetime
    tasks: deque[ActivityTask] = field(default_factory=deque)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def add_task(self, task: ActivityTask) -> None:
        """Add a task, which the interpreter calls."""
        with self.changed:
            self.tasks.append(task)
            self.changed.notify()

    @property
    def has_task(self) -> bool:
        return bool(self.tasks)


class Activities:
    """All activities. Safe to use from several threads."""

    def __init__(self, context: Context) -> None:
        self._clock = context.clock
        self._arns = Arns(context.account_id, context.region)
        self.by_arn: dict[str, Activity] = {}

    def create(self, name: str) -> Activity:
        """Create an activity, or return the one of that name."""
        arn = self._arns.activity(check_name(name))
        return self.by_arn.setdefault(arn, Activity(arn, name, self._clock.now()))

    def delete(self, arn: str) -> None:
        """Delete an activity if it exists."""
        self.by_arn.pop(check_arn(arn, "activity"), None)

    def get(self, arn: str) -> Activity:
        """Return the activity. Raises ActivityDoesNotExist."""
        activity = self.by_arn.get(check_arn(arn, "activity"))
        if activity is None:
            raise errors.ActivityDoesNotExist(arn)
        return activity

    def list(self) -> list[Activity]:
        """Return all activities by name."""
        return sorted(self.by_arn.values(), key=lambda activity: activity.name)

    def next_task(self, arn: str, *, start: Callable[[str], bool]) -> Params:
        """Return a task as GetActivityTask does, which waits for one up to a minute, or an empty response.

        `start` is called with a task's token, and returns whether the task still waits for a worker.
        """
        activity = self.get(arn)
        deadline = self._clock.now() + timedelta(seconds=ACTIVITY_POLL_SECONDS)
        while (left := (deadline - self._clock.now()).total_seconds()) > 0:
            self._wait(activity, left)
            with activity.changed:
                task = activity.tasks.popleft() if activity.tasks else None
            if task is not None and start(task.task_token):
                return {"taskToken": task.task_token, "input": task.task_input}
        return {}

    def _wait(self, activity: Activity, seconds: float) -> None:
        if isinstance(self._clock, VirtualClock):
            timer = self._clock.call_later(seconds, lambda: None)
            end = self._clock.now() + timedelta(seconds=seconds)
            self._clock.run(until=lambda: activity.has_task or self._clock.now() >= end)
            timer.cancel()
            return
        with activity.changed:
            activity.changed.wait_for(lambda: activity.has_task, seconds)
