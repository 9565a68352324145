"""The worker's settings besides those of `settings`; all are required.

| variable                     | meaning                                                                 |
|------------------------------|-------------------------------------------------------------------------|
| `ACTION_CATEGORY`            | category of the custom action type                                      |
| `ACTION_PROVIDER`            | its provider                                                            |
| `ACTION_VERSION`             | its version                                                             |
| `OPEN_JOBS_TABLE`            | DynamoDB table of the jobs that wait for the end of an execution        |
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


@dataclass(frozen=True)
class WorkerSettings:
    action_type: ActionType
    table: str


def load_worker_settings(environment: Mapping[str, str]) -> WorkerSettings:
    """Read the settings that only the worker has. Raise `SettingsError`, naming the variable."""
    return WorkerSettings(
        action_type=ActionType(
            category=variables.required(ACTION_CATEGORY, environment),
            provider=variables.required(ACTION_PROVIDER, environment),
            version=variables.required(ACTION_VERSION, environment),
        ),
        table=variables.required(OPEN_JOBS_TABLE, environment),
    )
