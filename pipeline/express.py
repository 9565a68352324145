"""Express machines: started at most once per action, and waited for within the invocation.

StartSyncExecution is not idempotent, an Express execution cannot be looked up, and the
same job may be delivered twice. So the job is claimed first: an object that only one
delivery can create (a conditional write, `If-None-Match: *`), in the bucket that
`EXPRESS_CLAIMS_BUCKET` names. What became of the execution is added to it, so that a
later delivery gives the same answer. If that is missing when the five minutes of an
Express execution are over, the outcome is unknown, and the job fails saying so.
"""

from __future__ import annotations

import dataclasses
import uuid
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, ConnectionError  # noqa: A004 - botocore's name

from pipeline.errors import ExecutionLostError, InternalError
from pipeline.express_claims import Claim, Claims
from pipeline.limits import EXPRESS_ANSWER_MARGIN_SECONDS, MAX_EXPRESS_SECONDS
from pipeline.settings import EXPRESS_CLAIMS_BUCKET
from stepline.core.aws_errors import AWS_FAILURES, AwsFailure, error_code, failed_call, http_status
from stepline.core.errors import ConfigurationError, TransientAwsError
from stepline.core.executions.arns import ExecutionArn, MachineArn
from stepline.core.executions.describe import Execution, execution_of
from stepline.core.observability import logger

if TYPE_CHECKING:
    from pipeline.action import Action

_MAX_WAIT_SECONDS = MAX_EXPRESS_SECONDS + 2 * EXPRESS_ANSWER_MARGIN_SECONDS
_HTTP_SERVER_ERROR = 500


def run_express(action: Action, machine: MachineArn, text: str) -> Execution:
    """Start `machine` with the input `text` and wait until it has ended.

    Raises `ExecutionLostError` if what became of it is unknown, `TransientAwsError` if another
    delivery of the job is still waiting for it, and what a refused call means otherwise.
    """
    claims = _claims(action, machine)
    wait_seconds = min(action.remaining_seconds - EXPRESS_ANSWER_MARGIN_SECONDS, _MAX_WAIT_SECONDS)
    if wait_seconds <= 0:
        raise TransientAwsError("The invocation has too little time left to wait for an Express execution.")
    own = Claim(machine=str(machine), owner=uuid.uuid4().hex, claimed=action.now)
    name = action.continuation.execution_name
    if not claims.take(name, own):
        claim = claims.read(name)
        if claim is None:
            raise TransientAwsError("The claim of the Express execution has just been released.")
        if claim.owner != own.owner:  # else a retry inside the client met its own first attempt
            return _result(action, claim)
    execution = _start_and_wait(action, machine, text, claims, wait_seconds)
    _record(claims, name, dataclasses.replace(own, result=execution))
    return execution


def find_express(action: Action, machine: MachineArn) -> Execution | None:
    """What an earlier delivery of the job came to; None if it did not start anything."""
    claim = _claims(action, machine).read(action.continuation.execution_name)
    return None if claim is None else _result(action, claim)


def _claims(action: Action, machine: MachineArn) -> Claims:
    bucket = action.services.settings.express_claims_bucket
    if bucket is None:
        raise ConfigurationError(
            f"{machine.name} is an Express state machine, which a job delivered twice would start twice."
            f" Set {EXPRESS_CLAIMS_BUCKET} of the trigger function to a bucket that remembers what was"
            " started, or use a Standard state machine."
        )
    return Claims(action.services.clients.s3, bucket)


def _result(action: Action, claim: Claim) -> Execution:
    if claim.result is not None:
        return claim.result
    if action.now - claim.claimed <= _MAX_WAIT_SECONDS:
        raise TransientAwsError("The Express execution was started and has not reported yet.")
    raise _lost(claim.machine)


def _lost(machine: str) -> ExecutionLostError:
    return ExecutionLostError(
        f"The outcome of the Express execution of {machine} is unknown: it was started, but the wait for it"
        " was lost. Look into the state machine's log before you retry; give the trigger function a time-out"
        f" of {_MAX_WAIT_SECONDS + EXPRESS_ANSWER_MARGIN_SECONDS} s."
    )


def _start_and_wait(
    action: Action, machine: MachineArn, text: str, claims: Claims, wait_seconds: float
) -> Execution:
    name = action.continuation.execution_name
    client = action.services.clients.sync_stepfunctions(wait_seconds)
    try:
        answer = client.start_sync_execution(stateMachineArn=str(machine), name=name, input=text)
    except AWS_FAILURES as error:
        if not _was_refused(error):
            raise _lost(str(machine)) from error
        claims.release(name)
        raise failed_call("states:StartSyncExecution", str(machine), error) from error
    arn = ExecutionArn.parse(answer["executionArn"])
    if arn is None:
        raise InternalError("StartSyncExecution answered with an ARN that is none of an execution.")
    return execution_of(answer, arn)


def _was_refused(error: AwsFailure) -> bool:
    """Whether nothing was started: AWS said so, or was never reached."""
    if isinstance(error, ClientError):
        return 0 < http_status(error) < _HTTP_SERVER_ERROR
    return isinstance(error, ConnectionError)


def _record(claims: Claims, name: str, claim: Claim) -> None:
    """Best effort: without the record only a redelivery could not answer the same."""
    try:
        claims.record(name, claim)
    except AWS_FAILURES as error:
        logger.warning(
            "The result of the Express execution was not recorded", extra={"error_code": error_code(error)}
        )
