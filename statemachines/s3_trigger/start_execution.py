"""Starts a state machine for a written object. EventBridge invokes this function with the event.

IAM: states:StartExecution and states:DescribeStateMachine on the state machine; for CloudTrail's events,
which do not contain an object's size, s3:GetObject and s3:GetObjectVersion on the bucket's objects and
s3:ListBucket on the bucket, without which S3 returns AccessDenied for a deleted object. Environment:
STATE_MACHINE_ARN, the state machine to start, or a version or alias of it.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from statemachines.s3_trigger.errors import ExpressNotSupportedError
from statemachines.s3_trigger.execution_names import execution_name
from statemachines.s3_trigger.object_events import Ignored, ObjectWrite, known_version, read_event
from statemachines.task import task
from stepline.core import clients, environment, strict_json
from stepline.core.aws_errors import FailureKind, classify
from stepline.core.executions.machines import is_express
from stepline.core.executions.start import start_execution
from stepline.core.fields import Fields, JsonObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from stepline.core.executions.arns import MachineArn

SERVICE: Final = "s3-trigger"
_log = Logger(service=SERVICE)


@task(SERVICE)
def handler(event: Fields) -> JsonObject:
    """Returns `{"executionArn": …}`, or `{"ignored": reason}` for an event that starts nothing.

    If the execution cannot be started, an error is raised: Lambda retries the event, and then sends it to the
    failure destination.
    """
    write = read_event(event)
    if isinstance(write, ObjectWrite) and write.size_bytes is None:
        write = _describe_object(clients.s3(), write)
    if isinstance(write, Ignored):
        _log.info("Event ignored", reason=write.reason)
        return {"ignored": write.reason}
    execution = start(write, environment.machine("STATE_MACHINE_ARN"))
    _log.info("Execution started", execution_arn=execution)
    return {"executionArn": execution}


def start(write: ObjectWrite, machine: MachineArn) -> str:
    """Start the execution, or find the one that was started before. Return its ARN."""
    if _is_express(machine):
        raise ExpressNotSupportedError(
            f"{machine.name} is an Express state machine, of which a repeated event would start a second"
            " execution. Use a Standard state machine."
        )
    return str(start_execution(clients.stepfunctions(), machine, execution_name(write), input_text(write)))


def input_text(write: ObjectWrite) -> str:
    """Return the execution's input, which is the same text for the same write."""
    return strict_json.canonical(
        {"bucket": write.bucket, "key": write.key, "size": write.size_bytes, "version": write.version}
    )


@functools.cache
def _is_express(machine: MachineArn) -> bool:
    """Return whether the state machine is Express. It is described once per container."""
    return is_express(clients.stepfunctions(), machine)


def _describe_object(s3: S3Client, write: ObjectWrite) -> ObjectWrite | Ignored:
    """Return the write with the object's size and version, if the object still exists."""
    try:
        if write.version is None:
            response = s3.head_object(Bucket=write.bucket, Key=write.key)
        else:
            response = s3.head_object(Bucket=write.bucket, Key=write.key, VersionId=write.version)
    except ClientError as error:
        if classify(error) is FailureKind.MISSING:
            return Ignored("the object was deleted")
        raise
    version = write.version or known_version(response.get("VersionId"))
    return replace(write, size_bytes=response["ContentLength"], version=version)
