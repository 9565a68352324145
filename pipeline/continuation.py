"""The continuation token, by which one job of an action passes its state to the next.

CodePipeline stores the token and passes it to a new job with a new id. It contains nothing secret, and it is
not trusted: whoever may report job results can write one.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

from pipeline.errors import TokenError
from pipeline.job_event import JOB_ID
from pipeline.limits import MAX_CLOCK_SKEW_SECONDS, MAX_CONTINUATION_TOKEN_CHARACTERS
from stepline.core import strict_json
from stepline.core.executions.arns import ExecutionArn
from stepline.core.limits import MAX_RUNNING_PERCENT

TOKEN_VERSION = 1
_EXECUTION_PREFIX = "codepipeline-"


@dataclass(frozen=True)
class Continuation:
    """The state of an action. Times are whole seconds since 1970.

    `execution` is None as long as AWS could not be reached to start it, and `stop_requested` until the
    timeout has passed and StopExecution was accepted. `reported`: when the token was reported, by a trigger
    that holds jobs open; it increases from job to job, and no job that has the token is older.
    """

    first_job_id: str
    first_seen: int
    execution: ExecutionArn | None = None
    started: int | None = None
    percent: int = 0
    stop_requested: int | None = None
    reported: int | None = None

    @property
    def execution_name(self) -> str:
        """The same for all jobs of the action and all invocations, which makes the start idempotent."""
        return f"{_EXECUTION_PREFIX}{self.first_job_id}"

    @classmethod
    def of_job(cls, job_id: str, now: int) -> Continuation:
        """Return the state of an action that begins with this job."""
        return cls(first_job_id=job_id, first_seen=now)

    def with_execution(self, execution: ExecutionArn, now: int) -> Continuation:
        return dataclasses.replace(self, execution=execution, started=now)

    def with_percent(self, percent: int) -> Continuation:
        """Return a continuation whose percentage is not less than before, and at most 99."""
        return dataclasses.replace(self, percent=min(max(percent, self.percent), MAX_RUNNING_PERCENT))

    def with_stop_requested(self, now: int) -> Continuation:
        return dataclasses.replace(self, stop_requested=now)

    def with_reported(self, now: int) -> Continuation:
        return dataclasses.replace(self, reported=max(now, (self.reported or 0) + 1))

    def deadline(self, timeout_minutes: int) -> int:
        return self.first_seen + timeout_minutes * 60


def first_job_of(execution: ExecutionArn) -> str | None:
    """Return the id of the first job of the action that started the execution; None if no action did."""
    job_id = execution.name.removeprefix(_EXECUTION_PREFIX)
    return job_id if job_id != execution.name and JOB_ID.fullmatch(job_id) else None


def write_token(continuation: Continuation) -> str:
    """Return the token. It fits into 2,048 characters: an ARN has at most 256, and the rest a fixed size."""
    members: dict[str, object] = {
        "v": TOKEN_VERSION,
        "job": continuation.first_job_id,
        "since": continuation.first_seen,
        "percent": continuation.percent,
    }
    if continuation.execution is not None:
        members |= {"execution": str(continuation.execution), "started": continuation.started}
    if continuation.stop_requested is not None:
        members["stopRequested"] = continuation.stop_requested
    if continuation.reported is not None:
        members["reported"] = continuation.reported
    return json.dumps(members, separators=(",", ":"))


def read_token(token: str, now: int) -> Continuation:
    """Parse the token. Raise `TokenError` if this version of the trigger did not write it."""
    members = _members(token)
    version = members.get("v")
    if version != TOKEN_VERSION or isinstance(version, bool):
        raise TokenError(
            "The continuation token was created by another version of the trigger. Retry the stage."
        )
    first_job_id = members.get("job")
    if not isinstance(first_job_id, str) or not JOB_ID.fullmatch(first_job_id):
        raise _forged("its job id is not valid")
    continuation = Continuation(
        first_job_id=first_job_id,
        first_seen=_number(members, "since", now + MAX_CLOCK_SKEW_SECONDS),
        percent=_number(members, "percent", MAX_RUNNING_PERCENT),
        reported=_number(members, "reported", now + MAX_CLOCK_SKEW_SECONDS)
        if "reported" in members
        else None,
    )
    if "execution" not in members:
        return continuation
    execution = ExecutionArn.parse(str(members["execution"]))
    if execution is None or not _is_of(continuation, execution):
        raise _forged("its execution does not belong to its job")
    started = continuation.with_execution(
        execution, _number(members, "started", now + MAX_CLOCK_SKEW_SECONDS)
    )
    if "stopRequested" not in members:
        return started
    return started.with_stop_requested(_number(members, "stopRequested", now + MAX_CLOCK_SKEW_SECONDS))


def _is_of(continuation: Continuation, execution: ExecutionArn) -> bool:
    """Return whether it is the action's Standard execution, whose ARN ends with the name."""
    return str(execution).endswith(f":execution:{execution.machine}:{continuation.execution_name}")


def _members(token: str) -> dict[str, object]:
    if len(token) > MAX_CONTINUATION_TOKEN_CHARACTERS:
        raise _forged(f"it has more than {MAX_CONTINUATION_TOKEN_CHARACTERS} characters")
    try:
        members = strict_json.loads(token)
    except ValueError as error:
        raise _forged("it is not JSON") from error
    if not isinstance(members, dict):
        raise _forged("it is not an object")
    return members


def _number(members: dict[str, object], name: str, maximum: int) -> int:
    value = members.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= maximum:
        raise _forged(f"{name} is not a possible number")
    return value


def _forged(reason: str) -> TokenError:
    return TokenError(f"The continuation token was not created by the trigger: {reason}.")
