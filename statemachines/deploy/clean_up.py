"""Clean Up: deletes what executions have left that were stopped. It is no task of the state machine.

The status event of an execution invokes it, and a schedule, in case an event was lost. Lambda invokes it
again after one and after two minutes if it raises an error; after that the schedule does.

IAM: states:ListExecutions on the state machine and DescribeExecution on its executions;
cloudformation:ListChangeSets and DeleteChangeSet on the stacks that may be deployed; for a stack in a target,
sts:AssumeRole and sts:TagSession on its role, and the same for that role; s3:ListBucket and DeleteObject on
templates/* of TEMPLATE_BUCKET. Environment: STATE_MACHINE_ARN, TEMPLATE_BUCKET.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final

from aws_lambda_powertools import Logger

from statemachines.deploy.errors import CleanUpIncompleteError
from statemachines.deploy.leftovers import Cleaner, Cleaning
from statemachines.deploy.limits import (
    MAX_SWEPT_EXECUTIONS,
    SWEPT_EXECUTION_HOURS,
    SWEPT_STOP_HOURS,
    SWEPT_TEMPLATE_HOURS,
)
from statemachines.deploy.task import task, translate_for_deploy
from stepline.core import clients
from stepline.core.aws_errors import AWS_FAILURES
from stepline.core.environment import required
from stepline.core.fields import Fields, JsonObject

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_stepfunctions.literals import ExecutionStatusType

_SCHEDULED: Final = "Scheduled Event"
_SWEPT: Final[tuple[ExecutionStatusType, ...]] = ("ABORTED", "TIMED_OUT", "FAILED")
_log = Logger(service="deploy")


@task
def handler(event: Fields) -> JsonObject:
    """Event: "Step Functions Execution Status Change", or "Scheduled Event". Returns `{"deleted": […]}`.

    Raise `CleanUpIncompleteError` if something may be left.
    """
    cleaner = Cleaner(
        clients.stepfunctions(),
        clients.cloudformation_of,
        clients.s3(),
        bucket=required("TEMPLATE_BUCKET"),
        now=datetime.fromtimestamp(time.time(), UTC),
    )
    if event.text("detail-type") == _SCHEDULED:
        cleaning = sweep(cleaner, required("STATE_MACHINE_ARN"))
    else:
        cleaning = cleaner.clean_up(event.section("detail").text("executionArn"))
    _log.info("Cleaned up", deleted=list(cleaning.deleted), pending=cleaning.pending)
    if cleaning.pending:
        raise CleanUpIncompleteError(f"{cleaning.pending} Lambda invokes this function again in a minute.")
    return {"deleted": list(cleaning.deleted)}


def sweep(cleaner: Cleaner, state_machine_arn: str) -> Cleaning:
    """Clean up after the executions that were stopped lately. If one cannot be cleaned up, the others are."""
    stopped = _stopped_lately(cleaner.stepfunctions, state_machine_arn, cleaner.now)
    cleanings = [_clean_up_or_log(cleaner, arn) for arn in islice(stopped, MAX_SWEPT_EXECUTIONS)]
    cleanings.append(cleaner.delete_old_templates(timedelta(hours=SWEPT_TEMPLATE_HOURS)))
    return Cleaning(
        deleted=tuple(name for each in cleanings for name in each.deleted),
        pending=next((each.pending for each in cleanings if each.pending), ""),
    )


def _clean_up_or_log(cleaner: Cleaner, arn: str) -> Cleaning:
    """Return what was deleted, and an error as pending; the next sweep deletes what cannot be deleted yet."""
    try:
        return Cleaning(cleaner.clean_up(arn).deleted)
    except AWS_FAILURES as error:
        reason = translate_for_deploy(error).message
        _log.warning("Execution not cleaned up", execution_arn=arn, reason=reason)
        return Cleaning(pending=f"The execution {arn} could not be cleaned up: {reason}")


def _stopped_lately(stepfunctions: SFNClient, arn: str, now: datetime) -> Iterator[str]:
    """Yield the executions; Step Functions lists those of each status by their start, the latest first."""
    earliest_start = now - timedelta(hours=SWEPT_EXECUTION_HOURS)
    earliest_stop = now - timedelta(hours=SWEPT_STOP_HOURS)
    for status in _SWEPT:
        pages = stepfunctions.get_paginator("list_executions").paginate(
            stateMachineArn=arn, statusFilter=status
        )
        for item in (item for page in pages for item in page["executions"]):
            if item["startDate"] < earliest_start:
                break
            if item.get("stopDate", now) >= earliest_stop:
                yield item["executionArn"]
