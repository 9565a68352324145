"""What the functions of the batch workflow read from their environment. All raise `SettingsError`."""

from __future__ import annotations

from collections.abc import Mapping

from statemachines.batch.limits import MAX_CONCURRENCY
from stepline.core.environment import number, required


def max_concurrency(environment: Mapping[str, str]) -> int:
    """Jobs of one step that are at Batch at a time."""
    return number(environment, "MAX_CONCURRENCY", MAX_CONCURRENCY)


def log_group(environment: Mapping[str, str]) -> str:
    """The log group of the jobs."""
    return required(environment, "JOB_LOG_GROUP")
