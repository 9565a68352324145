"""The worker's settings besides those of `settings`; all are required.

| variable                     | meaning                                                                 |
|------------------------------|-------------------------------------------------------------------------|
| `ACTION_CATEGORY`            | category of the custom action type                                      |
| `ACTION_PROVIDER`            | its provider                                                            |
| `ACTION_VERSION`             | its version                                                             |
| `OPEN_JOBS_TABLE`            | DynamoDB table of the jobs that wait for the end of an execution        |
| `SCHEDULE_GROUP`             | group of EventBridge Scheduler for the timeouts of actions              |
| `SCHEDULE_ROLE_ARN`          | role with which its schedules invoke the worker                         |
| `WORKER_ARN`                 | the worker's function                                                   |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.custom_jobs import ActionType
from pipeline.settings import OPEN_JOBS_TABLE
from stepline.core import environment as variables

ACTION_CATEGORY = "ACTION_CATEGORY"
ACTION_PROVIDER = "ACTION_PROVIDER"
ACTION_VERSION = "ACTION_VERSION"
SCHEDULE_GROUP = "SCHEDULE_GROUP"
SCHEDULE_ROLE_ARN = "SCHEDULE_ROLE_ARN"
WORKER_ARN = "WORKER_ARN"


@dataclass(frozen=True)
class TimeoutSettings:
    """What `timeouts` needs to create a schedule."""

    schedule_group: str
    schedule_role_arn: str
    worker_arn: str


@dataclass(frozen=True)
class WorkerSettings:
    action_type: ActionType
    table: str
    timeouts: TimeoutSettings


def load_worker_settings(environment: Mapping[str, str]) -> WorkerSettings:
    """Read the settings that only the worker has. Raise `SettingsError`, naming the variable."""
    return WorkerSettings(
        action_type=ActionType(
            category=variables.required(ACTION_CATEGORY, environment),
            provider=variables.required(ACTION_PROVIDER, environment),
            version=variables.required(ACTION_VERSION, environment),
        ),
        table=variables.required(OPEN_JOBS_TABLE, environment),
        timeouts=TimeoutSettings(
            schedule_group=variables.required(SCHEDULE_GROUP, environment),
            schedule_role_arn=variables.required(SCHEDULE_ROLE_ARN, environment),
            worker_arn=variables.required(WORKER_ARN, environment),
        ),
    )
