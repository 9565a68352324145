"""The continuation token: all that one job of an action tells the next.

CodePipeline keeps the token and hands it to a new job with a new id. Nothing in it is
secret, and nothing in it is trusted: whoever may answer jobs could have written it.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

from pipeline.errors import TokenError
from pipeline.job import JOB_ID
from pipeline.limits import GIVE_UP_SECONDS, MAX_CLOCK_SKEW_SECONDS, MAX_CONTINUATION_TOKEN_CHARACTERS
from stepline.core import strict_json
from stepline.core.executions.arns import ExecutionArn
from stepline.core.limits import MAX_PERCENT_BEFORE_THE_END

TOKEN_VERSION = 1
_EXECUTION_PREFIX = "codepipeline-"


@dataclass(frozen=True)
class Continuation:
    """Where the action stands. Times are whole seconds since 1970.

    `execution` is None as long as nothing could be started.
    """

    first_job_id: str
    first_seen: int
    execution: ExecutionArn | None = None
    started: int | None = None
    percent: int = 0

    @property
    def execution_name(self) -> str:
        """The same for every job and every delivery of one action: what makes the start idempotent."""
        return f"{_EXECUTION_PREFIX}{self.first_job_id}"

    def with_execution(self, execution: ExecutionArn, now: int) -> Continuation:
        return dataclasses.replace(self, execution=execution, started=now)

    def with_percent(self, percent: int) -> Continuation:
        """Never less than before, and 99 at most: 100 is for the end."""
        return dataclasses.replace(self, percent=min(max(percent, self.percent), MAX_PERCENT_BEFORE_THE_END))

    def deadline(self, timeout_minutes: int) -> int:
        return self.first_seen + timeout_minutes * 60

    def is_late(self, timeout_minutes: int, now: int) -> bool:
        return now >= self.deadline(timeout_minutes)

    def may_give_up(self, timeout_minutes: int, now: int) -> bool:
        """Whether AWS has stayed away for so long after the deadline that the job ends without it."""
        grace_seconds = 0 if self.execution is None else GIVE_UP_SECONDS
        return now >= self.deadline(timeout_minutes) + grace_seconds


def write_token(continuation: Continuation) -> str:
    """At most 2,048 characters: an ARN has 256 at most, the rest is of fixed size."""
    members: dict[str, object] = {
        "v": TOKEN_VERSION,
        "job": continuation.first_job_id,
        "since": continuation.first_seen,
        "percent": continuation.percent,
    }
    if continuation.execution is not None:
        members |= {"execution": str(continuation.execution), "started": continuation.started}
    return json.dumps(members, separators=(",", ":"))


def read_token(token: str, now: int) -> Continuation:
    """Raises `TokenError` for one that this version of the trigger did not write."""
    members = _members(token)
    version = members.get("v")
    if version != TOKEN_VERSION or isinstance(version, bool):
        raise TokenError(
            "The continuation token was made by another version of the trigger. Retry the stage."
        )
    first_job_id = members.get("job")
    if not isinstance(first_job_id, str) or not JOB_ID.fullmatch(first_job_id):
        raise _forged("its job id is none")
    continuation = Continuation(
        first_job_id=first_job_id,
        first_seen=_number(members, "since", now + MAX_CLOCK_SKEW_SECONDS),
        percent=_number(members, "percent", MAX_PERCENT_BEFORE_THE_END),
    )
    if "execution" not in members:
        return continuation
    execution = ExecutionArn.parse(str(members["execution"]))
    if execution is None or not _is_own(execution, continuation):
        raise _forged("its execution is not the one of its job")
    return continuation.with_execution(execution, _number(members, "started", now + MAX_CLOCK_SKEW_SECONDS))


def _is_own(execution: ExecutionArn, continuation: Continuation) -> bool:
    """Whether it is the Standard execution of that name, with nothing behind the name."""
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
        raise _forged(f"{name} is no number that it could be")
    return value


def _forged(reason: str) -> TokenError:
    return TokenError(f"The continuation token was not made by the trigger: {reason}.")
