"""Deletes what an execution has left that was stopped, or that could not delete it itself.

That is the change set of each of its attempts, unless it was executed, and temporary templates. New stacks
are created by CreateStack, not by a change set, so no stack in REVIEW_IN_PROGRESS is left. An operation on a
stack that has begun is CloudFormation's: it continues.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from statemachines.deploy.attempt import (
    TEMPLATES_PREFIX,
    is_change_set_of,
    is_temporary_template,
    templates_of,
)
from statemachines.deploy.delete_change_set import delete_change_set
from statemachines.deploy.limits import MAX_TASK_SECONDS
from statemachines.deploy.request import DeployRequest
from stepline.core.aws_errors import FailureKind, classify, error_code
from stepline.core.clients import AssumedRole
from stepline.core.cloudformation.change_sets import is_being_deleted, was_executed
from stepline.core.cloudformation.errors import stack_does_not_exist
from stepline.core.errors import InvalidInputError
from stepline.core.executions.describe import Status

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import ChangeSetSummaryTypeDef
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

_ASSUME_ROLE = "AssumeRole"
_log = Logger(service="deploy")
_ENDED_BY_OTHERS = frozenset({Status.ABORTED, Status.TIMED_OUT})


@dataclass(frozen=True)
class Cleaning:
    """What was deleted, and why the execution must be cleaned up again; empty if it need not."""

    deleted: tuple[str, ...] = ()
    pending: str = ""


@dataclass(frozen=True)
class Cleaner:
    """`now`: when it was started, `bucket` that of temporary templates.

    `cloudformation_of` returns the client for a target's role, or for the pipeline's own account.
    """

    stepfunctions: SFNClient
    cloudformation_of: Callable[[AssumedRole | None], CloudFormationClient]
    s3: S3Client
    bucket: str
    now: datetime

    def clean_up(self, execution_arn: str) -> Cleaning:
        """Delete what the execution has left. An execution that runs, perhaps again, is not touched.

        If it is redriven in this moment, it finds no change set, and makes a second attempt.
        """
        try:
            execution = self.stepfunctions.describe_execution(executionArn=execution_arn)
        except ClientError as error:
            if error_code(error) == "ExecutionDoesNotExist":
                return Cleaning()
            raise
        status = Status(execution["status"])
        request = _request(execution.get("input", ""))
        if status.is_open:
            return Cleaning(pending="The execution is described as running, perhaps by an older answer.")
        if request is None:
            return Cleaning()
        cloudformation = self.cloudformation_of(request.target.role if request.target else None)
        deleted, pending = [], ""
        for change_set in _change_sets(cloudformation, request.stack_name, execution["name"]):
            name = change_set["ChangeSetName"]
            if delete_change_set(cloudformation, change_set["StackId"], name):
                deleted.append(name)
            else:
                pending = f"The change set {name} cannot be deleted yet."
        deleted += self._delete_templates(templates_of(execution_arn, execution["name"]))
        stopped = execution.get("stopDate", self.now)
        if status in _ENDED_BY_OTHERS and self.now - stopped < timedelta(seconds=MAX_TASK_SECONDS):
            pending = pending or "A task of the execution may still be running."
        return Cleaning(tuple(deleted), pending)

    def delete_old_templates(self, older_than: timedelta) -> Cleaning:
        """Delete up to 1,000 temporary templates of any executions: a task needs one for a minute."""
        response = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=TEMPLATES_PREFIX)
        old = [
            item["Key"]
            for item in response.get("Contents", [])
            if is_temporary_template(item["Key"]) and item["LastModified"] < self.now - older_than
        ]
        for key in old:
            self.s3.delete_object(Bucket=self.bucket, Key=key)
        return Cleaning(tuple(old))

    def _delete_templates(self, prefix: str) -> list[str]:
        response = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        keys = [item["Key"] for item in response.get("Contents", [])]
        for key in keys:
            self.s3.delete_object(Bucket=self.bucket, Key=key)
        return keys


def _change_sets(
    cloudformation: CloudFormationClient, stack_name: str, execution_name: str
) -> Iterator[ChangeSetSummaryTypeDef]:
    """Yield the change sets of the execution that were not executed."""
    try:
        pages = cloudformation.get_paginator("list_change_sets").paginate(StackName=stack_name)
        found = [item for page in pages for item in page["Summaries"]]
    except ClientError as error:
        if _cannot_be_assumed(error):
            _log.warning("Role of the target not assumed", execution=execution_name, stack_name=stack_name)
            return
        if stack_does_not_exist(error):
            return
        raise
    for item in found:
        is_own = is_change_set_of(execution_name, item["ChangeSetName"], item.get("Description", ""))
        is_over = was_executed(item["ExecutionStatus"]) or is_being_deleted(item["Status"])
        if is_own and not is_over:
            yield item


def _cannot_be_assumed(error: ClientError) -> bool:
    """Return whether a target's role was denied; as a rule, the tasks were denied it, too."""
    return error.operation_name == _ASSUME_ROLE and classify(error) is FailureKind.PERMISSION


def _request(text: str) -> DeployRequest | None:
    """Return what the execution deploys; None if its input is invalid: then it has done nothing."""
    try:
        return DeployRequest.parse(json.loads(text or "{}"))
    except (InvalidInputError, ValueError):
        return None
