"""Starts a state machine for a written object. EventBridge invokes this function with the event.

IAM: states:StartExecution and states:DescribeStateMachine on the state machine; for CloudTrail's events,
which do not tell an object's size, s3:GetObject and s3:GetObjectVersion on the bucket's objects and
s3:ListBucket on the bucket, so that an object that is gone is told from one that may not be seen.
Environment: STATE_MACHINE_ARN.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from statemachines.fields import Fields, JsonObject
from statemachines.s3_trigger import settings
from statemachines.s3_trigger.errors import ExpressMachineError
from statemachines.s3_trigger.names import execution_name
from statemachines.s3_trigger.object_events import Ignored, ObjectWrite, known_version, read_event
from statemachines.task import task
from stepline.core import clients, strict_json
from stepline.core.aws_errors import FailureKind, classify
from stepline.core.executions.machines import is_express
from stepline.core.executions.start import start_execution

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from stepline.core.executions.arns import MachineArn

SERVICE: Final = "s3-trigger"
_log = Logger(service=SERVICE)


@task(SERVICE)
def handler(event: Fields) -> JsonObject:
    """Answers `{"executionArn": …}`, or `{"ignored": why}` for an event that starts nothing.

    Raises what keeps the execution from being started, so that Lambda runs the same event again, and keeps
    it in the end.
    """
    write = read_event(event)
    if isinstance(write, ObjectWrite) and write.size_bytes is None:
        write = _looked_at(clients.s3(), write)
    if isinstance(write, Ignored):
        _log.info("event ignored", reason=write.reason)
        return {"ignored": write.reason}
    execution = start(write, settings.machine())
    _log.info("execution started", execution_arn=execution)
    return {"executionArn": execution}


def start(write: ObjectWrite, machine: MachineArn) -> str:
    """The ARN of the write's execution, which may have been started before."""
    if _is_express(machine):
        raise ExpressMachineError(
            f"{machine.name} is an Express state machine, of which an event that comes twice starts two"
            " executions. Use a Standard one."
        )
    return str(start_execution(clients.stepfunctions(), machine, execution_name(write), input_text(write)))


def input_text(write: ObjectWrite) -> str:
    """The execution's input, in one way only: the same write must be the same text."""
    return strict_json.canonical(
        {"bucket": write.bucket, "key": write.key, "size": write.size_bytes, "version": write.version}
    )


@functools.cache
def _is_express(machine: MachineArn) -> bool:
    """Asked once per container: the type of a machine never changes."""
    return is_express(clients.stepfunctions(), machine)


def _looked_at(s3: S3Client, write: ObjectWrite) -> ObjectWrite | Ignored:
    """The write with its object's size and version, if the object is still there."""
    try:
        if write.version is None:
            answer = s3.head_object(Bucket=write.bucket, Key=write.key)
        else:
            answer = s3.head_object(Bucket=write.bucket, Key=write.key, VersionId=write.version)
    except ClientError as error:
        if classify(error) is FailureKind.MISSING:
            return Ignored("the object is gone")
        raise
    version = write.version or known_version(answer.get("VersionId"))
    return replace(write, size_bytes=answer["ContentLength"], version=version)
