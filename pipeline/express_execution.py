"""Runs Express executions: at most one per action, which ends within the invocation.

StartSyncExecution is not idempotent, an Express execution cannot be described, and Lambda may invoke the
function twice for a job. So an invocation first claims the job: it creates an object in the bucket
`EXPRESS_CLAIMS_BUCKET`, by a conditional write (`If-None-Match: *`), which succeeds once. Afterwards it adds
the execution's result, which later invocations return. If the result is missing after the five minutes of an
Express execution, the outcome is unknown, and the job fails with this message.
"""

from __future__ import annotations

import dataclasses
import uuid
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, ConnectionError  # noqa: A004 - botocore's name

from pipeline.errors import ExecutionLostError, InternalError
from pipeline.express_claims import Claim, ClaimStore
from pipeline.limits import EXPRESS_JOB_SECONDS, EXPRESS_RESULT_MARGIN_SECONDS
from pipeline.observability import logger
from pipeline.settings import EXPRESS_CLAIMS_BUCKET
from stepline.core.aws_errors import AWS_FAILURES, AwsFailure, error_code, failed_call, http_status
from stepline.core.errors import ConfigurationError, TransientAwsError
from stepline.core.executions.arns import ExecutionArn, MachineArn
from stepline.core.executions.describe import Execution, parse_execution

if TYPE_CHECKING:
    from pipeline.action import Action

_MAX_WAIT_SECONDS = EXPRESS_JOB_SECONDS
_HTTP_SERVER_ERROR = 500


def run_express_execution(action: Action, machine: MachineArn, text: str) -> Execution:
    """Start an execution with the input `text` and wait until it has ended.

    Raise `ExecutionLostError` if its outcome is unknown, `TransientAwsError` if another invocation is still
    waiting for it, and the errors of `failed_call` if AWS refuses a call.
    """
    claims = _claim_store(action, machine)
    wait_seconds = min(action.remaining_seconds - EXPRESS_RESULT_MARGIN_SECONDS, _MAX_WAIT_SECONDS)
    if wait_seconds <= 0:
        raise TransientAwsError("The invocation has too little time left to wait for an Express execution.")
    own = Claim(machine=str(machine), owner=uuid.uuid4().hex, claimed=action.now)
    name = action.continuation.execution_name
    if not claims.take(name, own):
        claim = claims.read(name)
        if claim is None:
            raise TransientAwsError("The claim of the Express execution has just been released.")
        if claim.owner != own.owner:  # otherwise a retry of botocore has found its own first attempt
            return _result(action, claim)
    execution = _start_and_wait(action, machine, text, claims, wait_seconds)
    _record(claims, name, dataclasses.replace(own, result=execution))
    return execution


def find_express_execution(action: Action, machine: MachineArn) -> Execution | None:
    """Return the ended execution of an earlier invocation for this job, or None if none was started."""
    claim = _claim_store(action, machine).read(action.continuation.execution_name)
    return None if claim is None else _result(action, claim)


def _claim_store(action: Action, machine: MachineArn) -> ClaimStore:
    bucket = action.dependencies.settings.express_claims_bucket
    if bucket is None:
        raise ConfigurationError(
            f"{machine.name} is an Express state machine, which a repeated event would start twice."
            f" Set {EXPRESS_CLAIMS_BUCKET} of the trigger function to a bucket that records what was"
            " started, or use a Standard state machine."
        )
    return ClaimStore(action.dependencies.clients.s3, bucket)


def _result(action: Action, claim: Claim) -> Execution:
    if claim.result is not None:
        return claim.result
    if action.now - claim.claimed <= _MAX_WAIT_SECONDS:
        raise TransientAwsError("The Express execution was started, and its result is not recorded yet.")
    raise _lost(claim.machine)


def _lost(machine: str) -> ExecutionLostError:
    return ExecutionLostError(
        f"The outcome of the Express execution of {machine} is unknown: it was started, but the wait for it"
        " was interrupted. Check the state machine's log before you retry; set the trigger function's timeout"
        f" to {_MAX_WAIT_SECONDS + EXPRESS_RESULT_MARGIN_SECONDS} s."
    )


def _start_and_wait(
    action: Action, machine: MachineArn, text: str, claims: ClaimStore, wait_seconds: float
) -> Execution:
    name = action.continuation.execution_name
    client = action.dependencies.clients.sync_stepfunctions(wait_seconds)
    try:
        response = client.start_sync_execution(stateMachineArn=str(machine), name=name, input=text)
    except AWS_FAILURES as error:
        if not _was_refused(error):
            raise _lost(str(machine)) from error
        claims.release(name)
        raise failed_call("states:StartSyncExecution", str(machine), error) from error
    arn = ExecutionArn.parse(response["executionArn"])
    if arn is None:
        raise InternalError("StartSyncExecution returned an ARN that is not that of an execution.")
    execution = parse_execution(response, arn)
    if execution.status.is_open:
        raise _lost(str(machine))
    return execution


def _was_refused(error: AwsFailure) -> bool:
    """Return whether nothing was started: AWS refused the call, or was not reached."""
    if isinstance(error, ClientError):
        return 0 < http_status(error) < _HTTP_SERVER_ERROR
    return isinstance(error, ConnectionError)


def _record(claims: ClaimStore, name: str, claim: Claim) -> None:
    """Record the result. An error is only logged: the result is needed only if the event is repeated."""
    try:
        claims.record(name, claim)
    except AWS_FAILURES as error:
        logger.warning(
            "Could not record the result of the Express execution", extra={"error_code": error_code(error)}
        )
