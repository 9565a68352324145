"""Wakes the worker when the timeout of an action has passed, by a schedule of EventBridge Scheduler.

Each held job of an action with a TimeoutMinutes of its own has a schedule, which fires within 60 seconds
[doc: EventBridge Scheduler, "Schedule types"] and deletes itself then. If the action has ended before, the
worker finds no job. If a schedule is missing, a sweep sees the timeout later.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from pipeline.observability import logger
from pipeline.worker_settings import TimeoutSettings
from stepline.core.aws_errors import AWS_FAILURES, error_code, failed_call

if TYPE_CHECKING:
    from mypy_boto3_scheduler import EventBridgeSchedulerClient

ACTION_TIMEOUT: Final = "Action Timeout"
"""`detail-type` of the schedule's event [ours]."""


def wake_at_timeout(
    scheduler: EventBridgeSchedulerClient, settings: TimeoutSettings, first_job_id: str, deadline: int
) -> None:
    """Create the schedule of an action, unless it exists. `deadline` is in seconds since 1970.

    If that fails, log a warning. IAM: scheduler:CreateSchedule in the group, and iam:PassRole of its role.
    """
    event = {"detail-type": ACTION_TIMEOUT, "detail": {"firstJob": first_job_id}}
    try:
        scheduler.create_schedule(
            GroupName=settings.schedule_group,
            Name=f"{first_job_id}-{deadline}",
            ScheduleExpression=f"at({datetime.fromtimestamp(deadline, UTC):%Y-%m-%dT%H:%M:%S})",
            FlexibleTimeWindow={"Mode": "OFF"},
            ActionAfterCompletion="DELETE",
            Target={
                "Arn": settings.worker_arn,
                "RoleArn": settings.schedule_role_arn,
                "Input": json.dumps(event),
            },
        )
    except AWS_FAILURES as error:
        if error_code(error) != "ConflictException":
            problem = failed_call("scheduler:CreateSchedule", settings.schedule_group, error)
            logger.warning("The timeout is left to the sweep", extra=problem.fields)
